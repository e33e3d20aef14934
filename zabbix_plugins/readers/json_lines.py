"""Reader of Tillwatch's own journal format: JSON lines, one event each (docs/journal.schema.json).

    {"event":"card_read","time":1700000001000,"chain":"m","store":"1001","pos":"3","receipt":812,"card":"2200…"}

The fast path decodes and checks a whole block at once, in a few passes that run in C: there is no Python code per
line. A block that does not pass is read line by line, tolerantly: a time as RFC 3339 text, numbers as text, ids as
numbers, cp1251. Only then is a line a reject.
"""

from __future__ import annotations

import re
from collections import deque
from datetime import datetime
from itertools import accumulate, compress, count, repeat
from operator import add, attrgetter, is_, not_
from typing import Any

import msgspec

from zabbix_plugins.model.event import KINDS, AnyEvent, ArticleScanned, CardRead, Event, KeyPressed, OperatorChanged
from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Carry, Chunk, Origin, Reading, Reject
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers.records import BOM, overlong, whole_lines

_set = msgspec.structs.force_setattr  # only ever on events that were made here and that nobody has seen yet
_decoder = msgspec.json.Decoder(AnyEvent)
_any_json = msgspec.json.Decoder()

_ID = re.compile(r"[A-Za-z0-9._-]{0,64}")
_QUOTED = re.compile(r"'[^']*'")
_HAS_NUMBER = re.compile("[0-9][0-9 ()\u00a0-]{8}")
_LATEST_MS = 4_102_444_800_000
"""The year 2100: times beyond it are damage."""
_LARGEST = 1 << 53
"""The largest number that every JSON implementation keeps exact (RFC 8259, section 6)."""

_time = attrgetter("time")
_seq = attrgetter("seq")
_identity = attrgetter("chain", "store", "pos", "shift", "receipt")
Identity = tuple[str, str, str, int | str, int | str]

_NO_FREE_TEXT = {"chain", "store", "pos", "card", "last", "barcode", "article", "operation_id", "request_id"}
"""Text fields that hold what their name says and are left alone, or are treated as what they are."""
_BULK = (ArticleScanned, KeyPressed)
"""The bulk of a journal, looked at in one go; events of other kinds with text are looked at one by one."""
_TEXTS = {
    kind: texts
    for kind in KINDS.values()
    if (texts := tuple(f.name for f in msgspec.structs.fields(kind) if f.type is str and f.name not in _NO_FREE_TEXT))
    and kind not in _BULK
} | {CardRead: ()}


class JsonLinesCarry(Carry):
    """Nothing but what all carries have: every line speaks for itself."""


class _Unknown(Exception):
    """A line of a kind that this version does not know: not understood, but no reject."""


