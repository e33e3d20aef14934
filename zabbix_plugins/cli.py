"""The command line: `tillwatch COMMAND`. Every command stands in zabbix_plugins/commands/."""

from __future__ import annotations

import logging
import sys

import click

from zabbix_plugins.commands.collect import collect
from zabbix_plugins.commands.deliver import deliver
from zabbix_plugins.commands.demo import demo
from zabbix_plugins.commands.export import export
from zabbix_plugins.commands.provision import provision
from zabbix_plugins.commands.report import report
from zabbix_plugins.commands.simulate import simulate
from zabbix_plugins.errors import TillwatchError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="tillwatch")
@click.option("-v", "--verbose", is_flag=True, help="Say more about what is being done.")
def cli(verbose: bool) -> None:
    """Tillwatch: from cash-register journals to Zabbix dashboards and alerts."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )


for command in (report, collect, deliver, provision, export, simulate, demo):
    cli.add_command(command)


def main() -> None:
    """Entry point; errors of ours become one sentence and exit status 2."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except TillwatchError as error:
        click.echo(f"tillwatch: {error}", err=True)
        sys.exit(2)
