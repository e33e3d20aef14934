"""The bounded memories that recognise what was read before (design, decision 3).

Two of the three live here, per POS: the watermark of its record numbers with a short list of gaps, and the
identities of its closed receipts as number ranges per day and shift. (The third, fingerprints of files, belongs
to journal sources.) Both are small enough to be stored with the counters they protect, in the same commit.
"""

from __future__ import annotations

from bisect import bisect_right

import msgspec

from zabbix_plugins.model.event import Number

DAY_MS = 86_400_000
MAX_GAPS = 32


class Watermark(msgspec.Struct, array_like=True):
    """Which record numbers of one POS were seen: all up to `high` but those in `gaps` (closed ranges).

    `high_time` is the event time of record `high`. `missing` counts the numbers that were skipped so far and
    have not come since.
    """

    high: int = -1
    high_time: int = 0
    gaps: list[tuple[int, int]] = []
    missing: int = 0

    def accept(self, seq: int, time: int) -> bool:
        """Remember `seq`; False when it was seen before.

        A number at or below the mark that carries a later time than the mark means that the POS began to number
        anew (re-installed), not that a record came twice: copies are never younger than their originals.
        """
        if seq == self.high + 1 or self.high < 0:
            self.high, self.high_time = seq, time
            return True
        if seq > self.high:
            self.gaps.append((self.high + 1, seq - 1))
            self.missing += seq - 1 - self.high
            del self.gaps[:-MAX_GAPS]
            self.high, self.high_time = seq, time
            return True
        for place, (low, top) in enumerate(self.gaps):
            if low <= seq <= top:
                rest = [(a, b) for a, b in ((low, seq - 1), (seq + 1, top)) if a <= b]
                self.gaps[place : place + 1] = rest
                self.missing -= 1
                return True
        if time > self.high_time:
            self.high, self.high_time = seq, time
            self.gaps.clear()
            return True
        return False


class ReceiptMemory(msgspec.Struct, array_like=True):
    """Identities of the receipts that one POS closed: (day of closing, shift) → ranges of numbers.

    The day belongs to the identity because a POS without shifts may begin at 1 every morning. A re-exported
    receipt has the closing time of its original, hence its day. One range covers a whole shift as long as
    numbers run on, so a POS costs some ten bytes a shift.
    """

    days: dict[int, dict[Number, list[tuple[int, int]]]] = {}
    texts: dict[int, dict[Number, list[str]]] = {}

    def seen(self, shift: Number, receipt: Number, time: int) -> bool:
        """Was this receipt, closed at `time` (milliseconds UTC), counted already?"""
        day = time // DAY_MS
        if isinstance(receipt, str):
            return receipt in self.texts.get(day, {}).get(shift, ())
        ranges = self.days.get(day, {}).get(shift)
        if not ranges:
            return False
        place = bisect_right(ranges, receipt, key=lambda pair: pair[0]) - 1
        return place >= 0 and receipt <= ranges[place][1]

    def add(self, shift: Number, receipt: Number, time: int) -> None:
        """Remember a receipt that `seen` did not know."""
        day = time // DAY_MS
        if isinstance(receipt, str):
            self.texts.setdefault(day, {}).setdefault(shift, []).append(receipt)
            return
        ranges = self.days.setdefault(day, {}).setdefault(shift, [])
        place = bisect_right(ranges, receipt, key=lambda pair: pair[0])
        low = high = receipt
        if place < len(ranges) and ranges[place][0] == receipt + 1:
            high = ranges.pop(place)[1]
        if place > 0 and ranges[place - 1][1] == receipt - 1:
            low = ranges.pop(place - 1)[0]
            place -= 1
        ranges.insert(place, (low, high))

    def forget(self, before: int) -> None:
        """Drop the days that ended before `before` (milliseconds UTC)."""
        first = before // DAY_MS
        for memory in (self.days, self.texts):
            for day in [day for day in memory if day < first]:
                del memory[day]