class JsonLinesReader:
    """See the module; `origin` fills in what lines leave out."""

    def __init__(self, origin: Origin, privacy: Privacy) -> None:
        self._privacy = privacy
        self._defaults = tuple((name, getattr(origin, name)) for name in ("chain", "store", "pos"))

    @property
    def carry_type(self) -> type[JsonLinesCarry]:
        """See `Reader`."""
        return JsonLinesCarry

    def begin(self) -> JsonLinesCarry:
        """See `Reader`."""
        return JsonLinesCarry()

    def read(self, carry: JsonLinesCarry, chunk: Chunk) -> Reading[JsonLinesCarry]:
        """See `Reader`."""
        span = whole_lines(carry, chunk)
        rejects: list[Reject] = []
        events: list[Event] = []
        lines = unknown = 0
        if span.stop > span.start:
            start = span.start
            if chunk.offset + start == 0 and chunk.data.startswith(BOM):
                start = len(BOM)
            block = chunk.data[start : span.stop]
            split = block.split(b"\n")
            if not split[-1]:
                split.pop()
            lines = len(split)
            events, unknown = self._events(block, split, chunk.offset + start, rejects)
        if span.overlong:
            rejects.append(overlong(chunk.offset + span.stop))
            lines += 1
        return Reading(
            carry=carry if carry.skipping == span.skipping else JsonLinesCarry(skipping=span.skipping),
            events=events,
            rejects=rejects,
            consumed=len(chunk.data) if span.overlong else span.stop,
            lines=lines,
            unknown=unknown,
        )

    def _events(self, block: bytes, lines: list[bytes], offset: int, rejects: list[Reject]) -> tuple[list[Event], int]:
        """All events of a block that begins at `offset`, and the number of lines of unknown kinds."""
        unknown = 0
        whole = _all_at_once(block, lines)
        if whole is not None:
            events, identities = whole
            # the offset of a line is what all lines before it have, and a line feed for each of them
            offsets = map(add, accumulate(map(len, lines), initial=offset), count())
            deque(map(_set, events, repeat("offset"), offsets), 0)
        else:
            events, unknown = self._line_by_line(lines, offset, rejects)
            identities = set(map(_identity, events))
        self._protect(events)
        self._place(events, identities)
        return events, unknown

    def _place(self, events: list[Event], identities: set[Identity]) -> None:
        """Fill in what the lines leave out. Journals are uniform: mostly all of them do, or none."""
        for number, (field, default) in enumerate(self._defaults):
            if default and any(not identity[number] for identity in identities):
                missing = map(not_, map(attrgetter(field), events))
                deque(map(_set, compress(events, missing), repeat(field), repeat(default)), 0)

    def _protect(self, events: list[Event]) -> None:
        kinds = list(map(type, events))
        for event in compress(events, map(_TEXTS.__contains__, kinds)):
            self._protect_one(event)
        pressed: list[Any] = list(compress(events, map(is_, kinds, repeat(KeyPressed))))
        names = {key: self._privacy.key(key) for key in set(map(attrgetter("key"), pressed))}
        if any(key != kept for key, kept in names.items()):
            for event in pressed:
                _set(event, "key", names[event.key])
        scanned: list[Any] = list(compress(events, map(is_, kinds, repeat(ArticleScanned))))
        if _HAS_NUMBER.search("\n".join(map(attrgetter("name"), scanned))):
            for event in scanned:
                _set(event, "name", self._privacy.text(event.name))
        for event in compress(scanned, map(not_, map(attrgetter("found"), scanned))):
            _set(event, "barcode", self._privacy.barcode(event.barcode))

    def _protect_one(self, event: Event) -> None:
        if isinstance(event, CardRead):
            if event.entry == "phone":
                token, last = self._privacy.phone(event.card)
            else:
                token, last = self._privacy.card(event.card, payment=event.kind in ("cobrand", "bank"))
                if token == event.card and event.last.isdecimal() and event.kind not in ("cobrand", "bank"):
                    last = event.last[-4:]  # an export of ours: the number itself is not there any more
            _set(event, "card", token)
            _set(event, "last", last)
        elif isinstance(event, OperatorChanged) and not any(map(str.isdigit, event.operator)):
            _set(event, "operator", "")  # a personnel number has digits; what has none is a name
        for field in _TEXTS[type(event)]:
            text = getattr(event, field)
            if len(text) > 8:  # shorter than any number that would have to be masked
                _set(event, field, self._privacy.text(text))

    def _line_by_line(self, lines: list[bytes], offset: int, rejects: list[Reject]) -> tuple[list[Event], int]:
        events: list[Event] = []
        unknown = 0
        for line in lines:
            try:
                event = _one(line)
                if event is not None:
                    _set(event, "offset", offset)
                    events.append(event)
            except _Unknown:
                unknown += 1
            except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
                rejects.append(_reject(line, offset, error, self._privacy))
                if b"\0" in line and len(line) < MAX_RECORD_BYTES:
                    # a power cut leaves zeros in front of the next good line
                    rest = line.rsplit(b"\0", 1)[1]
                    more, new = self._line_by_line([rest], offset + len(line) - len(rest), []) if rest else ([], 0)
                    events += more
                    unknown += new
            offset += len(line) + 1
        return events, unknown


