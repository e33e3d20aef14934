"""The whole collector in bad weather: bad journals, a full disk, a locked ledger, clocks that jump, long absences."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.weather.trade import STORES, open_tills
from zabbix_plugins.collector import Collector, hold
from zabbix_plugins.commands.collect import assemble
from zabbix_plugins.errors import Permanent
from zabbix_plugins.ledger.ledger import Ledger
from zabbix_plugins.settings import load_estate, load_settings

pytestmark = pytest.mark.weather

MINUTE = 60_000
START = 1_795_500_000_000
CARD = "4276838812345674"
"""Passes Luhn: a payment card. It must be found nowhere in what the collector writes."""
LOYALTY = "2200700812345678"
PHONE = "79161234567"


class Clocks:
    """A wall clock and a steady one, both set by the test."""

    def __init__(self) -> None:
        self.wall, self.steady_ms = START, 0

    def go(self, milliseconds: int) -> None:
        self.wall += milliseconds
        self.steady_ms += milliseconds


def write_settings(folder: Path, grace: int = 10) -> Path:
    (folder / "estate.csv").write_text(
        "chain,region,store,zone\n" + "".join(f"m,north,{store},Europe/Moscow\n" for store in STORES)
    )
    path = folder / "tillwatch.toml"
    path.write_text(
        f'[collector]\ndata = "data"\nestate = "estate.csv"\ngrace_seconds = {grace}\npass_seconds = 0.05\n'
        '[[journal]]\nformat = "jsonl"\npath = "journals/{chain}/{store}/{pos}/journal.jsonl*"\n'
        '[[journal]]\nformat = "set-retail"\npath = "journals/{chain}/{store}/{pos}/root.log*"\n'
    )
    return path


def collector_of(settings: Path, clocks: Clocks) -> Collector:
    return assemble(load_settings(settings), clock=lambda: clocks.wall, steady=lambda: clocks.steady_ms)[0]


def document(settings: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((load_settings(settings).documents / f"{name}.json").read_bytes())
    return found


def receipt(number: int, time: int, **head: object) -> bytes:
    """A receipt with one card and no call: its loyalty was served by nobody, but nothing went wrong either."""
    common = {"receipt": number, "shift": 1, **head}
    events = [
        {"event": "receipt_opened", "time": time - 3000},
        {"event": "card_read", "time": time - 2000, "card": LOYALTY},
        {"event": "receipt_closed", "time": time, "total": "10.00"},
    ]
    return b"".join(json.dumps({**event, **common}).encode() + b"\n" for event in events)


def journal(settings: Path, store: str, pos: str, name: str = "journal.jsonl") -> Path:
    path = settings.parent / "journals" / "m" / store / pos / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def every_byte(folder: Path) -> bytes:
    """All that the collector has written, in one piece."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


# bad journals -------------------------------------------------------------------------------------------------


def test_bad_journals_are_counted_explained_and_survived(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """All at once, beside one good register whose counts must not suffer."""
    caplog.set_level(logging.INFO)
    settings, clocks = write_settings(tmp_path), Clocks()
    now = clocks.wall
    good = journal(settings, "1001", "1")
    good.write_bytes(receipt(1, now, pos="1") + receipt(2, now + 1000, pos="1"))
    journal(settings, "9999", "1").write_bytes(receipt(1, now))  # stands in no estate
    journal(settings, "1002", "1").write_bytes(receipt(1, now + 3_600_000))  # its clock is an hour ahead
    journal(settings, "1002", "2").write_bytes(os.urandom(50_000) + b"\n" + receipt(1, now))
    with journal(settings, "1003", "1").open("wb") as huge:
        huge.write(b'{"event":"key_pressed","key":"')
        huge.seek(100_000_000)
        huge.write(b'"}\n' + receipt(1, now))
    cp1251 = '{"event":"pos_error","code":"X","text":"карта ' + CARD + ' не читается","time":' + str(now) + "}\n"
    utf16 = '{"event":"receipt_opened"}\n'.encode("utf-16")
    journal(settings, "1003", "2").write_bytes(cp1251.encode("cp1251") + utf16 + receipt(1, now))
    journal(settings, "1001", "2", "root.log").write_bytes(
        f"""24.11 14:39:58.000 INFO  [PrismaBridgeImpl] {{"events":[{{"shop":1001,"cash":2,"mode":4,"purchase":7}}]}}
24.11 14:39:59.000 ERROR [TechProcessImpl] TP error: Карта № [{CARD}] не найдена, телефон +{PHONE}
24.11 14:39:59.500 INFO  [LoymaxUtils] Loymax request:
<?xml version="1.0" encoding="utf-8"?>
<XMLRequest><Balances><BalanceRequest OperationID="op-1"><Identifier Type="CardNumber" Value="{LOYALTY}"/>
""".encode()
    )
    collector = collector_of(settings, clocks)
    for _ in range(6):
        clocks.go(30_000)
        while collector.make_pass().bytes_read:
            pass
    collector.close()
    health, total = document(settings, "collector.total"), document(settings, "availability.total")
    # seven whole receipts, the one an hour ahead among them, in its arrival minute
    assert total["windows"]["1h"]["receipts"] == total["windows"]["1h"]["transactions"] == 7
    assert {
        part["id"]: part["windows"]["1h"]["receipts"] for part in document(settings, "availability.chain.m")["parts"]
    }["UNKNOWN"] == 1
    assert health["unknown_stores"] == 1
    assert health["skewed"] > 0
    assert health["rejects"] >= 3
    assert health["unreachable"] == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "ledger.sqlite")) as ledger:
        reasons = {name for (name,) in ledger.execute("SELECT name FROM facts WHERE name LIKE 'reject:%'")}
    assert len(reasons) >= 2
    assert re.search(r"journal\.jsonl: [\w -]+ at byte \d+", caplog.text)
    written = every_byte(tmp_path / "data") + caplog.text.encode()
    for secret in (CARD, LOYALTY, PHONE, PHONE[1:], LOYALTY[:-1], CARD[1:]):
        assert secret.encode() not in written


