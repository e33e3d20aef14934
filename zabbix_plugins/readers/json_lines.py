"""Reader of Tillwatch's own journal format: JSON lines, one event each (docs/journal.schema.json).

    {"event":"card_read","time":1700000001000,"chain":"m","store":"1001","pos":"3","receipt":812,"card":"2200…"}

The fast path decodes a whole block at once; what does not pass is read line by line, tolerantly: a time as RFC 3339
text, numbers as text. Only then is a line a reject.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from zabbix_plugins.model.event import KINDS, AnyEvent, CardRead, Event, LoyaltyResponse, PosError
from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Carry, Chunk, Origin, Reading, Reject
from zabbix_plugins.model.privacy import Privacy

_set = msgspec.structs.force_setattr
_decoder = msgspec.json.Decoder(AnyEvent)
_any_json = msgspec.json.Decoder()
_PERSONAL = (CardRead, LoyaltyResponse, PosError)


class JsonLinesCarry(Carry):
    """Nothing but what all carries have: every line speaks for itself."""


class _Unknown(Exception):
    """A line of a kind that this version does not know: not understood, but no reject."""


class JsonLinesReader:
    """See the module; `origin` fills in what lines leave out."""

    def __init__(self, origin: Origin, privacy: Privacy) -> None:
        self._origin = origin
        self._privacy = privacy

    @property
    def carry_type(self) -> type[JsonLinesCarry]:
        """See `Reader`."""
        return JsonLinesCarry

    def begin(self) -> JsonLinesCarry:
        """See `Reader`."""
        return JsonLinesCarry()

    def read(self, carry: JsonLinesCarry, chunk: Chunk) -> Reading[JsonLinesCarry]:
        """See `Reader`."""
        data = chunk.data
        start = 0
        if carry.skipping:
            end = data.find(b"\n")
            if end < 0:
                return _nothing(carry, len(data))
            start, carry = end + 1, JsonLinesCarry()
        stop = data.rfind(b"\n") + 1
        if chunk.ended:
            stop = len(data)
        if stop <= start:
            if len(data) - start >= MAX_RECORD_BYTES:
                reject = Reject(reason="overlong", offset=chunk.offset + start, detail=f"over {MAX_RECORD_BYTES} bytes")
                return Reading(
                    carry=JsonLinesCarry(skipping=True),
                    events=[],
                    rejects=[reject],
                    consumed=len(data),
                    lines=1,
                    unknown=0,
                )
            return _nothing(carry, start)
        block = data[start:stop]
        if start == 0 and chunk.offset == 0 and block.startswith(b"\xef\xbb\xbf"):
            block, start = block[3:], 3
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        offset = chunk.offset + start
        rejects: list[Reject] = []
        unknown = 0
        try:
            events: list[Event] = list(_decoder.decode_lines(block))
            if len(events) != len(lines):
                raise msgspec.DecodeError("blank lines")
            for event, line in zip(events, lines, strict=True):
                _set(event, "offset", offset)
                offset += len(line) + 1
                if event.__class__ in _PERSONAL:
                    self._protect(event)
            self._place(events)
        except (msgspec.DecodeError, UnicodeDecodeError):
            events, unknown = self._line_by_line(lines, chunk.offset + start, rejects)
        return Reading(carry=carry, events=events, rejects=rejects, consumed=stop, lines=len(lines), unknown=unknown)

    def _place(self, events: list[Event]) -> None:
        """Fill in what the lines leave out. Journals are uniform: mostly a look at each is enough."""
        origin = self._origin
        for field, value in (("chain", origin.chain), ("store", origin.store), ("pos", origin.pos)):
            if value:
                for event in events:
                    if not getattr(event, field):
                        _set(event, field, value)

    def _protect(self, event: Event) -> None:
        if isinstance(event, CardRead):
            if event.entry == "phone":
                token, last = self._privacy.phone(event.card)
            else:
                token, last = self._privacy.card(event.card, payment=event.kind in ("cobrand", "bank"))
            _set(event, "card", token)
            _set(event, "last", last or (event.last[-4:] if event.card == token else ""))
        elif isinstance(event, LoyaltyResponse | PosError) and event.message:
            _set(event, "message", self._privacy.text(event.message))

    def _line_by_line(self, lines: list[bytes], offset: int, rejects: list[Reject]) -> tuple[list[Event], int]:
        events: list[Event] = []
        unknown = 0
        for line in lines:
            if line.strip():
                try:
                    event = self._one(line)
                    _set(event, "offset", offset)
                    self._protect(event)
                    events.append(event)
                except _Unknown:
                    unknown += 1
                except (msgspec.ValidationError, ValueError) as error:
                    if isinstance(error, msgspec.ValidationError):
                        reason = "field"
                    else:
                        reason = "encoding" if isinstance(error, UnicodeDecodeError) else "json"
                    if b"\0" in line:
                        reason = "binary"
                    rejects.append(Reject(reason=reason, offset=offset, detail=self._privacy.text(str(error))[:200]))
            offset += len(line) + 1
        self._place(events)
        return events, unknown

    @staticmethod
    def _one(line: bytes) -> Event:
        try:
            event: Event = _decoder.decode(line)
        except msgspec.ValidationError:
            found: Any = _any_json.decode(line)
            if not isinstance(found, dict) or found.get("event") not in KINDS:
                if isinstance(found, dict) and isinstance(found.get("event"), str):
                    raise _Unknown from None
                raise
            event = msgspec.convert(_tolerant(found), AnyEvent, strict=False)
        return event


def _tolerant(found: dict[str, Any]) -> dict[str, Any]:
    """A line as other hands write it: RFC 3339 times, ids as numbers, integers as text."""
    result = {name: value for name, value in found.items() if value is not None}
    time = result.get("time")
    if isinstance(time, str) and not time.lstrip("-").isdigit():
        instant = datetime.fromisoformat(time)
        if instant.tzinfo is None:
            raise msgspec.ValidationError("time without a zone - at `$.time`")
        result["time"] = round(instant.timestamp() * 1000)
    elif isinstance(time, float):
        result["time"] = round(time)
    for field in ("chain", "store", "pos", "card", "operation_id", "barcode", "article"):
        if isinstance(result.get(field), int):
            result[field] = str(result[field])
    return result


def _nothing(carry: JsonLinesCarry, consumed: int) -> Reading[JsonLinesCarry]:
    return Reading(carry=carry, events=[], rejects=[], consumed=consumed, lines=0, unknown=0)


def fits_json_lines(head: bytes) -> float:
    """Share of the first lines that look like ours, 0 … 1."""
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    ours = sum(1 for line in lines if line.lstrip(b"\xef\xbb\xbf ").startswith(b"{") and b'"event"' in line)
    return ours / len(lines) if lines else 0.0
