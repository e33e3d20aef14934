"""`tillwatch provision`: make a Zabbix server as Tillwatch needs it; a second run changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from zabbix_plugins.commands.collect import CONFIG
from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.provision.client import Access, Client
from zabbix_plugins.provision.plan import Plan
from zabbix_plugins.provision.provision import provision as provision_server
from zabbix_plugins.settings import load_estate, load_settings, read_text


@click.command()
@CONFIG
@click.option("--url", required=True, help="Address of the frontend, as people reach it.")
@click.option("--token-file", type=click.Path(path_type=Path, dir_okay=False), help="File with an API token.")
@click.option("--user", default="", help="Or a user name; the password is asked for, or read from standard input.")
@click.option("--ca-file", default="", help="Certificates of your own authority (PEM).")
@click.option("--hotline", required=True, help="Mail address of the hot-line.")
@click.option("--instance", default="zabbix", show_default=True, help="Name of this Zabbix; must never change.")
@click.option("--documents", default="", help="The documents folder as zabbix_server sees it, if it differs.")
@click.option("--spool", default="", help="The spool folder as zabbix_server sees it, if it differs.")
@click.option("--no-stores", is_flag=True, help="Make no hosts of stores.")
def provision(
    config: Path,
    url: str,
    token_file: Path | None,
    user: str,
    ca_file: str,
    hotline: str,
    instance: str,
    documents: str,
    spool: str,
    no_stores: bool,
) -> None:
    """Import templates, make hosts, the hot-line's media type and action, and the dashboard.

    Run it as often as you like: what is as it should be stays untouched.
    """
    settings = load_settings(config)
    estate = load_estate(settings)
    if not estate.stores:
        raise BadConfiguration(
            "key collector.estate names no estate file", where=str(config), remedy="hosts are made from its rows"
        )
    token = read_text(token_file, "the token file").strip() if token_file else ""
    password = _password(user) if user and not token else ""
    client = Client(Access(url=url, token=token, user=user, password=password, ca_file=ca_file))
    plan = Plan(
        estate=estate,
        documents=documents or str(settings.documents),
        spool=spool or str(settings.spool_folder),
        hotline=hotline,
        frontend=url,
        instance=instance,
        stores=not no_stores,
    )
    console = Console(stderr=True)
    with console.status("Provisioning ...") as status:
        report = provision_server(client, plan, lambda text: status.update(text))
    for word, names in (("created", report.created), ("changed", report.updated)):
        for name in names:
            click.echo(f"{word}  {name}")
    click.echo(
        f"Zabbix {report.version}: {len(report.created)} created, {len(report.updated)} changed, "
        f"{report.unchanged} as they should be"
    )


def _password(user: str) -> str:
    if sys.stdin.isatty():
        password: str = click.prompt(f"Password of {user}", hide_input=True)
        return password
    return sys.stdin.readline().rstrip("\n")
