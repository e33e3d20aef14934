"""`tillwatch demo`: everything at work on this machine, on real servers, and gone without a trace."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import click
from rich.console import Console

from zabbix_plugins.commands.export import export_scripts
from zabbix_plugins.demo.packages import FLAVOURS, Flavour
from zabbix_plugins.demo.programs import need_root
from zabbix_plugins.demo.scene import HOTLINE, LOGIN, Scene, SceneSettings, find_scene
from zabbix_plugins.provision.client import Access, Client
from zabbix_plugins.provision.dashboard import dashboard_url

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("/var/lib/tillwatch-demo"),
    show_default=True,
    help="Where the demo lives.",
)


@click.group()
def demo() -> None:
    """See Tillwatch at work on a real Zabbix."""


@demo.command("up")
@FOLDER
@click.option("--flavour", type=click.Choice(list(FLAVOURS)), multiple=True, default=("6.0",), show_default=True)
@click.option("--first-port", default=28080, show_default=True, help="Ports from this one on are used.")
@click.option("--stores", default=24, show_default=True)
def demo_up(folder: Path, flavour: tuple[Flavour, ...], first_port: int, stores: int) -> None:
    """Bring up Zabbix, a mail server and a chain of stores that trades."""
    need_root()
    console = Console()
    console.print("Tillwatch demo: needs root, about 1 GB of disk and two minutes.")
    console.print(f"Everything lies in {folder} and listens on 127.0.0.1; nothing is installed on this machine.")
    settings = SceneSettings(flavours=flavour, first_port=first_port, stores=stores)
    scene = Scene(folder, settings, export_scripts)
    if console.is_terminal:
        with console.status("Beginning") as status:
            scene.start(lambda text: status.update(text))
    else:
        scene.start(lambda text: console.print(f"  {text}"))
    _print_addresses(console, scene)


def _print_addresses(console: Console, scene: Scene) -> None:
    user, password = LOGIN
    console.print()
    for zabbix in scene.zabbix.values():
        client = Client(Access(url=zabbix.url, user=user, password=password))
        console.print(f"[bold]Zabbix {client.version_text}[/]  {dashboard_url(client, zabbix.url)}", soft_wrap=True)
    console.print(f"Login  {user} / {password}    (the first values appear within two minutes)")
    console.print()
    console.print("Try next:")
    tillwatch = "sudo .venv/bin/tillwatch"
    for command, what in (
        ("simulate fault loyalty-down", "availability falls, the trigger fires, a mail arrives within two minutes"),
        ("demo mail", "read the hot-line's mailbox"),
        ("simulate fault --end loyalty-down", "it recovers, and the recovery mail joins the thread"),
        ("simulate fault", "the other faults"),
    ):
        console.print(f"  {tillwatch} {command:36} {what}", soft_wrap=True, highlight=False)
    console.print("  make demo-down                                     ends it", highlight=False)


@demo.command("down")
@FOLDER
@click.option("--remove", is_flag=True, help="Also delete its folder with all downloads.")
def demo_down(folder: Path, remove: bool) -> None:
    """Stop everything."""
    need_root()
    scene = find_scene(folder, export_scripts)
    scene.stop()
    if remove:
        scene.remove()
    click.echo("The demo has ended; nothing of it runs any more.")


@demo.command("status")
@FOLDER
def demo_status(folder: Path) -> None:
    """Say what runs, and where."""
    need_root()
    scene = find_scene(folder, export_scripts)
    scene.build(lambda text: None)
    for flavour, zabbix in scene.zabbix.items():
        click.echo(f"Zabbix {flavour}: {'up' if zabbix.running() else 'down'}  {zabbix.url}  log {zabbix.log}")
    assert scene.mail is not None
    click.echo(f"mail server: {'up' if scene.mail.running() else 'down'}  127.0.0.1:{scene.mail.port}")
    for name in ("simulator", "collector", "deliverer"):
        click.echo(f"{name}: {'up' if scene.pid_of(name) else 'down'}  log {folder / 'run' / name}.log")


@demo.command("mail")
@FOLDER
@click.option("--all", "show_all", is_flag=True, help="Print every mail, not only the last.")
def demo_mail(folder: Path, show_all: bool) -> None:
    """Print the hot-line's mailbox."""
    need_root()
    mails = read_mailbox(folder / "mail" / "mail" / HOTLINE)
    if not mails:
        click.echo("The hot-line's mailbox is empty.")
        return
    for number, mail in enumerate(mails, 1):
        click.echo(f"{number:3}  {mail['Date']}  {mail['Subject']}")
    for mail in mails if show_all else mails[-1:]:
        click.echo("\n" + "-" * 78)
        body = mail.get_body(("plain",))
        click.echo(body.get_content() if body else "(no text)")


def read_mailbox(maildir: Path) -> list[EmailMessage]:
    """The mails of a Maildir, in the order of their arrival."""
    files = sorted([*maildir.glob("new/*"), *maildir.glob("cur/*")], key=lambda path: path.name)
    return [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in files]
