"""SetEvents ("Prisma"), the JSON that Set Retail 10 writes into its log: receipts, tenders, cards, cashiers.

Fields and modes are those of the vendor's pages "SetEvents" (SP7/3563421736 and SR10SUPPORT/3790995520 of
crystals.atlassian.net). Sums are read as roubles. Cashiers' names are never read.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any, Literal

import msgspec

from zabbix_plugins.model.event import (
    ArticleScanned,
    Number,
    OperatorChanged,
    ReceiptClosed,
    ReceiptOpened,
    ReceiptVoided,
    Tender,
)
from zabbix_plugins.readers.set_retail.state import CardKind, Records

_Id = str | int | None
_LARGEST = 1 << 53


class SetEvent(msgspec.Struct, gc=False, rename="camel"):
    """The fields of one SetEvent that Tillwatch reads; any may be absent."""

    mode: int | str = 0
    shop: _Id = ""
    cash: _Id = ""
    shift: _Id = 0
    purchase: _Id = 0
    tab_number: _Id = ""
    barcode: _Id = ""
    item: _Id = ""
    name: str | None = ""
    price: Decimal | None = None
    quant: Decimal | None = None
    sum: Decimal | None = None
    sum_all: Decimal | None = None
    discount_all: Decimal | None = None
    card_type: _Id = ""
    card_number: _Id = ""


class _Message(msgspec.Struct, gc=False):
    events: list[SetEvent]


_decoder = msgspec.json.Decoder(_Message)
_any_json = msgspec.json.Decoder()


def set_events(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`{"events":[{"shop":1001,"cash":3,"mode":4,"purchase":812,…}]}` of PrismaBridgeImpl."""
    raw = records.data[begin:end]
    try:
        found = _decoder.decode(raw).events
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        try:
            found = _tolerant(records.text(raw))
        except (ValueError, OverflowError, RecursionError):
            records.reject("json", at, "SetEvents that cannot be read")
            return end + 1
    known = False
    for event in found:
        known = _take(records, event, time, at) or known
    records.unknown += not known
    return end + 1


def _tolerant(text: str) -> list[SetEvent]:
    """SetEvents as other builds may write them: numbers as text, empty text for none, a decimal comma."""
    message: Any = _any_json.decode(text)
    events = message.get("events") if isinstance(message, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise ValueError("no list of events")
    mended = []
    for event in events:
        fields = {name: value for name, value in event.items() if value not in (None, "")}
        for name in ("price", "quant", "sum", "sumAll", "discountAll"):
            if isinstance(fields.get(name), str):
                fields[name] = "".join(fields[name].replace(",", ".").split())
        mended.append(fields)
    return msgspec.convert(mended, list[SetEvent], strict=False)


def _take(records: Records, event: SetEvent, time: int, at: int) -> bool:
    """Make what the mode of an event stands for; False for a mode that is not known."""
    mode = event.mode
    if isinstance(mode, str):
        mode = int(mode) if mode.isdecimal() and len(mode) < 6 else 0
    if mode in _SILENT:
        return True
    action = _ACTIONS.get(mode)
    if action is None:
        return False
    records.learn_place(_text(event.shop), _text(event.cash))
    carry = records.carry
    if event.shift:
        carry.shift = _number(event.shift)
    if event.purchase and mode not in _OUTSIDE:
        carry.receipt = _number(event.purchase)
    action(records, event, time, at)
    return True


def _text(value: _Id) -> str:
    return "" if value is None else str(value)[:64]


def _number(value: _Id) -> Number:
    if isinstance(value, str):
        return int(value) if value.isdecimal() and len(value) < 16 else value[:64]
    return value if value is not None and abs(value) < _LARGEST else 0


def _opened(operation: Literal["sale", "return"], records: Records, event: SetEvent, time: int, at: int) -> None:
    records.events.append(ReceiptOpened(**records.place(time, at), operation=operation))


def _closed(operation: Literal["sale", "return"], records: Records, event: SetEvent, time: int, at: int) -> None:
    total = event.sum if event.sum_all is None else event.sum_all
    records.events.append(
        ReceiptClosed(**records.place(time, at), operation=operation, total=total, discount=event.discount_all)
    )
    records.forget_receipt()


def _cancelled(records: Records, event: SetEvent, time: int, at: int) -> None:
    reason: Literal["voided", "cancelled"] = "voided" if records.carry.tendered else "cancelled"
    records.events.append(ReceiptVoided(**records.place(time, at), reason=reason))
    records.forget_receipt()


def _suspended(records: Records, event: SetEvent, time: int, at: int) -> None:
    records.events.append(ReceiptVoided(**records.place(time, at), reason="suspended"))
    records.forget_receipt()


def _article(records: Records, event: SetEvent, time: int, at: int) -> None:
    carry = records.carry
    carry.by_events += 1
    if carry.by_events > carry.by_lines:  # else a line of text told this article before
        records.events.append(
            ArticleScanned(
                **records.place(time, at),
                barcode=_text(event.barcode),
                article=_text(event.item),
                name=records.privacy.text(event.name or "")[:200],
                quantity=event.quant,
                price=event.price,
            )
        )


def _not_found(records: Records, event: SetEvent, time: int, at: int) -> None:
    barcode = records.privacy.barcode(_text(event.barcode))
    records.events.append(ArticleScanned(**records.place(time, at), barcode=barcode, found=False))


def _card(records: Records, event: SetEvent, time: int, at: int) -> None:
    words = str(event.card_type or "").upper()
    kind: CardKind = "loyalty"
    if "COBRAND" in words or "КОБРЕНД" in words:
        kind = "cobrand"
    elif "GIFT" in words or "ПОДАР" in words:
        kind = "gift"
    records.add_card(time, at, str(event.card_number or ""), kind)


def _tender(
    kind: Literal["cash", "card", "bonus", "other"], records: Records, event: SetEvent, time: int, at: int
) -> None:
    records.carry.tendered = True
    records.events.append(Tender(**records.place(time, at), kind=kind, amount=event.sum))


def _refused(records: Records, event: SetEvent, time: int, at: int) -> None:
    records.events.append(Tender(**records.place(time, at), kind="card", amount=event.sum, approved=False))


def _operator(signed_on: bool, records: Records, event: SetEvent, time: int, at: int) -> None:
    number = _text(event.tab_number)
    operator = number if any(map(str.isdigit, number)) else ""
    records.events.append(OperatorChanged(**records.place(time, at), signed_on=signed_on, operator=operator))


_ACTIONS: dict[int, Callable[[Records, SetEvent, int, int], None]] = {
    3: partial(_operator, True),
    4: partial(_opened, "sale"),
    5: partial(_closed, "sale"),
    6: _article,
    25: _cancelled,
    31: partial(_tender, "card"),
    32: _refused,
    35: _card,
    37: partial(_tender, "cash"),
    38: partial(_tender, "other"),
    46: partial(_opened, "return"),
    47: partial(_closed, "return"),
    55: _suspended,
    63: partial(_operator, False),
    85: partial(_tender, "bonus"),
    112: _not_found,
}
_OUTSIDE = frozenset({3, 63})
"""Modes that may carry the number of the last receipt and belong to none."""

_SILENT = frozenset({9, 11, 12, 18, 36, 39, 40, 49, 50, 52, 62, 64, 71, 77, 81, 126, 203, 209, 210, 234})
"""Modes that are known and tell nothing that Tillwatch counts, or something that a line of text tells as well."""
