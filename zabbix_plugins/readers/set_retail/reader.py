"""Finds the records in a Set Retail 10 log and hands each to the function for what it is.

A record is log4j's `%d{dd.MM HH:mm:ss} %-5p [%c{1}] %m%n`, also with .SSS, and goes on until the next one begins.
What it means is told by the first eight bytes of its message, so that one look into a dict chooses what is done:
no line is split, and no regular expression is tried on what means nothing to us.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Chunk, Origin, Reading
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers.records import BOM, overlong, whole_lines
from zabbix_plugins.readers.set_retail.calls import HEADER, LONGEST_HEADER, call, error
from zabbix_plugins.readers.set_retail.events import set_events
from zabbix_plugins.readers.set_retail.lines import key, link, position, silent, till_error
from zabbix_plugins.readers.set_retail.stamps import FRACTIONS, MINUTES, Stamps
from zabbix_plugins.readers.set_retail.state import NOTHING, ORPHANS, OTHER, RECORD, WAIT, Records, SetRetailCarry

_ACTIONS: dict[bytes, Callable[[Records, int, int, int, int], int]] = {
    b"eventCon": key,  # eventControlKey
    b"eventBar": silent,  # eventBarcodeScanner
    b"TP searc": silent,  # TP searchProduct
    b"TechProc": position,  # TechProcess add position
    b'{"events': set_events,
    b"Loymax r": call,  # Loymax request:, Loymax response:
    b"Server o": link,  # Server online mode
    b"TP error": till_error,
}
"""First eight bytes of a message → what is done with the record."""

_SILENT = frozenset({b"CatalogService", b"SpeedLog", b"LoyalBridgeServiceImpl", b"CommonLogger"})
"""Loggers whose other records are understood and tell nothing that Tillwatch counts."""

_SHOP = re.compile(rb'"shop":"?([A-Za-z0-9._-]{1,64})"?,"cash":"?([A-Za-z0-9._-]{1,64})"?[,}]')
_NO_RUBBISH = bytes(range(8, 14)) + bytes(range(32, 127)) + bytes(range(128, 256))


class SetRetailReader:
    """Reader of `root.log`. `origin.zone` is the zone of its stamps; store and POS of the origin, where the path
    says them, go before what SetEvents say.
    """

    def __init__(self, origin: Origin, privacy: Privacy) -> None:
        self._origin = origin
        self._privacy = privacy
        self._stamps = Stamps(origin.zone)
        self._keys: dict[bytes, str] = {}

    @property
    def carry_type(self) -> type[SetRetailCarry]:
        """See `Reader`."""
        return SetRetailCarry

    def begin(self) -> SetRetailCarry:
        """See `Reader`."""
        return SetRetailCarry()

    def read(self, carry: SetRetailCarry, chunk: Chunk) -> Reading[SetRetailCarry]:
        """See `Reader`."""
        span = whole_lines(carry, chunk)
        carry = msgspec.structs.replace(carry, skipping=span.skipping)
        self._stamps.look_from(chunk.written, chunk.arrival)
        records = Records(carry, chunk, span.stop, self._origin, self._privacy, self._keys)
        if not records.store:
            # what stands in front of the first SetEvent is of the same till
            found = _SHOP.search(chunk.data)
            if found is not None:
                records.learn_place(found[1].decode(), found[2].decode())
        start = span.start
        if chunk.offset + start == 0 and chunk.data.startswith(BOM):
            start = min(len(BOM), span.stop)
        consumed, lines = self._read_lines(records, start)
        if span.overlong and consumed == span.stop:
            records.rejects.append(overlong(chunk.offset + span.stop))
            consumed = len(chunk.data)
            lines += 1
        return Reading(
            carry=carry,
            events=records.events,
            rejects=records.rejects,
            consumed=consumed,
            lines=lines,
            unknown=records.unknown,
        )

    def _read_lines(self, records: Records, start: int) -> tuple[int, int]:
        """(position up to which all is done with, number of records)"""
        data, stop, carry = records.data, records.stop, records.carry
        find, hour_of, minute_of, fraction_of = data.find, self._stamps.hours.get, MINUTES.get, FRACTIONS.get
        action_of = _ACTIONS.get
        long_lines = stop - start >= MAX_RECORD_BYTES
        zeros = find(b"\0", start, stop) >= 0
        lines = 0
        last = carry.last
        at = start
        while at < stop:
            end = find(b"\n", at, stop)
            if end < 0:
                end = stop
            if long_lines and end - at >= MAX_RECORD_BYTES:
                records.rejects.append(overlong(records.base + at))
                lines += 1
                at = end + 1
                continue
            if zeros and (zero := data.rfind(b"\0", at, end)) >= 0:
                # a power cut leaves zeros; a record may begin right behind them
                records.reject("binary", at, "zero bytes")
                lines += 1
                at = zero + 1 if zero + 1 < end else end + 1
                continue
            minute = minute_of(data[at + 8 : at + 14])
            if minute is None:
                lines += self._no_header(records, at, end)
                at = end + 1
                continue
            hour = hour_of(data[at : at + 8])
            if hour is None:
                hour = self._stamps.begin_of(data[at : at + 14], last)
                if hour is None:
                    lines += self._no_header(records, at, end)
                    at = end + 1
                    continue
            time = hour + minute
            fraction = fraction_of(data[at + 14 : at + 18])
            level = at + 15
            if fraction is not None:
                time += fraction
                level = at + 19
            bracket = find(b"] ", level, end if end < at + LONGEST_HEADER else at + LONGEST_HEADER)
            if bracket < 0:
                lines += self._no_header(records, at, end)
                at = end + 1
                continue
            action = action_of(data[bracket + 2 : bracket + 10])
            following = OTHER if action is None else action(records, bracket + 2, end, time, at)
            if following == OTHER:
                following = _other(records, level, bracket, end, time, at)
            if following == WAIT:
                break
            lines += 1
            last = time
            carry.within = RECORD
            at = following
        carry.last = last
        return min(at, stop), lines

    def _no_header(self, records: Records, at: int, end: int) -> int:
        """A line that begins no record: the answer is the number of records that it counts as."""
        line = records.data[at:end]
        if line.isspace() or not line:
            return 0
        if line.translate(None, _NO_RUBBISH):
            records.reject("binary", at, "control characters")
            return 1
        if HEADER.match(line) or (line[2:3] == b"." and line[5:6] == b" " and line[:2].isdigit()):
            records.reject("header", at, "a record's stamp, level or logger is damaged")
            records.carry.within = ORPHANS
            return 1
        if records.carry.within == NOTHING:
            records.reject("orphan", at, "lines of a record whose beginning is missing")
            records.carry.within = ORPHANS
            return 1
        return 0


def _other(records: Records, level: int, bracket: int, end: int, time: int, at: int) -> int:
    """A record whose message begins with nothing that is known."""
    data = records.data
    logger = data[data.find(b"[", level, bracket) + 1 : bracket]
    if data.startswith((b"ERROR", b"FATAL"), level):
        return error(records, bracket + 2, end, time, at, logger.decode("ascii", "replace").upper())
    if logger not in _SILENT:
        records.unknown += 1
    return end + 1


def fits_set_retail(head: bytes) -> float:
    """Share of the first lines that begin a record of ours, 0 … 1; lines in between speak neither for nor against."""
    lines = [line for line in head.split(b"\n")[:200] if line.strip()]
    begun = sum(1 for line in lines if HEADER.match(line.lstrip(BOM + b"\0")) and b" [" in line[:LONGEST_HEADER])
    return begun / len(lines) if lines else 0.0
