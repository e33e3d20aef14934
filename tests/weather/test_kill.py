"""SIGKILL at any instant and at every named point, while journals grow and rotate: the counts equal the truth."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.weather.trade import STORES, Till, open_tills
from zabbix_plugins.commands.collect import assemble
from zabbix_plugins.ledger.ledger import Ledger
from zabbix_plugins.settings import load_estate, load_settings

pytestmark = pytest.mark.weather

POINTS = ("built", "before commit", "inside commit", "after commit")
KILLS = 50
FEWEST_DIRTY = 30


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    (tmp_path / "estate.csv").write_text("chain,region,store\n" + "".join(f"m,north,{s}\n" for s in STORES))
    path = tmp_path / "tillwatch.toml"
    path.write_text(
        '[collector]\ndata = "data"\nestate = "estate.csv"\ngrace_seconds = 1\n'
        '[[journal]]\nformat = "jsonl"\npath = "journals/{chain}/{store}/{pos}/journal.jsonl*"\n'
    )
    return path


def start(settings: Path, point: str = "-", count: int = 1) -> subprocess.Popen[str]:
    victim = Path(__file__).with_name("victim.py")
    child = subprocess.Popen(
        [sys.executable, str(victim), str(settings), point, str(count)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    with child.stdout as said:
        assert said.readline() == "ready\n"
    return child


def now() -> int:
    return time.time_ns() // 1_000_000


def trade(tills: list[Till], truth: Counter[tuple[str, str]], rng: random.Random, receipts: int) -> None:
    for _ in range(receipts):
        rng.choice(tills).write_receipt(now(), truth)


def bytes_on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("journal.jsonl*"))


def committed_bytes(data: Path) -> int:
    """How many bytes of all journals the ledger has committed: the sum over every generation it knows."""
    connection = sqlite3.connect(data / "ledger.sqlite")
    try:
        row = connection.execute("SELECT value FROM facts WHERE name = 'bytes'").fetchone()
    finally:
        connection.close()
    return int(row[0]) if row else 0


def counted(settings: Path) -> Counter[tuple[str, str]]:
    """What the ledger says at last, store by store, over all minutes."""
    loaded = load_settings(settings)
    ledger = Ledger(loaded.data / "ledger.sqlite", load_estate(loaded))
    result: Counter[tuple[str, str]] = Counter()
    for key in ledger.keys("store"):
        for _, counts in ledger.minutes(key, 0, 1 << 40):
            for name, number in counts.items():
                result[name, key[2]] += number
    ledger.close()
    return result


def finish(settings: Path) -> Counter[tuple[str, str]]:
    collector, _ = assemble(load_settings(settings))
    collector.make_pass()
    collector.make_pass()
    collector.close()
    return counted(settings)


def test_fifty_kills_at_random_instants_change_no_count(settings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = random.Random(20)
    truth: Counter[tuple[str, str]] = Counter()
    journals, data = settings.parent / "journals", settings.parent / "data"
    tills = open_tills(journals, seed=1)
    dirty = 0
    for _ in range(KILLS):
        child = start(settings)
        until = time.monotonic() + rng.uniform(0.02, 0.35)
        while time.monotonic() < until:
            trade(tills, truth, rng, 20)
        child.kill()
        child.wait()
        dirty += committed_bytes(data) < bytes_on_disk(journals)
        trade(tills, truth, rng, rng.randrange(60))
    with capsys.disabled():
        receipts = sum(n for (name, _), n in truth.items() if name == "receipts")
        print(f"\n{KILLS} kills, {dirty} found uncommitted data, {receipts} receipts, ", end="")
        print(f"{sum(till.generation for till in tills)} rotations")
    assert dirty >= FEWEST_DIRTY
    assert finish(settings) == truth


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_a_named_point_changes_no_count(settings: Path, point: str) -> None:
    rng = random.Random(point)
    truth: Counter[tuple[str, str]] = Counter()
    tills = open_tills(settings.parent / "journals", seed=2)
    for count in (1, 2, 3, 5):
        child = start(settings, point, count)
        deadline = time.monotonic() + 60
        while child.poll() is None:
            assert time.monotonic() < deadline, f"{point} was not passed"
            trade(tills, truth, rng, 5)
        assert child.returncode == -9
    assert finish(settings) == truth


def test_a_kill_in_the_middle_of_a_rotation_changes_no_count(settings: Path) -> None:
    """The journal is renamed between two passes, the collector is killed before it looked at the new one."""
    rng = random.Random(3)
    truth: Counter[tuple[str, str]] = Counter()
    tills = open_tills(settings.parent / "journals", seed=3)
    for turn in range(8):
        child = start(settings)
        trade(tills, truth, rng, 30)
        till = rng.choice(tills)
        if till.path.exists():
            till.rotate()
        if turn % 2:
            trade(tills, truth, rng, 5)
        child.kill()
        child.wait()
        if turn % 3 == 0 and till.path.exists():
            till.rotate()
    assert finish(settings) == truth


def test_a_planted_wrong_count_is_found(settings: Path) -> None:
    """The comparison can fail: one receipt more in the truth than in the journals is seen."""
    truth: Counter[tuple[str, str]] = Counter()
    tills = open_tills(settings.parent / "journals", seed=4)
    trade(tills, truth, random.Random(4), 50)
    truth["receipts", STORES[0]] += 1
    assert finish(settings) != truth
