"""What a register sees of the world while it trades: faults, the processing's answers, and where its events go."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from zabbix_plugins.model.event import Event
from zabbix_plugins.simulator.estate import SimulatedStore
from zabbix_plugins.simulator.faults import Fault

CUSTOMER_ERRORS = (
    ("LOY.CARD_NOT_FOUND", 0.012),
    ("LOY.CARD_BLOCKED", 0.004),
    ("LOY.CARD_NOT_ACTIVATED", 0.006),
    ("LOY.INSUFFICIENT_BONUS", 0.005),
)
"""Base rate of customers' own errors, per call."""

CRITICAL_RATE = 0.002
"""Base rate of failing calls on a good day; four in five are made good by a second one."""

TIME_LIMIT_MS = 4_000
"""After so long a register gives a call up."""


class Answer(msgspec.Struct, frozen=True):
    """What became of a call: after `wait_ms` a `code`, or nothing at all (None)."""

    wait_ms: int
    code: str | None


class TruthLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the truth: what really was written, and when (milliseconds UTC). `kind`: receipt, void, fault."""

    kind: str
    time: int
    chain: str = ""
    region: str = ""
    store: str = ""
    pos: str = ""
    shift: int = 0
    receipt: int = 0
    operation: str = ""
    training: bool = False
    loyalty: bool = False
    hit: bool = False
    recovered: bool = False
    codes: list[tuple[int, str]] = []
    label: str = ""


class World:
    """Shared by all registers of a simulation. `emit` takes events, `truth` what they amount to."""

    def __init__(self, emit: Callable[[SimulatedStore, Event], None], truth: Callable[[TruthLine], None]) -> None:
        self.emit = emit
        self.truth = truth
        self.faults: list[Fault] = []

    def struck_by(self, store: SimulatedStore, *names: str) -> bool:
        """Does one of these faults befall the store now?"""
        return any(
            fault.name in names and fault.strikes(store.chain, store.region, store.store) for fault in self.faults
        )

    def online(self, store: SimulatedStore) -> bool:
        """Can the store's registers reach the processing, as far as they know?"""
        return not self.struck_by(store, "loyalty-offline", "region-network")

    def call(self, store: SimulatedStore, rng: random.Random) -> Answer:
        """What becomes of a loyalty call begun now."""
        latency = min(2_500, max(35, int(rng.lognormvariate(4.8, 0.5))))
        if self.struck_by(store, "loyalty-down"):
            kind = rng.random()
            if kind < 0.15:
                return Answer(TIME_LIMIT_MS, None)
            return Answer(TIME_LIMIT_MS, "LOY.TIMEOUT") if kind < 0.5 else Answer(latency, "LOY.5XX")
        if self.struck_by(store, "loyalty-slow"):
            slow = rng.randrange(3_000, 6_000)
            return Answer(TIME_LIMIT_MS, "LOY.TIMEOUT") if slow > TIME_LIMIT_MS else Answer(slow, "LOY.OK")
        if rng.random() < CRITICAL_RATE:
            return Answer(TIME_LIMIT_MS, "LOY.TIMEOUT") if rng.random() < 0.7 else Answer(latency, "LOY.5XX")
        chance = rng.random()
        for code, rate in CUSTOMER_ERRORS:
            if chance < rate:
                return Answer(latency, code)
            chance -= rate
        return Answer(latency, "LOY.OK")
