"""One register: a generator that serves customers one after the other, and knows the truth of every receipt.

It yields how long it waits (milliseconds) and acts when it is resumed, so that a fault planted in the middle of a
receipt is met there. Its random numbers depend on the seed and on itself alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Iterator
from decimal import Decimal
from typing import Any

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
from zabbix_plugins.simulator.baskets import Basket, loyalty_card
from zabbix_plugins.simulator.estate import SimulatedStore
from zabbix_plugins.simulator.world import TruthLine, World

CRITICAL = frozenset({"LOY.TIMEOUT", "LOY.5XX"})
OFFLINE, UNANSWERED = "LOY.OFFLINE", "LOY.UNANSWERED"

CARD_SHARE = 0.7
COBRAND_SHARE = 0.08
RETURN_SHARE = 0.015
VOID_SHARE = 0.02
TRAINING_SHARE = 0.002
KEYED_SHARE = 0.03
_KEYS = ("subtotal", "quantity", "cancel", "enter")


class Till:
    """See the module. `clock` gives the simulation's time, `gap_ms` the mean pause between two customers."""

    def __init__(
        self,
        world: World,
        store: SimulatedStore,
        pos: str,
        baskets: list[Basket],
        seed: int,
        clock: Callable[[], int],
        gap_ms: Callable[[int], float],
    ) -> None:
        self._world = world
        self._store = store
        self._pos = pos
        self._baskets = baskets
        self._rng = random.Random(f"{seed}/{store.chain}/{store.store}/{pos}")
        self._clock = clock
        self._gap_ms = gap_ms
        self._seq = 0
        # a register that is started anew opens a new shift, so that no receipt's number comes twice
        self._shift = clock() // 60_000 % 1_000_000
        self._number = 0
        self._online = True
        self._calls = 0
        # of the receipt under way
        self._open = False
        self._used = self._offline = self._training = False
        self._ordinal = self._bad = self._ok = self._unanswered = 0
        self._codes: list[tuple[int, str]] = []

    def trade(self) -> Iterator[float]:
        """Serve customers for ever."""
        yield self._rng.uniform(0, self._gap_ms(self._clock()))
        self._emit(LinkChanged, online=True)
        self._emit(OperatorChanged, signed_on=True, operator=str(self._rng.randrange(1000, 9999)))
        while True:
            while self._world.struck_by(self._store, "store-offline"):
                yield 1_000
            yield from self._serve(self._rng.choice(self._baskets))
            yield self._rng.expovariate(1 / self._gap_ms(self._clock()))

    def _emit(self, type_: Callable[..., Event], /, **fields: Any) -> None:
        self._seq += 1
        self._world.emit(
            self._store,
            type_(
                time=self._clock(),
                chain=self._store.chain,
                store=self._store.store,
                pos=self._pos,
                shift=self._shift,
                receipt=self._number if self._open else 0,
                seq=self._seq,
                **fields,
            ),
        )

    def _meet_the_link(self) -> bool:
        """Notice that the processing was lost, or is back; is the register online?"""
        online = self._world.online(self._store)
        if online != self._online:
            self._online = online
            self._emit(LinkChanged, online=online)
            if not online and self._open and self._used:
                self._touch()
        return online

    def _touch(self) -> None:
        self._offline = True
        self._ordinal += 1
        self._bad = self._ordinal

    def _serve(self, basket: Basket) -> Iterator[float]:
        rng = self._rng
        self._begin()
        operation = "return" if rng.random() < RETURN_SHARE else "sale"
        self._training = rng.random() < TRAINING_SHARE
        self._meet_the_link()
        self._emit(ReceiptOpened, operation=operation, training=self._training)
        # a cashier scans a line in about half a second to two; long baskets faster than short ones
        for line in basket.lines:
            yield rng.uniform(300, 20_000 / (len(basket.lines) + 8))
            entry = "keyed" if rng.random() < KEYED_SHARE else "scanned"
            self._emit(
                ArticleScanned,
                barcode=line.barcode,
                article=line.article,
                name=line.name,
                quantity=Decimal(line.quantity),
                price=line.price,
                entry=entry,
            )
            if entry == "keyed" or line.quantity > 1:
                self._emit(KeyPressed, key=rng.choice(_KEYS))
        if rng.random() < VOID_SHARE:
            yield rng.uniform(1_000, 5_000)
            self._void()
            return
        if rng.random() < CARD_SHARE:
            yield from self._loyalty(basket)
        yield rng.uniform(1_500, 6_000)
        self._emit(KeyPressed, key="subtotal")
        self._emit(Tender, kind="card" if rng.random() < 0.7 else "cash", amount=basket.total)
        yield rng.uniform(200, 1_500)
        self._meet_the_link()
        self._close(operation, basket)

    def _begin(self) -> None:
        self._number += 1
        self._open = True
        self._used = self._offline = False
        self._ordinal = self._bad = self._ok = self._unanswered = 0
        self._codes = []

    def _loyalty(self, basket: Basket) -> Iterator[float]:
        rng = self._rng
        self._meet_the_link()
        kind = "cobrand" if rng.random() < COBRAND_SHARE else "loyalty"
        self._used = True
        self._emit(CardRead, card=loyalty_card(basket.household), kind=kind, entry=rng.choice(("scanned", "swiped")))
        if not self._online:
            self._touch()
        for operation in ("balance", "calculate", "confirm"):
            if not self._meet_the_link():
                return
            code = yield from self._call(operation)
            if code not in (None, *CRITICAL):
                if code != "LOY.OK":
                    return  # the customer's own trouble: the receipt goes on without loyalty
                continue
            if rng.random() < 0.8:  # the cashier tries once more
                yield rng.uniform(300, 1_500)
                if not self._meet_the_link():
                    return
                code = yield from self._call(operation)
            if code != "LOY.OK":
                return

    def _call(self, operation: str) -> Generator[float, None, str | None]:
        """One call; its value is the code of the answer, None when none came."""
        self._calls += 1
        self._ordinal += 1
        ordinal = self._ordinal
        name = f"{self._store.store}-{self._pos}-{self._shift}-{self._calls}"
        answer = self._world.call(self._store, self._rng)
        self._emit(LoyaltyRequest, operation=operation, operation_id=name)
        yield answer.wait_ms
        if answer.code is None:
            self._bad = max(self._bad, ordinal)
            self._unanswered += 1
            return None
        self._emit(LoyaltyResponse, operation=operation, operation_id=name, code=answer.code, latency_ms=answer.wait_ms)
        if answer.code == "LOY.OK":
            self._ok = max(self._ok, ordinal)
        else:
            self._codes.append((self._clock(), answer.code))
            if answer.code in CRITICAL:
                self._bad = max(self._bad, ordinal)
        return answer.code

    def _void(self) -> None:
        self._emit(ReceiptVoided, reason="cancelled")
        self._say("void", "")
        self._open = False

    def _close(self, operation: str, basket: Basket) -> None:
        discount = sum((line.discount for line in basket.lines), Decimal(0))
        self._emit(ReceiptClosed, operation=operation, training=self._training, total=basket.total, discount=discount)
        now = self._clock()
        if self._used:
            self._codes += [(now, UNANSWERED)] * self._unanswered
            if self._offline:
                self._codes.append((now, OFFLINE))
        self._say("receipt", operation)
        self._open = False

    def _say(self, kind: str, operation: str) -> None:
        hit = self._bad > self._ok
        counts = kind == "receipt" and self._used and not self._training
        self._world.truth(
            TruthLine(
                kind=kind,
                time=self._clock(),
                chain=self._store.chain,
                region=self._store.region,
                store=self._store.store,
                pos=self._pos,
                shift=self._shift,
                receipt=self._number,
                operation=operation,
                training=self._training,
                loyalty=counts,
                hit=counts and hit,
                recovered=counts and bool(self._bad) and not hit,
                codes=self._codes,
            )
        )
