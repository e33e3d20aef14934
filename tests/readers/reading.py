"""Reading a journal in tests: as a whole, or in pieces as they might arrive."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from zabbix_plugins.model.event import Event
from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Carry, Chunk, Origin, Reader, Reading, Reject
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers import make_reader

PRIVACY = Privacy(key=b"a key of sixteen bytes or more", key_id="k1", bins=("220220",))
ORIGIN = Origin(chain="m", store="1001", pos="3", zone="Europe/Moscow")
NOON = 1_795_521_600_000
"""2026-11-24 12:00 UTC, 15:00 in Moscow."""


class Whole(msgspec.Struct):
    """Everything that was read of one journal."""

    events: list[Event] = []
    rejects: list[Reject] = []
    lines: int = 0
    unknown: int = 0
    carry: Carry = msgspec.field(default_factory=Carry)

    def add(self, reading: Reading[Any]) -> None:
        self.events += reading.events
        self.rejects += reading.rejects
        self.lines += reading.lines
        self.unknown += reading.unknown
        self.carry = reading.carry


def reader_of(format_: str, origin: Origin = ORIGIN) -> Reader[Any]:
    return make_reader(format_, origin, PRIVACY)


def read_whole(
    format_: str,
    data: bytes,
    *,
    now: int = NOON,
    written: int | None = None,
    ended: bool = True,
    origin: Origin = ORIGIN,
) -> Whole:
    """Read a journal that came in one piece."""
    return read_pieces(format_, data, [], now=now, written=written, ended=ended, origin=origin)


def read_pieces(
    format_: str,
    data: bytes,
    cuts: Iterable[int],
    *,
    now: int = NOON,
    written: int | None = None,
    ended: bool = True,
    origin: Origin = ORIGIN,
) -> Whole:
    """Read a journal that grew: it was as long as each of `cuts` says when it was looked at, then whole.

    Between any two looks the carry goes through its stored form and a new reader is made, as after a restart.
    """
    whole = Whole()
    offset = 0
    stored = b""
    for size in [*sorted({cut for cut in cuts if cut < len(data)}), len(data)]:
        while True:
            reader = reader_of(format_, origin)
            carry = msgspec.msgpack.decode(stored, type=reader.carry_type) if stored else reader.begin()
            end = min(size, offset + MAX_RECORD_BYTES)
            chunk = Chunk(
                data=data[offset:end],
                offset=offset,
                arrival=now,
                written=now if written is None else written,
                ended=ended and end == len(data),
            )
            reading = reader.read(carry, chunk)
            whole.add(reading)
            assert 0 <= reading.consumed <= len(chunk.data)
            offset += reading.consumed
            stored = msgspec.msgpack.encode(reading.carry)
            if not reading.consumed or offset == size:
                break
    if ended:
        assert offset == len(data)
    return whole