def _all_at_once(block: bytes, lines: list[bytes]) -> tuple[list[Event], set[Identity]] | None:
    """The events of all lines, or None when anything in the block needs a closer look."""
    if len(block) >= MAX_RECORD_BYTES and max(map(len, lines)) >= MAX_RECORD_BYTES:
        return None
    try:
        events: list[Event] = _decoder.decode_lines(block)
    except (msgspec.DecodeError, UnicodeDecodeError, OverflowError, RecursionError):
        return None
    identities = set(map(_identity, events))
    return (events, identities) if len(events) == len(lines) and _plausible(events, identities) else None


def _plausible(events: list[Event], identities: set[Identity]) -> bool:
    """Are all times, numbers and ids such as can be? What damage left in them would do harm in a ledger."""
    return (
        min(map(_time, events), default=0) >= 0
        and max(map(_time, events), default=0) < _LATEST_MS
        and max(map(_seq, events), default=0) <= _LARGEST
        and all(
            _ID.fullmatch(chain) and _ID.fullmatch(store) and _ID.fullmatch(pos) and _small(shift) and _small(receipt)
            for chain, store, pos, shift, receipt in identities
        )
    )


def _small(number: int | str) -> bool:
    return abs(number) <= _LARGEST if isinstance(number, int) else len(number) <= 64


def _one(line: bytes) -> Event | None:
    """The event of one line, None for a blank one. Raises `_Unknown`, or what makes the line a reject."""
    if len(line) >= MAX_RECORD_BYTES:
        raise ValueError("overlong")
    try:
        event: Event = _decoder.decode(line)
        if _plausible([event], {_identity(event)}):
            return event
    except (msgspec.DecodeError, UnicodeDecodeError):
        pass
    if not line.strip():
        return None
    try:
        found = _any_json.decode(line)
    except UnicodeDecodeError:
        found = _any_json.decode(line.decode("cp1251").encode())
    if isinstance(found, dict) and isinstance(kind := found.get("event"), str) and kind not in KINDS:
        raise _Unknown
    event = msgspec.convert(_tolerant(found), AnyEvent, strict=False)
    if not _plausible([event], {_identity(event)}):
        raise msgspec.ValidationError("a time, number or id that cannot be")
    return event


def _tolerant(found: Any) -> Any:
    """A line as other hands write it: RFC 3339 times, ids as numbers; null is the same as absent."""
    if not isinstance(found, dict):
        return found
    result = {name: value for name, value in found.items() if value is not None}
    time = result.get("time")
    if isinstance(time, str) and not time.lstrip("-").isdigit():
        try:
            instant = datetime.fromisoformat(time)
        except ValueError:
            raise msgspec.ValidationError("text that is no time - at `$.time`") from None
        if instant.tzinfo is None:
            raise msgspec.ValidationError("a time without a zone - at `$.time`")
        result["time"] = round(instant.timestamp() * 1000)
    elif isinstance(time, float):
        result["time"] = round(time)
    for field in ("chain", "store", "pos", "card", "last", "operation_id", "barcode", "article", "code", "operator"):
        if type(result.get(field)) is int:
            result[field] = str(result[field])
    return result


def _reject(line: bytes, offset: int, error: Exception, privacy: Privacy) -> Reject:
    if len(line) >= MAX_RECORD_BYTES:
        return overlong(offset)
    if b"\0" in line:
        return Reject(reason="binary", offset=offset, detail="zero bytes")
    if isinstance(error, UnicodeDecodeError):
        return Reject(reason="encoding", offset=offset, detail="neither UTF-8 nor cp1251")
    reason = "field" if isinstance(error, msgspec.ValidationError) else "json"
    # the words of an error may quote a value: what stands in quotes is left out, numbers are masked
    return Reject(reason=reason, offset=offset, detail=privacy.text(_QUOTED.sub("'…'", str(error)))[:200])


def fits_json_lines(head: bytes) -> float:
    """Share of the first lines that look like ours, 0 … 1."""
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    ours = sum(1 for line in lines if line.lstrip(b"\xef\xbb\xbf ").startswith(b"{") and b'"event"' in line)
    return ours / len(lines) if lines else 0.0
