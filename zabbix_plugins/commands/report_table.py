"""The report as a person reads it: tables in a terminal."""

from __future__ import annotations

from datetime import UTC, datetime

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from zabbix_plugins.report import JournalSummary, Report


def _instant(time: int | None) -> str:
    return "-" if time is None else datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _headline(report: Report) -> Text:
    stated = report.availability
    if stated.availability is None:
        return Text("Loyalty availability: no transactions in these journals", style="bold yellow")
    good = stated.availability >= 99
    return Text.assemble(
        ("Loyalty availability ", "bold"),
        (f"{stated.availability:.2f} %", "bold green" if good else "bold red"),
        f"  (at least {stated.lower:.2f} %, at most {stated.upper:.2f} %, each with 95 % confidence)",
    )


def _facts(report: Report) -> Table:
    table = Table.grid(padding=(0, 2))
    stated = report.availability
    for name, value in (
        ("From", f"{_instant(report.first)} UTC"),
        ("to", f"{_instant(report.last)} UTC"),
        ("Registers", str(report.registers)),
        ("Receipts", f"{stated.receipts}  (cancelled or put aside {report.cancelled}, training {report.training})"),
        ("Transactions with loyalty", f"{stated.transactions}  ({_share(stated.transactions, stated.receipts)})"),
        ("hit", f"{stated.hit}  (of them with the register offline {report.offline})"),
        ("recovered by retry", str(stated.recovered)),
        *((("Duplicates dropped", str(report.duplicates)),) if report.duplicates else ()),
    ):
        table.add_row(Text(name, style="dim"), Text(value))
    return table


def _errors(report: Report, top: int) -> Table:
    table = Table(title="Top errors", title_justify="left", title_style="bold", pad_edge=False, box=None)
    table.add_column("Code", no_wrap=True)
    table.add_column("Count", justify="right")
    table.add_column("Share", justify="right")
    table.add_column("Owner")
    table.add_column("What it means", ratio=1)
    for error in report.errors[:top]:
        words = error.words if error.known else "not in the error dictionary"
        table.add_row(
            Text(error.code, style="red" if error.critical else "" if error.known else "yellow"),
            str(error.count),
            f"{error.share:.0%}",
            Text(error.owner),
            Text(words),
        )
    return table


def _journals(journals: list[JournalSummary]) -> Table:
    table = Table(title="Journals", title_justify="left", title_style="bold", pad_edge=False, box=None)
    table.add_column("File", overflow="fold")
    table.add_column("Format")
    table.add_column("Lines", justify="right")
    table.add_column("Not understood", justify="right")
    table.add_column("Rejected", justify="right")
    for journal in journals:
        rejected = sum(journal.rejects.values())
        table.add_row(
            Text(journal.path),
            journal.format,
            str(journal.lines),
            f"{journal.unknown} ({_share(journal.unknown, journal.lines)})",
            Text(str(rejected), style="red" if rejected else ""),
        )
    return table


def _rejects(journals: list[JournalSummary]) -> Table:
    table = Table(title="Rejected lines, the first few", title_justify="left", title_style="bold", box=None)
    for name in ("File", "Reason", "Byte", "Excerpt"):
        table.add_column(name)
    for journal in journals:
        for reject in journal.examples:
            table.add_row(Text(journal.path), reject.reason, str(reject.offset), Text(reject.detail))
    return table


def print_report(console: Console, report: Report, top: int = 10) -> None:
    """Print the report; `top` limits the error table."""
    parts: list[RenderableType] = [_headline(report), _facts(report)]
    if report.errors:
        parts += ["", _errors(report, top)]
    parts += ["", _journals(report.journals)]
    if any(journal.examples for journal in report.journals):
        parts += ["", _rejects(report.journals)]
    console.print(Group(*parts))
