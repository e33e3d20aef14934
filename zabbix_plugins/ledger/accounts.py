"""What events add up to between two commits (design, decisions 3 and 4).

`Accounts` follows every POS, drops what was read before, and keeps counts by minute and POS until the next
commit writes them. It touches no disk: states of POS come from a callable, the time of arrival with the events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from zabbix_plugins.ledger.counts import Counts
from zabbix_plugins.model.event import Event
from zabbix_plugins.model.receipt import ENDS, FOLLOW, Codes, PosState
from zabbix_plugins.model.window import MINUTE_MS

AHEAD_MS = 2 * MINUTE_MS
"""An event further ahead of its arrival than this is counted in its arrival minute, and marked."""

MEMORY_DAYS = 8
"""How long receipts are remembered; what is older when it arrives cannot be judged and is not counted."""

DAY_MS = 86_400_000

PosKey = tuple[str, str, str]
_OF_THE_JOURNALS = frozenset({"duplicates", "abandoned", "training"})
"""Tallies that say something of the journals and not of the trade: facts of the collector."""


class Accounts:
    """Counts that wait for a commit, and the states of all POS seen so far.

    `deltas`: minute → (chain, store, POS) → counts. `dirty`: POS whose state changed. `facts`: additions to the
    collector's own counters (late, duplicates, …). `newest`: the latest event time taken, milliseconds UTC.
    """

    def __init__(self, codes: Codes, load: Callable[[PosKey], PosState | None]) -> None:
        self.deltas: dict[int, dict[PosKey, Counts]] = {}
        self.dirty: dict[PosKey, PosState] = {}
        self.facts: Counts = {}
        self.codes = codes
        self.closed = -1
        self._load = load
        self._states: dict[PosKey, PosState] = {}
        self._arrival = 0
        self._horizon = 0
        self._pos: PosKey = ("", "", "")
        self._late = False

    def clear(self) -> None:
        """Begin anew after a commit that succeeded."""
        self.deltas, self.dirty, self.facts = {}, {}, {}

    def note(self, fact: str, number: int = 1) -> None:
        """Add to one of the collector's own counters."""
        if number:
            self.facts[fact] = self.facts.get(fact, 0) + number

    def take(self, events: Iterable[Event], arrival: int) -> None:
        """Count events of any POS, each POS's in journal order, that arrived at `arrival` (milliseconds UTC)."""
        self._arrival = arrival
        self._horizon = arrival - MEMORY_DAYS * DAY_MS
        codes, tally, dirty = self.codes, self._tally, self.dirty
        chain = store = pos = None
        state = mark = None
        missing = 0
        last = 0
        for event in events:
            if event.pos != pos or event.store != store or event.chain != chain:
                if state is not None:
                    state.seen = max(state.seen, last)
                    missing += state.watermark.missing
                chain, store, pos = event.chain, event.store, event.pos
                self._pos = (chain, store, pos)
                state = self._state(self._pos)
                mark = state.watermark
                missing -= mark.missing
                dirty[self._pos] = state
            assert state is not None
            assert mark is not None
            seq = event.seq
            last = event.time
            if seq >= 0:
                if seq == mark.high + 1:
                    mark.high, mark.high_time = seq, last
                elif not mark.accept(seq, last):
                    self.note("duplicates")
                    continue
            kind = type(event)
            step = FOLLOW.get(kind)
            if step is not None and (state.skipping is None or kind in ENDS):
                step(state, event, codes, tally)
                if self._late:
                    self._late = False
                    self.note("late")
        if state is not None:
            state.seen = max(state.seen, last)
            missing += state.watermark.missing
        self.note("gaps", missing)

    def _state(self, key: PosKey) -> PosState:
        state = self._states.get(key)
        if state is None:
            state = self._states[key] = self._load(key) or PosState()
        return state

    def _tally(self, time: int, counter: str) -> None:
        if counter in _OF_THE_JOURNALS:
            self.note(counter)
            return
        if time < self._horizon:
            self.note("too_old")
            return
        minute = time // MINUTE_MS
        if time > self._arrival + AHEAD_MS:
            minute = self._arrival // MINUTE_MS
            self.note("skewed")
        elif minute <= self.closed:
            self._late = True
        registers = self.deltas.get(minute)
        if registers is None:
            registers = self.deltas[minute] = {}
        counts = registers.get(self._pos)
        if counts is None:
            counts = registers[self._pos] = {}
        counts[counter] = counts.get(counter, 0) + 1
