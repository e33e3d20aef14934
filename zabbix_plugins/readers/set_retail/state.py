"""What reading a Set Retail 10 log remembers: the carry between chunks, and the state while one chunk is read."""

from __future__ import annotations

import re
from typing import Literal, TypedDict

import msgspec

from zabbix_plugins.model.event import CardRead, Event, Number, PosError
from zabbix_plugins.model.journal import Carry, Chunk, Origin, Reject
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers.set_retail.loymax import Operation

WAIT = -1
"""What a function for a record answers when the record is not whole yet."""

OTHER = -2
"""What it answers when the record only begins like one of its own."""

MAX_LINES_BYTES = 1 << 18
"""A record of several lines is not longer than this."""

NOTHING, RECORD, ORPHANS = 0, 1, 2
"""Values of `SetRetailCarry.within`."""

_MAX_CALLS = 8
_MAX_CARDS = 8
_BRACKETS = re.compile(r"\[[^\]]*\]")

CardKind = Literal["loyalty", "cobrand", "gift", "bank"]


class OpenCall(msgspec.Struct, frozen=True, array_like=True):
    """A loyalty call without an answer so far; `time` of the request, milliseconds UTC."""

    operation: Operation
    operation_id: str
    time: int


class SetRetailCarry(Carry):
    """What must be remembered between two chunks of one `root.log`.

    `within`: NOTHING was read yet, inside a RECORD, or inside ORPHANS, lines whose record has no beginning. `last`:
    time of the last record, 0 before the first. `store`, `pos`: as SetEvents name them. `online`: None until the log
    says so. `by_lines`, `by_events`: articles of the current receipt, as told by text lines and by SetEvents.
    `cards`: tokens read in it. `calls`: those without an answer. `cp1251`: records that were not UTF-8.
    """

    within: int = NOTHING
    last: int = 0
    store: str = ""
    pos: str = ""
    shift: Number = 0
    receipt: Number = 0
    online: bool | None = None
    tendered: bool = False
    by_lines: int = 0
    by_events: int = 0
    cards: list[str] = msgspec.field(default_factory=list)
    calls: list[OpenCall] = msgspec.field(default_factory=list)
    cp1251: int = 0


class Place(TypedDict):
    """The fields that all events of a record have in common."""

    time: int
    chain: str
    store: str
    pos: str
    shift: Number
    receipt: Number
    offset: int


class Records:
    """The records of one chunk: `data`, of which whole lines end at `stop`; `ended`: nothing comes behind them.

    Functions for single records read from `data`, change `carry` (a copy that belongs to this reading) and add to
    `events`, `rejects` and `unknown`. `keys` caches names of keys by the text of their line.
    """

    def __init__(
        self, carry: SetRetailCarry, chunk: Chunk, stop: int, origin: Origin, privacy: Privacy, keys: dict[bytes, str]
    ) -> None:
        self.carry = carry
        self.data = chunk.data
        self.stop = stop
        self.ended = chunk.ended
        self.base = chunk.offset
        self.chain = origin.chain
        self.store = origin.store or carry.store
        self.pos = origin.pos or carry.pos
        self.privacy = privacy
        self.keys = keys
        self.events: list[Event] = []
        self.rejects: list[Reject] = []
        self.unknown = 0
        self._origin = origin

    def place(self, time: int, at: int) -> Place:
        """Time, till, receipt and position of a record that begins at `at` of the chunk."""
        carry = self.carry
        return {
            "time": time,
            "chain": self.chain,
            "store": self.store,
            "pos": self.pos,
            "shift": carry.shift,
            "receipt": carry.receipt,
            "offset": self.base + at,
        }

    def learn_place(self, store: str, pos: str) -> None:
        """Take store and POS from a record where the journal's path does not say them."""
        if store and not self._origin.store:
            self.store = self.carry.store = store
        if pos and not self._origin.pos:
            self.pos = self.carry.pos = pos

    def forget_receipt(self) -> None:
        """Nothing of the receipt that ended belongs to the next one."""
        carry = self.carry
        carry.receipt = 0
        carry.tendered = False
        carry.by_lines = carry.by_events = 0
        carry.cards = []
        carry.calls = []

    def reject(self, reason: str, at: int, detail: str) -> None:
        """Count what could not be read; `at` is its place in the chunk."""
        self.rejects.append(Reject(reason=reason, offset=self.base + at, detail=detail))

    def text(self, raw: bytes) -> str:
        """Text of a record: UTF-8, else cp1251, which is counted."""
        try:
            return raw.decode()
        except UnicodeDecodeError:
            self.carry.cp1251 += 1
            return raw.decode("cp1251", "replace")

    def masked(self, text: str) -> str:
        """A message as it may be kept: what stands in brackets is what somebody typed or presented."""
        return self.privacy.text(_BRACKETS.sub("[…]", text)).strip()[:200]

    def add_error(self, time: int, at: int, code: str, text: str) -> None:
        """An error that the POS wrote; `text` in clear."""
        self.events.append(PosError(**self.place(time, at), code=code, message=self.masked(text)))

    def add_card(self, time: int, at: int, number: str, kind: CardKind, phone: bool = False) -> None:
        """A card (`number` in clear), unless the same one was presented in this receipt before."""
        if "*" in number:  # the POS masked it itself, and a token of a mask would be many cards'
            token, last = "", ""
        elif phone:
            token, last = self.privacy.phone(number)
        else:
            token, last = self.privacy.card(number, payment=kind in ("cobrand", "bank"))
        cards = self.carry.cards
        if token in cards:
            return
        self.carry.cards = [*cards[1 - _MAX_CARDS :], token]
        self.events.append(
            CardRead(**self.place(time, at), card=token, last=last, kind=kind, entry="phone" if phone else "unknown")
        )

    def add_call(self, call: OpenCall) -> None:
        """A call that waits for its answer; the oldest one is given up when there are too many."""
        self.carry.calls = [*self.carry.calls[1 - _MAX_CALLS :], call]

    def take_call(self, operation_id: str) -> OpenCall | None:
        """The call that an answer belongs to: by id, or without one the last (a POS makes one call at a time)."""
        calls = self.carry.calls
        for call in reversed(calls):
            if not operation_id or call.operation_id == operation_id:
                self.carry.calls = [other for other in calls if other is not call]
                return call
        return None
