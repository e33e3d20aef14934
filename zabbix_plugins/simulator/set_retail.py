"""The dialect "set-retail": the text log of Set Retail 10, as a register of that software writes it.

log4j `%d{dd.MM HH:mm:ss.SSS} %-5p [%c{1}] %m%n` in the store's own time, without a year. Receipts stand in
PrismaBridgeImpl's JSON, loyalty calls as Loymax XML with the card's number in clear, failures as Java's exceptions.
Training mode is not told by this log: such receipts are left out of it whole.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import msgspec

from zabbix_plugins.model.event import (
    ArticleScanned,
    CardRead,
    Event,
    KeyPressed,
    LinkChanged,
    LoyaltyRequest,
    LoyaltyResponse,
    OperatorChanged,
    ReceiptClosed,
    ReceiptOpened,
    ReceiptVoided,
    Tender,
)
from zabbix_plugins.simulator.estate import SimulatedStore

_TAGS = {"balance": "Balance", "calculate": "Calculate", "confirm": "Confirm"}
_REFUSALS = {
    "LOY.CARD_NOT_FOUND": (1, "Карта не найдена"),
    "LOY.CARD_BLOCKED": (2, "Карта заблокирована"),
    "LOY.CARD_NOT_ACTIVATED": (3, "Карта не активирована"),
    "LOY.INSUFFICIENT_BONUS": (4, "Недостаточно бонусов"),
}
_FAILURES = {
    "LOY.TIMEOUT": "java.net.SocketTimeoutException: Read timed out",
    "LOY.5XX": "java.io.IOException: Server returned HTTP response code: 503 for URL: http://processing/api",
}
_TENDER_MODES = {"cash": 37, "card": 31, "bonus": 85}


class SetRetailJournal:
    """The log of one register; `write` gives the bytes for an event, in the order of events."""

    def __init__(self, store: SimulatedStore, pos: str) -> None:
        self._zone = ZoneInfo(store.zone)
        self._shop = int(store.store)
        self._cash = int(pos)
        self._operator = ""
        self._card = ""
        self._line = 0
        self._training = False
        self._returning = False

    def write(self, event: Event) -> bytes:
        """The record or records of an event; empty where this log has none."""
        if isinstance(event, ReceiptOpened):
            self._training = event.training
            self._returning = event.operation == "return"
            self._card, self._line = "", 0
        if self._training:
            return b""
        return "".join(self._records(event)).encode()

    def _records(self, event: Event) -> list[str]:
        stamp = self._stamp(event.time)
        if isinstance(event, KeyPressed):
            text = f"eventControlKey: ControlKey {{scanCode=10, command=kbd{event.key.capitalize()}}}"
            return [f"{stamp} INFO  [TechProcessImpl] {text}\n"]
        if isinstance(event, ArticleScanned):
            return self._article(stamp, event)
        if isinstance(event, LoyaltyRequest):
            return [f"{stamp} INFO  [LoymaxUtils] Loymax request:\n", self._request(event)]
        if isinstance(event, LoyaltyResponse):
            return self._response(stamp, event)
        if isinstance(event, LinkChanged):
            level, mode = ("INFO ", "online") if event.online else ("WARN ", "offline")
            return [f"{stamp} {level} [TechProcessImpl] Server {mode} mode\n"]
        fields = self._prisma(event)
        if fields is None:
            return []
        whole = {
            "prefix": "",
            "shop": self._shop,
            "cash": self._cash,
            "tabNumber": self._operator,
            "purchase": event.receipt,
            "shift": event.shift,
            "dateTime": self._local(event.time).strftime("%d.%m.%Y %H:%M:%S.") + f"{event.time % 1000:03d}",
            **fields,
        }
        body = msgspec.json.encode({"events": [whole]}).decode()
        return [f"{stamp} INFO  [PrismaBridgeImpl] {body}\n"]

    def _local(self, time: int) -> datetime:
        return datetime.fromtimestamp(time // 1000, UTC).astimezone(self._zone)

    def _stamp(self, time: int) -> str:
        return f"{self._local(time):%d.%m %H:%M:%S}.{time % 1000:03d}"

    def _article(self, stamp: str, event: ArticleScanned) -> list[str]:
        self._line += 1
        quantity = event.quantity or Decimal(1)
        total = int((event.price or Decimal(0)) * quantity * 100)
        position = (
            f"TechProcess add position: id={self._line + 100}, number={self._line}, item={event.article},"
            f" type=ProductPieceEntity, count={int(quantity * 1000)}, sum={total},"
            f" dateTime={self._local(event.time):%d.%m.%Y %H:%M:%S}"
        )
        scanned = event.entry == "scanned"
        return [
            *([f"{stamp} INFO  [TechProcessImpl] eventBarcodeScanner {event.barcode}\n"] if scanned else []),
            f"{stamp} INFO  [TechProcessImpl] TP searchProduct {event.barcode}\n",
            f"{stamp} INFO  [TechProcessImpl] {position}\n",
        ]

    def _request(self, event: LoyaltyRequest) -> str:
        tag = _TAGS.get(event.operation, "Balance")
        return (
            '<?xml version="1.0" encoding="utf-8"?>\n<XMLRequest>\n<Version>3.2</Version>\n'
            f'<{tag}s><{tag}Request OperationID="{event.operation_id}" ElementID="1">'
            f'<Identifier Type="Card" Value="{self._card}"/></{tag}Request></{tag}s>\n</XMLRequest>\n'
        )

    def _response(self, stamp: str, event: LoyaltyResponse) -> list[str]:
        failure = _FAILURES.get(event.code)
        if failure:
            return [f"{stamp} ERROR [LoymaxUtils] Loymax request failed: {failure}\n"]
        number, message = _REFUSALS.get(event.code, (0, ""))
        said = f' Message="{message}"' if message else ""
        tag = _TAGS.get(event.operation, "Balance")
        return [
            f"{stamp} INFO  [LoymaxUtils] Loymax response:\n",
            '<?xml version="1.0" encoding="utf-8"?>\n<XMLResponse>\n<ErrorCode>0</ErrorCode>\n',
            f'<{tag}s><{tag}Response OperationID="{event.operation_id}" ErrorCode="{number}"{said} /></{tag}s>\n',
            "</XMLResponse>\n",
            f"{stamp} INFO  [SpeedLog] loyalty time = {event.latency_ms} ms\n",
        ]

    def _prisma(self, event: Event) -> dict[str, object] | None:
        """The fields of a Prisma event that are its own; None where there is none."""
        if isinstance(event, ReceiptOpened):
            return {"mode": 46 if self._returning else 4}
        if isinstance(event, ReceiptClosed):
            return {
                "mode": 47 if self._returning else 5,
                "sumAll": str(event.total or 0),
                "discountAll": str(event.discount or 0),
            }
        if isinstance(event, ReceiptVoided):
            return {"mode": 25}
        if isinstance(event, CardRead):
            self._card = event.card
            return {"mode": 35, "cardType": event.kind.upper(), "cardNumber": event.card}
        if isinstance(event, Tender):
            return {"mode": _TENDER_MODES.get(event.kind, 38), "sum": str(event.amount or 0)}
        if isinstance(event, OperatorChanged):
            self._operator = event.operator
            return {"mode": 3 if event.signed_on else 63}
        return None
