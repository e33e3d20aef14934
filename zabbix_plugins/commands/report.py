"""`tillwatch report`: read journals once and say what they mean; the first thing to try on one's own logs."""

from __future__ import annotations

import secrets
from pathlib import Path

import click
import msgspec
from rich.console import Console

from zabbix_plugins.commands.report_table import print_report
from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.estate import known_zone
from zabbix_plugins.model.journal import Origin
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers import READERS, guess_format, make_reader
from zabbix_plugins.report import JournalSummary, Reporter
from zabbix_plugins.settings import load_dictionary
from zabbix_plugins.sources.once import generations_in_order, read_once


@click.command()
@click.argument("journals", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option("--format", "format_", type=click.Choice(list(READERS)), help="The dialect; guessed when not given.")
@click.option("--zone", default="UTC", show_default=True, help="Time zone of stamps that have none (IANA name).")
@click.option("--dictionary", type=click.Path(path_type=Path, dir_okay=False), help="Your own error dictionary.")
@click.option("--language", type=click.Choice(["en", "ru"]), default="en", show_default=True)
@click.option("--top", default=10, show_default=True, help="So many errors are shown.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def report(
    journals: tuple[Path, ...],
    format_: str | None,
    zone: str,
    dictionary: Path | None,
    language: str,
    top: int,
    as_json: bool,
) -> None:
    """Read JOURNALS (files or folders) and print availability, top errors and what could not be read.

    Needs no Zabbix and no settings, and keeps nothing: card numbers are masked under a key that is thrown away.
    """
    if not known_zone(zone):
        raise BadConfiguration(f"time zone {zone!r} is unknown", remedy="use an IANA name such as Europe/Moscow")
    reporter = Reporter(load_dictionary(dictionary))
    privacy = Privacy(key=secrets.token_bytes(32), key_id="report")
    progress = Console(stderr=True)
    with progress.status("Reading ...") as status:
        for stream in generations_in_order(journals):
            reader = carry = None
            for path in stream:
                status.update(f"Reading {path}")
                with read_once(path) as reading_file:
                    found = format_ or guess_format(reading_file.head())
                    summary = JournalSummary(path=str(path), format=found or "unknown")
                    reporter.journals.append(summary)
                    if found is None:
                        continue
                    if reader is None or carry is None:
                        # files of one stream are one register's; files that say so themselves overrule it
                        reader = make_reader(found, Origin(pos=str(stream[0].parent), zone=zone), privacy)
                        carry = reader.begin()
                    while (chunk := reading_file.next_chunk()) is not None:
                        reading = reader.read(carry, chunk)
                        carry = reading.carry
                        reporter.take(reading.events)
                        summary.lines += reading.lines
                        summary.unknown += reading.unknown
                        for reject in reading.rejects:
                            summary.reject(reject)
                        reading_file.consumed(reading.consumed)
    result = reporter.report(language)
    if as_json:
        click.echo(msgspec.json.encode(result).decode())
    else:
        print_report(Console(), result, top)