def test_a_journal_that_ends_in_the_middle_of_xml_goes_on_when_the_rest_comes(tmp_path: Path) -> None:
    settings, clocks = write_settings(tmp_path), Clocks()
    whole = (Path(__file__).parents[1] / "readers" / "golden" / "set-sale.log").read_bytes()
    cut = whole.index(b"<XMLResponse>") + 20
    path = journal(settings, "1001", "3", "root.log")
    collector = collector_of(settings, clocks)
    path.write_bytes(whole[:cut])
    collector.make_pass()
    collector.close()  # and a restart in between, so that the open XML goes through the ledger
    assert LOYALTY.encode() not in every_byte(tmp_path / "data")
    with path.open("ab") as file:
        file.write(whole[cut:])
    collector = collector_of(settings, clocks)
    collector.make_pass()
    collector.close()
    halves = facts(tmp_path / "data")
    path.unlink()
    other = tmp_path / "other"
    other.mkdir()
    settings = write_settings(other)
    journal(settings, "1001", "3", "root.log").write_bytes(whole)
    collector = collector_of(settings, clocks)
    collector.make_pass()
    collector.close()
    assert halves == facts(other / "data")
    assert halves["lines"] > 20


def facts(data: Path) -> dict[str, int]:
    with contextlib.closing(sqlite3.connect(data / "ledger.sqlite")) as ledger:
        return dict(ledger.execute("SELECT name, value FROM facts"))


# clocks and absences ------------------------------------------------------------------------------------------


def test_after_an_absence_minutes_close_in_order_and_none_is_late(tmp_path: Path) -> None:
    settings, clocks = write_settings(tmp_path), Clocks()
    path = journal(settings, "1001", "1")
    path.write_bytes(receipt(1, clocks.wall))
    collector = collector_of(settings, clocks)
    collector.make_pass()
    clocks.go(2 * MINUTE)
    collector.make_pass()
    collector.close()
    with path.open("ab") as file:
        for minute in range(1, 40):
            file.write(receipt(1 + minute, clocks.wall + minute * MINUTE))
    clocks.go(41 * MINUTE)
    collector = collector_of(settings, clocks)
    closed = collector.make_pass().closed
    assert closed == list(range(closed[0], closed[0] + len(closed)))
    assert len(closed) >= 40
    assert document(settings, "availability.total")["windows"]["1h"]["receipts"] == 40
    assert facts(tmp_path / "data").get("late", 0) == 0
    collector.close()


def test_a_clock_set_an_hour_ahead_and_back_closes_no_minute_early(tmp_path: Path) -> None:
    settings, clocks = write_settings(tmp_path), Clocks()
    path = journal(settings, "1001", "1")
    collector = collector_of(settings, clocks)
    number = 0
    true_time = clocks.wall
    for second in range(0, 600, 5):
        if second == 120:
            clocks.wall += 3_600_000
        if second == 240:
            clocks.wall -= 3_600_000
        clocks.go(5000)
        true_time += 5000
        number += 1
        with path.open("ab") as file:
            file.write(receipt(number, true_time))
        collector.make_pass()
        assert document_end(settings) <= true_time // 1000
    clocks.go(2 * MINUTE)
    collector.make_pass()
    assert document(settings, "availability.total")["windows"]["1h"]["receipts"] == number
    assert facts(tmp_path / "data").get("late", 0) == 0
    collector.close()


