"""From events to transactions: which closed receipts used loyalty, and which of them were hit (design, "Words").

A *transaction* is a closed sale or return receipt that used loyalty or should have: a loyalty or co-brand card
was read, the processing was called, or a critical error of the loyalty service was written in it. It is *hit*
if a critical error, an unanswered call or offline mode touched it and no later call of the same receipt
succeeded; if one did, it is *recovered by retry*.

"Later" is judged by the order of calls, not by the order of answers: every call, and every touch by offline
mode, takes the next ordinal of its receipt. `bad` is the highest ordinal that failed, `ok` the highest that was
answered with LOY.OK; the receipt is hit when `bad` > `ok`. Answers that are neither (a card not found) say
nothing about the service and change neither.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from zabbix_plugins.model.event import (
    CardRead,
    Event,
    LinkChanged,
    LoyaltyRequest,
    LoyaltyResponse,
    Number,
    PosError,
    ReceiptClosed,
    ReceiptOpened,
    ReceiptVoided,
)
from zabbix_plugins.model.memory import ReceiptMemory, Watermark

OK = "LOY.OK"
UNANSWERED = "LOY.UNANSWERED"
OFFLINE = "LOY.OFFLINE"
MAX_PENDING = 64
LONGEST_RECEIPT_MS = 2 * 3_600_000

ERROR = "error:"
"""Counters of error codes are named by this prefix and the code."""


class OpenReceipt(msgspec.Struct, array_like=True):
    """A receipt that is being worked on. `implicit`: its opening was not seen (or has not come yet)."""

    shift: Number = 0
    receipt: Number = 0
    operation: str = "sale"
    training: bool = False
    implicit: bool = True
    used: bool = False
    offline: bool = False
    ordinal: int = 0
    bad: int = 0
    ok: int = 0
    pending: dict[str, int] = {}


class PosState(msgspec.Struct, array_like=True):
    """All that must be remembered of one POS between two records; stored with the counters."""

    seen: int = 0
    online: bool = True
    open: OpenReceipt | None = None
    skipping: tuple[Number, Number] | None = None
    watermark: Watermark = msgspec.field(default_factory=Watermark)
    receipts: ReceiptMemory = msgspec.field(default_factory=ReceiptMemory)


class Codes(Protocol):
    """What is asked of an error dictionary here."""

    @property
    def aliases(self) -> Mapping[str, str]:
        """Raw code → code of the dictionary."""
        ...

    @property
    def touching(self) -> frozenset[str]:
        """Codes that are critical for the loyalty service."""
        ...


class Tally(Protocol):
    """Where counts go: one more of `counter` at `time` (milliseconds UTC)."""

    def __call__(self, time: int, counter: str) -> None: ...


Follow = Callable[[PosState, Event, Codes, Tally], None]


def _opened(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, ReceiptOpened)
    known = state.receipts
    if event.receipt and (
        known.seen(event.shift, event.receipt, event.time)
        or known.seen(event.shift, event.receipt, event.time + LONGEST_RECEIPT_MS)
    ):
        # read before: everything up to its end is a copy (its closing may lie behind midnight)
        state.skipping = (event.shift, event.receipt)
        state.open = None
        return
    state.skipping = None
    receipt = state.open
    if receipt is None or not receipt.implicit:
        if receipt is not None:
            tally(event.time, "abandoned")
        receipt = state.open = OpenReceipt()
    receipt.implicit = False
    receipt.shift, receipt.receipt = event.shift, event.receipt
    receipt.operation, receipt.training = event.operation, event.training


def _current(state: PosState, event: Event, tally: Tally) -> OpenReceipt:
    """The receipt that the event belongs to; begun implicitly where its opening was not seen."""
    receipt = state.open
    if receipt is None:
        receipt = state.open = OpenReceipt(shift=event.shift, receipt=event.receipt)
    elif event.receipt and receipt.receipt and event.receipt != receipt.receipt:
        tally(event.time, "abandoned")
        receipt = state.open = OpenReceipt(shift=event.shift, receipt=event.receipt)
    return receipt


def _touch(receipt: OpenReceipt) -> None:
    receipt.ordinal += 1
    receipt.bad = receipt.ordinal


def _card(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, CardRead)
    if event.kind not in ("loyalty", "cobrand"):
        return
    receipt = _current(state, event, tally)
    receipt.used = True
    if not state.online:
        receipt.offline = True
        _touch(receipt)


def _request(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, LoyaltyRequest)
    receipt = _current(state, event, tally)
    receipt.used = True
    receipt.ordinal += 1
    receipt.pending[event.operation_id or f"#{receipt.ordinal}"] = receipt.ordinal
    if len(receipt.pending) > MAX_PENDING:  # a register in a loop; the oldest are as good as unanswered
        receipt.pending.pop(next(iter(receipt.pending)))
        tally(event.time, ERROR + UNANSWERED)


def _response(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, LoyaltyResponse)
    receipt = _current(state, event, tally)
    receipt.used = True
    pending = receipt.pending
    ordinal = pending.pop(event.operation_id, 0) if event.operation_id else 0
    if not ordinal and not event.operation_id and pending:
        ordinal = pending.pop(next(iter(pending)))
    if not ordinal:
        receipt.ordinal += 1
        ordinal = receipt.ordinal
    code = codes.aliases.get(event.code, event.code)
    if code == OK:
        receipt.ok = max(receipt.ok, ordinal)
        return
    if code in codes.touching:
        receipt.bad = max(receipt.bad, ordinal)
    if not receipt.training:
        tally(event.time, ERROR + code)


def _error(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, PosError)
    code = codes.aliases.get(event.code, event.code)
    if code in codes.touching:
        receipt = _current(state, event, tally)
        receipt.used = True
        _touch(receipt)
    if state.open is None or not state.open.training:
        tally(event.time, ERROR + code)


def _link(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, LinkChanged)
    state.online = event.online
    receipt = state.open
    if not event.online and receipt is not None and receipt.used:
        receipt.offline = True
        _touch(receipt)


def _voided(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, ReceiptVoided)
    if state.skipping is not None:
        state.skipping = None
    elif state.open is not None and not state.open.training:
        tally(event.time, event.reason)
    state.open = None


def _closed(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    assert isinstance(event, ReceiptClosed)
    if state.skipping is not None:
        state.skipping = None
        tally(event.time, "duplicates")
        return
    receipt = _current(state, event, tally)
    state.open = None
    if event.receipt:
        if state.receipts.seen(event.shift, event.receipt, event.time):
            tally(event.time, "duplicates")
            return
        state.receipts.add(event.shift, event.receipt, event.time)
    if receipt.training or event.training:
        tally(event.time, "training")
        return
    time = event.time
    tally(time, "receipts")
    if not receipt.used:
        return
    tally(time, "transactions")
    for ordinal in receipt.pending.values():
        receipt.bad = max(receipt.bad, ordinal)
        tally(time, ERROR + UNANSWERED)
    if receipt.offline:
        tally(time, ERROR + OFFLINE)
        tally(time, "offline")
    if receipt.bad > receipt.ok:
        tally(time, "hit")
    elif receipt.bad:
        tally(time, "recovered")


FOLLOW: dict[type[Event], Follow] = {
    ReceiptOpened: _opened,
    CardRead: _card,
    LoyaltyRequest: _request,
    LoyaltyResponse: _response,
    PosError: _error,
    LinkChanged: _link,
    ReceiptVoided: _voided,
    ReceiptClosed: _closed,
}
"""What to do with an event of each kind that bears on transactions; kinds that do not are absent.

Each function changes the state of the POS and tallies. While `state.skipping` is set, only openings, ends and
link changes may be followed: the rest belongs to a receipt that was counted before (see `follow`).
"""

ENDS: frozenset[type[Event]] = frozenset({ReceiptOpened, ReceiptClosed, ReceiptVoided, LinkChanged})


def follow(state: PosState, event: Event, codes: Codes, tally: Tally) -> None:
    """Take one event of a POS, in journal order: change `state`, tally what it brings to an end."""
    kind = type(event)
    step = FOLLOW.get(kind)
    if step is not None and (state.skipping is None or kind in ENDS):
        step(state, event, codes, tally)
