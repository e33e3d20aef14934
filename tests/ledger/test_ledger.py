"""The ledger: counts by minute and window, closing, lateness, restarts, and a commit that fails."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from zabbix_plugins.errors import BadState, Temporary
from zabbix_plugins.ledger.accounts import Accounts
from zabbix_plugins.ledger.ledger import TOTAL, Key, Ledger
from zabbix_plugins.model.estate import parse_estate
from zabbix_plugins.model.event import CardRead, Event, ReceiptClosed, ReceiptOpened
from zabbix_plugins.model.window import MINUTE_MS, WINDOWS

ESTATE = parse_estate("chain,region,store\nm,north,1\nm,north,2\nm,south,3\np,west,1\n", "estate.csv")
STORES = [("m", "1"), ("m", "2"), ("m", "3"), ("p", "1"), ("p", "99")]
BASE = 29_000_000  # a minute


class NoCodes:
    aliases: dict[str, str] = {}
    touching = frozenset[str]()


def receipt(minute: int, chain: str, store: str, number: int, *, card: bool = True) -> list[Event]:
    at = minute * MINUTE_MS + 30_000
    where: dict[str, Any] = {"chain": chain, "store": store, "pos": "1", "receipt": number, "shift": 1}
    events: list[Event] = [ReceiptOpened(time=at - 500, **where)]
    if card:
        events.append(CardRead(time=at - 200, **where))
    return [*events, ReceiptClosed(time=at, **where)]


def keys_of(chain: str, store: str) -> list[Key]:
    return [
        TOTAL,
        ("chain", chain, ""),
        ("region", chain, ESTATE.region_of(chain, store)),
        ("store", chain, store),
    ]


def test_every_window_at_every_level_equals_a_recount_through_restarts_and_late_receipts(tmp_path: Path) -> None:
    """Three days of random trade, closed minute by minute; the truth is a plain list of (minute, chain, store)."""
    rng = random.Random(7)
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    truth: list[tuple[int, str, str]] = []
    number = 0
    for minute in range(BASE, BASE + 3 * 1440):
        if rng.random() < 0.1:
            for _ in range(rng.randrange(4)):
                chain, store = rng.choice(STORES)
                number += 1
                late = rng.choice([0, 0, 0, 1, 7, 70, 400]) if minute > BASE + 500 else 0
                truth.append((minute - late, chain, store))
                accounts.take(receipt(minute - late, chain, store, number), (minute + 1) * MINUTE_MS)
        if rng.random() < 0.02:
            ledger.commit(accounts, {}, now=minute * MINUTE_MS)
        if rng.random() < 0.3 or minute == BASE + 3 * 1440 - 1:
            ledger.commit(accounts, {}, now=minute * MINUTE_MS, close_through=minute)
        if rng.random() < 0.01:
            ledger.commit(accounts, {}, now=minute * MINUTE_MS)
            ledger.close()
            ledger = Ledger(path, ESTATE)
            accounts = Accounts(NoCodes(), ledger.pos_state)
            accounts.closed = ledger.closed if ledger.closed is not None else -1
        if minute % 97 == 0 and ledger.closed == minute:
            compare(ledger, truth, minute)
    assert ledger.closed == BASE + 3 * 1440 - 1
    compare(ledger, truth, ledger.closed)
    assert ledger.facts["late"] > 0


def compare(ledger: Ledger, truth: list[tuple[int, str, str]], closed: int) -> None:
    for window, length in WINDOWS.items():
        expected: Counter[Key] = Counter()
        for minute, chain, store in truth:
            if closed - length < minute <= closed:
                expected.update(keys_of(chain, store))
        for key in {key for _, chain, store in truth for key in keys_of(chain, store)}:
            counts = ledger.windows(key)[window]
            assert counts.get("transactions", 0) == counts.get("receipts", 0) == expected[key], (window, key)


def test_a_store_outside_the_estate_counts_in_its_chain_under_a_region_of_its_own(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    accounts.take(receipt(BASE, "p", "99", 1), (BASE + 1) * MINUTE_MS)
    ledger.commit(accounts, {}, now=0, close_through=BASE)
    assert ledger.windows(("region", "p", "UNKNOWN"))["1m"] == {"receipts": 1, "transactions": 1}
    assert ledger.windows(("chain", "p", ""))["1d"] == {"receipts": 1, "transactions": 1}


def test_an_event_an_hour_ahead_is_counted_in_its_arrival_minute_and_marked(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    accounts.take(receipt(BASE + 60, "m", "1", 1), BASE * MINUTE_MS + 40_000)
    ledger.commit(accounts, {}, now=0, close_through=BASE)
    assert ledger.windows(TOTAL)["1m"] == {"receipts": 1, "transactions": 1}
    assert ledger.facts["skewed"] == 2


def test_what_is_older_than_the_memory_is_said_and_not_added(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    accounts.take(receipt(BASE - 9 * 1440, "m", "1", 1), BASE * MINUTE_MS)
    ledger.commit(accounts, {}, now=0, close_through=BASE)
    assert ledger.windows(TOTAL)["1d"] == {}
    assert ledger.facts["too_old"] == 2


def test_a_commit_that_fails_writes_nothing_and_can_be_made_again(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    accounts.take(receipt(BASE, "m", "1", 1), (BASE + 1) * MINUTE_MS)

    def disk_full(point: str) -> None:
        if point == "inside commit":
            raise Temporary("the ledger cannot be written: database or disk is full")

    with pytest.raises(Temporary, match="disk is full"):
        ledger.commit(accounts, {"j": b"1"}, now=0, close_through=BASE, at=disk_full)
    assert (ledger.closed, ledger.journal_states(), ledger.windows(TOTAL)["1d"]) == (None, {}, {})
    assert ledger.commit(accounts, {"j": b"1"}, now=0, close_through=BASE) == [BASE]
    assert ledger.windows(TOTAL)["1d"] == {"receipts": 1, "transactions": 1}
    assert ledger.journal_states() == {"j": b"1"}


def test_a_locked_ledger_is_a_sentence_that_says_it_will_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path, ESTATE)
    ledger._connection.execute("PRAGMA busy_timeout=0")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    accounts = Accounts(NoCodes(), ledger.pos_state)
    accounts.take(receipt(BASE, "m", "1", 1), (BASE + 1) * MINUTE_MS)
    with pytest.raises(Temporary, match=r"locked.*tried again"):
        ledger.commit(accounts, {}, now=0)
    other.execute("ROLLBACK")
    other.close()
    ledger.commit(accounts, {}, now=0, close_through=BASE)
    assert ledger.windows(TOTAL)["1m"]["receipts"] == 1


def test_a_file_that_is_no_ledger_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"rubbish" * 1000)
    with pytest.raises(BadState, match=r"damaged.*move the file away"):
        Ledger(path, ESTATE)


def test_a_database_of_somebody_else_is_not_taken_for_a_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("CREATE TABLE theirs (x)")
        other.execute("PRAGMA user_version=1")
    with pytest.raises(BadState, match=r"no ledger of this version.*move the file away"):
        Ledger(path, ESTATE)


def test_minutes_of_each_register_are_kept_for_two_hours(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    for offset in (0, 30, 119, 120):
        accounts.take(receipt(BASE + offset, "m", "1", offset + 1), (BASE + offset + 1) * MINUTE_MS)
        ledger.commit(accounts, {}, now=0, close_through=BASE + offset)
    accounts.take(receipt(BASE + 30, "m", "1", 500), (BASE + 121) * MINUTE_MS)  # late, into a closed minute
    ledger.commit(accounts, {}, now=0)
    pos = receipt(BASE, "m", "1", 1)[0].pos
    kept = {minute - BASE: counts["receipts"] for minute, counts in ledger.pos_minutes(("m", "1", pos), 0, 1 << 40)}
    assert kept == {30: 2, 119: 1, 120: 1}


def test_minutes_and_hours_of_stores_go_when_their_tier_ends(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite", ESTATE)
    accounts = Accounts(NoCodes(), ledger.pos_state)
    for day in range(3):
        accounts.take(receipt(BASE + day * 1440, "m", "1", day + 1), (BASE + day * 1440 + 1) * MINUTE_MS)
        ledger.commit(accounts, {}, now=0, close_through=BASE + day * 1440)
    last = BASE + 2 * 1440
    assert [m for m, _ in ledger.minutes(("store", "m", "1"), BASE, last)] == [BASE + 1440, last]
    assert [m for m, _ in ledger.minutes(TOTAL, BASE, last)] == [BASE, BASE + 1440, last]
