"""What journal sources hand to readers and what readers hand back: bytes in, events out (design, decision 2).

A reader is pure: `read(carry, chunk) → Reading`. It takes whole records only and says in `consumed` how far it
came; the journal source offers the rest again, with more bytes behind it. So no raw text is ever kept in a
carry, and nothing that a customer's card number stands in reaches the disk.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from zabbix_plugins.model.event import Event

MAX_RECORD_BYTES = 1 << 20
"""A record longer than this is a reject; its bytes are skipped up to the end of its line."""


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where a journal stands in the estate, as far as its path or the configuration says.

    `zone` is an IANA time zone name, used by formats whose stamps have none.
    """

    chain: str = ""
    store: str = ""
    pos: str = ""
    zone: str = "UTC"


class Chunk(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes of one journal file, from `offset` on.

    `arrival`: when they were read, milliseconds UTC. `written`: the file's modification time, milliseconds UTC
    (a reference for stamps without a year). `ended`: the file will not grow any more (it was rotated away or is
    read once), so an unfinished last record is a reject and not something to wait for.
    """

    data: bytes
    offset: int
    arrival: int
    written: int
    ended: bool = False


class Reject(msgspec.Struct, frozen=True, kw_only=True):
    """A record that could not be read. `reason` is one of a small set of words (it becomes a counter),
    `offset` the position of its first byte, `detail` a masked excerpt or explanation of at most 200 characters.
    """

    reason: str
    offset: int
    detail: str = ""


class Carry(msgspec.Struct, kw_only=True):
    """What a reader must remember between two chunks of one journal; each reader has its own subclass.

    It is stored as msgpack in the commit that counts the events, so it holds no raw text and stays small.
    `skipping`: the reader is inside an overlong record and throws bytes away up to the next line end.
    """

    version: int = 1
    skipping: bool = False


CarryT = TypeVar("CarryT", bound=Carry)


class Reading(msgspec.Struct, Generic[CarryT], frozen=True, kw_only=True):
    """What one call of a reader found.

    `consumed`: bytes of the chunk that are done with (0 … len(data)). `lines`: records looked at;
    `unknown`: those among them that were well-formed but of no kind that the reader knows.
    """

    carry: CarryT
    events: Sequence[Event]
    rejects: Sequence[Reject]
    consumed: int
    lines: int
    unknown: int


class Reader(Protocol[CarryT]):
    """One journal dialect, for one origin. Implementations live in readers/, one file each."""

    @property
    def carry_type(self) -> type[CarryT]:
        """The class of this reader's carry, to restore one from its stored form."""
        ...

    def begin(self) -> CarryT:
        """The carry with which a journal is begun."""
        ...

    def read(self, carry: CarryT, chunk: Chunk) -> Reading[CarryT]:
        """Read the whole records of `chunk`. Does not change `carry`; never raises for what a file contains."""
        ...
