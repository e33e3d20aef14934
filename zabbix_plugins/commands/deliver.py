"""`tillwatch deliver`: take alerts from the spool, keep them in the outbox, send them as mail."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

import click

from alert_scripts.deliver import Deliverer, alone
from alert_scripts.deliver import deliver as deliver_until
from alert_scripts.outbox import Outbox
from zabbix_plugins.commands.collect import CONFIG, milliseconds
from zabbix_plugins.publish.documents import prepare_folder
from zabbix_plugins.settings import load_settings

_log = logging.getLogger(__name__)


@click.command()
@CONFIG
@click.option("--once", is_flag=True, help="Deliver what is due now and end.")
def deliver(config: Path, once: bool) -> None:
    """Send the hot-line's mails: what alert scripts dropped into the spool, each exactly once."""
    settings = load_settings(config)
    settings.data.mkdir(parents=True, exist_ok=True)
    prepare_folder(settings.spool_folder, 0o2770)
    with alone(settings.data / "outbox.lock"):
        outbox = Outbox(settings.data / "outbox.sqlite")
        deliverer = Deliverer(
            spool=settings.spool_folder,
            outbox=outbox,
            settings=settings.mail,
            folder=Path(settings.folder),
            say=_log.warning,
        )
        try:
            if once:
                while deliverer.deliver_once(milliseconds()).more:
                    pass
                return
            stop = threading.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            deliver_until(deliverer, clock=milliseconds, wait=stop.wait, say=_log.warning)
        finally:
            outbox.close()
