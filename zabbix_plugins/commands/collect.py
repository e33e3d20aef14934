"""`tillwatch collect`: follow journals, keep the ledger, publish documents, until told to stop."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import click

from zabbix_plugins.collector import Collector, Family, Publication, hold, run
from zabbix_plugins.ledger.ledger import Ledger
from zabbix_plugins.model.estate import Estate
from zabbix_plugins.model.journal import Carry, Origin, Reader
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.publish.documents import prepare_folder
from zabbix_plugins.publish.trapper import Pusher, server_address
from zabbix_plugins.readers import make_reader
from zabbix_plugins.settings import JournalSettings, Settings, load_dictionary, load_estate, load_key, load_settings
from zabbix_plugins.sources.files import FollowedJournals
from zabbix_plugins.sources.patterns import JournalPattern


def milliseconds() -> int:
    """The clock of the collector."""
    return time.time_ns() // 1_000_000


def steady_milliseconds() -> int:
    """A clock that nobody sets; it goes on while the machine sleeps."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def _family(number: int, settings: JournalSettings, folder: Settings, estate: Estate, privacy: Privacy) -> Family:
    pattern = JournalPattern.compile(
        str(folder.path(settings.path)),
        origin=Origin(chain=settings.chain, store=settings.store, pos=settings.pos, zone=settings.zone),
    )

    def make(origin: Origin) -> Reader[Carry]:
        known = estate.stores.get((origin.chain, origin.store))
        zone = known.zone if known else settings.zone
        return make_reader(
            settings.format, Origin(chain=origin.chain, store=origin.store, pos=origin.pos, zone=zone), privacy
        )

    return Family(journals=FollowedJournals(str(number), pattern), make_reader=make)


def assemble(
    settings: Settings,
    at: Callable[[str], None] = lambda point: None,
    clock: Callable[[], int] = milliseconds,
    steady: Callable[[], int] = steady_milliseconds,
) -> tuple[Collector, Pusher | None]:
    """The collector that the settings describe; raises `BadConfiguration` for what cannot be used."""
    estate = load_estate(settings)
    own = settings.collector.dictionary
    dictionary = load_dictionary(settings.path(own) if own else None)
    servers = [server_address(text) for text in settings.push.servers]
    settings.data.mkdir(parents=True, exist_ok=True)
    key_id, key = load_key(settings.path(settings.privacy.key_file))
    privacy = Privacy(key=key, key_id=key_id, bins=settings.privacy.bins)
    families = [
        _family(number, journal, settings, estate, privacy) for number, journal in enumerate(settings.journal, 1)
    ]
    prepare_folder(settings.documents)
    pusher = Pusher(servers) if servers else None
    collector = Collector(
        Ledger(settings.data / "ledger.sqlite", estate, push_stores=pusher is not None),
        families,
        dictionary,
        Publication(
            documents=settings.documents,
            name=settings.collector.name,
            language=settings.collector.language,
            pusher=pusher,
        ),
        grace_ms=settings.collector.grace_seconds * 1000,
        clock=clock,
        steady=steady,
        at=at,
    )
    return collector, pusher


CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    default="tillwatch.toml",
    show_default=True,
    help="The settings file (docs/configuration.md).",
)


@click.command()
@CONFIG
@click.option("--once", is_flag=True, help="Make one pass over all journals and end.")
def collect(config: Path, once: bool) -> None:
    """Follow journals, count, and publish documents for Zabbix."""
    settings = load_settings(config)
    with contextlib.ExitStack() as held:
        held.callback(os.close, hold(settings.data))
        collector, pusher = assemble(settings)
        held.callback(collector.close)
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        if pusher is not None:
            pusher.start()
        if once:
            collector.make_pass()
        else:
            run(collector, pause=lambda: stop.wait(settings.collector.pass_seconds))
        if pusher is not None:
            pusher.stop()