def document_end(settings: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return int(document(settings, "availability.total")["window_end"])
    return 0


def test_a_restart_publishes_at_once_what_was_closed_before(tmp_path: Path) -> None:
    settings, clocks = write_settings(tmp_path), Clocks()
    journal(settings, "1001", "1").write_bytes(receipt(1, clocks.wall))
    collector = collector_of(settings, clocks)
    clocks.go(3 * MINUTE)
    collector.make_pass()
    collector.close()
    before = document(settings, "availability.total")
    (tmp_path / "data" / "documents" / "availability.total.json").unlink()
    collector = collector_of(settings, clocks)
    collector.make_pass()
    collector.close()
    assert document(settings, "availability.total") == before


def test_a_second_collector_is_refused_with_a_sentence(tmp_path: Path) -> None:
    held = hold(tmp_path)
    with pytest.raises(Permanent, match=r"another collector works in this data folder.*stop it"):
        hold(tmp_path)
    os.close(held)
    os.close(hold(tmp_path))


# disk and database, with the real command ---------------------------------------------------------------------


@contextlib.contextmanager
def collecting(settings: Path) -> Iterator[Path]:
    """`tillwatch collect` as users run it; yields the file of what it says."""
    said = settings.parent / "said"
    with said.open("wb") as log:
        command = [str(Path(sys.executable).with_name("tillwatch")), "collect", "--config", str(settings)]
        child = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield said
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=60) == 0
    finally:
        child.kill()
        child.wait()
    assert "Traceback" not in said.read_text()


def wait_for(what: str, said: Path, words: str, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while words not in said.read_text():
        assert time.monotonic() < until, f"{what}: {said.read_text()}"
        time.sleep(0.1)


def counted(settings: Path) -> Counter[tuple[str, str]]:
    loaded = load_settings(settings)
    ledger = Ledger(loaded.data / "ledger.sqlite", load_estate(loaded))
    result: Counter[tuple[str, str]] = Counter()
    for key in ledger.keys("store"):
        for _, counts in ledger.minutes(key, 0, 1 << 40):
            result.update({(name, key[2]): number for name, number in counts.items()})
    ledger.close()
    return result


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MB at tmp_path/data."""
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", data], check=True)
    yield data
    subprocess.run(["umount", data], check=True)


def test_a_full_disk_is_said_once_and_nothing_is_lost(tmp_path: Path, small_disk: Path) -> None:
    settings = write_settings(tmp_path, grace=1)
    rng, truth = random.Random(5), Counter[tuple[str, str]]()
    tills = open_tills(tmp_path / "journals", seed=5)

    def trade(receipts: int) -> None:
        for _ in range(receipts):
            rng.choice(tills).write_receipt(time.time_ns() // 1_000_000, truth)

    trade(50)
    with collecting(settings) as said:
        wait_for_bytes(small_disk, tmp_path / "journals")
        with (small_disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 4096)
        for _ in range(200):  # until a commit needs a page that is not there
            trade(50)
            if "tried again" in said.read_text():
                break
            time.sleep(0.1)
        wait_for("the disk is full", said, "tried again and nothing is lost")
        time.sleep(1)
        assert said.read_text().count("nothing is lost") == 1
        trade(50)
        (small_disk / "ballast").unlink()
        wait_for("going on", said, "going on: the trouble is over")
        wait_for_bytes(small_disk, tmp_path / "journals")
    assert counted(settings) == truth


def wait_for_bytes(data: Path, journals: Path) -> None:
    """Wait until the ledger has committed every byte of the journals."""
    size = sum(path.stat().st_size for path in journals.rglob("journal.jsonl*"))
    until = time.monotonic() + 60
    while not (data / "ledger.sqlite").exists() or facts(data).get("bytes", 0) < size:
        assert time.monotonic() < until
        time.sleep(0.1)


def test_a_locked_ledger_is_said_and_the_collector_goes_on_by_itself(tmp_path: Path) -> None:
    settings = write_settings(tmp_path, grace=1)
    rng, truth = random.Random(6), Counter[tuple[str, str]]()
    tills = open_tills(tmp_path / "journals", seed=6)
    with collecting(settings) as said:
        rng.choice(tills).write_receipt(time.time_ns() // 1_000_000, truth)
        wait_for_bytes(tmp_path / "data", tmp_path / "journals")
        with contextlib.closing(sqlite3.connect(tmp_path / "data" / "ledger.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            rng.choice(tills).write_receipt(time.time_ns() // 1_000_000, truth)
            wait_for("locked", said, "locked")
            other.execute("ROLLBACK")
        wait_for("going on", said, "going on")
        wait_for_bytes(tmp_path / "data", tmp_path / "journals")
    assert counted(settings) == truth
