"""The one event model: what every reader produces and everything else consumes (design: one event model).

A closed set of kinds, each a frozen `msgspec.Struct`; `Event` is their common part. Event time is an integer
of UTC milliseconds; aware datetimes begin at the rim. Money and quantities are `Decimal`.

Identity of an event is (store, POS, `seq`) where the journal numbers its records, else the position of its
raw line (the fingerprint of the file, which the journal source knows, and `offset`). It is never a hash of
the content: two equal key presses in one second are both true.

Personal data: readers put only tokens and masks into `CardRead.card` and the other typed fields, and masked
text into `message` (see `model.privacy`). Nothing behind a reader ever sees a number in clear.

JSON lines, Tillwatch's own journal format, is exactly these structs (docs/journal.schema.json).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

import msgspec

__all__ = [
    "KINDS",
    "AnyEvent",
    "ArticleScanned",
    "CardRead",
    "Event",
    "GatewayRequest",
    "HealthProbe",
    "KeyPressed",
    "LinkChanged",
    "LoyaltyRequest",
    "LoyaltyResponse",
    "OperatorChanged",
    "PosError",
    "ReceiptClosed",
    "ReceiptOpened",
    "ReceiptVoided",
    "Tender",
]

Number = int | str
"""A shift or receipt number: an integer where the POS counts, text where it does not."""


class Event(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag_field="event"):
    """What every event carries.

    `time`: event time, milliseconds since 1970 UTC, by the clock of the POS.
    `chain`, `store`, `pos`: empty where the journal's lines do not say (the journal source then knows).
    `shift`, `receipt`: numbers as the POS counts them; 0 where there is none.
    `seq`: number of this record in the POS's journal, rising by one; -1 where the format has none.
    `offset`: position of the first byte of the raw line in its file; -1 outside a file.
    """

    time: int
    chain: str = ""
    store: str = ""
    pos: str = ""
    shift: Number = 0
    receipt: Number = 0
    seq: int = -1
    offset: int = -1


class ReceiptOpened(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="receipt_opened"):
    """A sale or return receipt was begun. `training`: training mode; such receipts are never counted."""

    operation: Literal["sale", "return"] = "sale"
    training: bool = False


class ReceiptClosed(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="receipt_closed"):
    """A receipt was paid and closed; `total` in the currency of the chain, `discount` what it was lowered by."""

    operation: Literal["sale", "return"] = "sale"
    training: bool = False
    total: Decimal | None = None
    discount: Decimal | None = None


class ReceiptVoided(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="receipt_voided"):
    """A receipt ended without a sale: cancelled before or voided after payment, or put aside (suspended)."""

    reason: Literal["cancelled", "voided", "suspended"] = "cancelled"


class ArticleScanned(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="article_scanned"):
    """An article was scanned, keyed or looked up. `barcode` is kept as it is: it is no personal data.

    `found` is false where the POS knows no such article. `price` is for one unit.
    """

    barcode: str = ""
    article: str = ""
    name: str = ""
    quantity: Decimal | None = None
    price: Decimal | None = None
    entry: Literal["scanned", "keyed", "lookup"] = "scanned"
    found: bool = True


class KeyPressed(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="key_pressed"):
    """A key of the POS keyboard: its name as the journal spells it. Typed digits are never kept."""

    key: str = ""


class CardRead(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="card_read"):
    """A card (or a phone or QR code in its place) was presented. `card` is a token, never the number.

    `kind` says what it was presented as; `last` the digits that may be shown (see `model.privacy`).
    """

    card: str = ""
    last: str = ""
    kind: Literal["loyalty", "cobrand", "gift", "bank", "unknown"] = "loyalty"
    entry: Literal["swiped", "scanned", "keyed", "tapped", "phone", "unknown"] = "unknown"


class LoyaltyRequest(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="loyalty_request"):
    """The POS called the loyalty processing. `operation_id` pairs request and response."""

    operation: Literal["balance", "calculate", "confirm", "cancel", "refund", "other"] = "other"
    operation_id: str = ""


class LoyaltyResponse(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="loyalty_response"):
    """The answer, or the failure the POS saw instead of one.

    `code` is a code of the error dictionary; `LOY.OK` is success. `latency_ms` is -1 where unknown.
    """

    operation: Literal["balance", "calculate", "confirm", "cancel", "refund", "other"] = "other"
    operation_id: str = ""
    code: str = "LOY.OK"
    latency_ms: int = -1
    message: str = ""


class Tender(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="tender"):
    """A payment or its refusal. `kind` as in ARTS TenderType; `code` a bank or terminal code, empty if none."""

    kind: Literal["cash", "card", "bonus", "gift", "voucher", "other"] = "other"
    amount: Decimal | None = None
    approved: bool = True
    code: str = ""
    cobrand: bool = False


class PosError(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="pos_error"):
    """An error that the POS wrote; `code` of the error dictionary (unknown codes are kept as they are)."""

    code: str = ""
    message: str = ""


class LinkChanged(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="link_changed"):
    """The POS went online or offline towards the loyalty processing or its store server."""

    online: bool


class OperatorChanged(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="operator_changed"):
    """A cashier signed on or off. `operator` is the personnel number; names are dropped by readers."""

    signed_on: bool
    operator: str = ""


class GatewayRequest(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="gateway_request"):
    """One request through the API gateway. Times in milliseconds; `error_key` empty on success."""

    request_id: str = ""
    api: str = ""
    plan: str = ""
    application: str = ""
    method: str = ""
    status: int = 0
    error_key: str = ""
    gateway_ms: int = -1
    endpoint_ms: int = -1


class HealthProbe(Event, frozen=True, kw_only=True, gc=False, omit_defaults=True, tag="health_probe"):
    """The result of one health check of an endpoint (by the gateway or by a probe of ours)."""

    target: str = ""
    healthy: bool
    latency_ms: int = -1
    code: str = ""


AnyEvent = (
    ReceiptOpened
    | ReceiptClosed
    | ReceiptVoided
    | ArticleScanned
    | KeyPressed
    | CardRead
    | LoyaltyRequest
    | LoyaltyResponse
    | Tender
    | PosError
    | LinkChanged
    | OperatorChanged
    | GatewayRequest
    | HealthProbe
)

KINDS: dict[str, type[Event]] = {
    kind.__struct_config__.tag: kind  # type: ignore[misc]  # tags are strings here
    for kind in (
        ReceiptOpened,
        ReceiptClosed,
        ReceiptVoided,
        ArticleScanned,
        KeyPressed,
        CardRead,
        LoyaltyRequest,
        LoyaltyResponse,
        Tender,
        PosError,
        LinkChanged,
        OperatorChanged,
        GatewayRequest,
        HealthProbe,
    )
}
"""Every kind by its name on the wire."""
