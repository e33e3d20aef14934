"""One-shot mode: read journals once, without Zabbix, ledger or settings, and say what they mean.

It follows the same readers and the same rules of receipts as the collector, so what it says of yesterday's files
is what the dashboards showed, minute boundaries apart.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from zabbix_plugins.metrics.availability import Availability, availability
from zabbix_plugins.model.dictionary import ErrorDictionary
from zabbix_plugins.model.event import Event
from zabbix_plugins.model.journal import Reject
from zabbix_plugins.model.receipt import ERROR, PosState, follow

SHOWN_REJECTS = 5


class TopError(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the error table; `share` is of all errors, 0 … 1."""

    code: str
    count: int
    share: float
    critical: bool
    known: bool
    owner: str
    title: str
    words: str


class JournalSummary(msgspec.Struct, kw_only=True):
    """What was read of one file: its format, records, those not understood, those rejected by reason."""

    path: str
    format: str
    lines: int = 0
    unknown: int = 0
    rejects: dict[str, int] = {}
    examples: list[Reject] = []

    def reject(self, reject: Reject) -> None:
        """Count a reject and keep the first few as examples."""
        self.rejects[reject.reason] = self.rejects.get(reject.reason, 0) + 1
        if len(self.examples) < SHOWN_REJECTS:
            self.examples.append(reject)


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `tillwatch report` states. Times are milliseconds UTC, None without events."""

    first: int | None
    last: int | None
    registers: int
    availability: Availability
    offline: int
    errors: list[TopError]
    cancelled: int
    training: int
    duplicates: int
    journals: list[JournalSummary]


class Reporter:
    """Adds up the events of all journals that are read; knows nothing of files."""

    def __init__(self, dictionary: ErrorDictionary) -> None:
        self.journals: list[JournalSummary] = []
        self._dictionary = dictionary
        self._counts: dict[str, int] = {}
        self._states: dict[tuple[str, str, str], PosState] = {}
        self._first: int | None = None
        self._last: int | None = None

    def _tally(self, time: int, counter: str) -> None:
        self._counts[counter] = self._counts.get(counter, 0) + 1

    def take(self, events: Iterable[Event]) -> None:
        """Follow events, each register's in journal order."""
        for event in events:
            key = (event.chain, event.store, event.pos)
            state = self._states.get(key)
            if state is None:
                state = self._states[key] = PosState()
            if event.seq >= 0 and not state.watermark.accept(event.seq, event.time):
                self._tally(event.time, "duplicates")
                continue
            if self._first is None or event.time < self._first:
                self._first = event.time
            if self._last is None or event.time > self._last:
                self._last = event.time
            follow(state, event, self._dictionary, self._tally)

    def report(self, language: str) -> Report:
        """What all journals taken so far mean; error texts in `language` ("en", "ru")."""
        counts = self._counts
        found = {name.removeprefix(ERROR): number for name, number in counts.items() if name.startswith(ERROR)}
        total = sum(found.values())
        errors = []
        for code, number in sorted(found.items(), key=lambda pair: (-pair[1], pair[0])):
            entry = self._dictionary.lookup(code)
            errors.append(
                TopError(
                    code=code,
                    count=number,
                    share=number / total,
                    critical=entry.critical,
                    known=entry.known,
                    owner=entry.owner,
                    title=entry.title[language],
                    words=entry.words[language],
                )
            )
        return Report(
            first=self._first,
            last=self._last,
            registers=len(self._states),
            availability=availability(counts),
            offline=counts.get("offline", 0),
            errors=errors,
            cancelled=counts.get("cancelled", 0) + counts.get("voided", 0) + counts.get("suspended", 0),
            training=counts.get("training", 0),
            duplicates=counts.get("duplicates", 0),
            journals=self.journals,
        )
