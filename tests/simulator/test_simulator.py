"""The simulation: repeatable, true to its truth in both dialects, and its faults do what their labels say."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.simulator import faults
from zabbix_plugins.simulator.baskets import ean13, load_baskets, loyalty_card
from zabbix_plugins.simulator.run import SimulationSettings, run_fast

START = 1_795_500_000_000
CRITICAL = {"LOY.TIMEOUT", "LOY.5XX"}


def trade(folder: Path, dialect: str, minutes: float = 12, fault: faults.Fault | None = None) -> Path:
    folder.mkdir()
    if fault:
        faults.plant(folder, fault)
    settings = SimulationSettings(folder=folder, seed=5, stores=8, receipts_per_minute=80, dialects=(dialect,))
    run_fast(settings, start=START, minutes=minutes, say=lambda minute: None)
    return folder


def truth_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "truth" / "truth.jsonl").read_text().splitlines()]


def totals(folder: Path) -> Counter[str]:
    """What the truth says of closed receipts."""
    counts: Counter[str] = Counter()
    for line in truth_of(folder):
        if line["kind"] == "receipt" and not line["training"]:
            counts["receipts"] += 1
            for name in ("loyalty", "hit", "recovered"):
                counts[name] += bool(line[name])
    return counts


def recounted(folder: Path) -> Counter[str]:
    """The same from the JSON lines alone, by code of this test."""
    counts: Counter[str] = Counter()
    for path in sorted((folder / "journals").rglob("journal.jsonl")):
        online, calls, bad, ok, used, training = True, dict[str, int](), 0, 0, False, False
        ordinal = 0
        for line in map(json.loads, path.read_text().splitlines()):
            kind = line["event"]
            if kind == "link_changed":
                online = line["online"]
                if not online and used:
                    ordinal += 1
                    bad = ordinal
            elif kind == "receipt_opened":
                calls, bad, ok, used, ordinal, training = {}, 0, 0, False, 0, line.get("training", False)
            elif kind == "card_read":
                used = True
                if not online:
                    ordinal += 1
                    bad = ordinal
            elif kind == "loyalty_request":
                ordinal += 1
                calls[line["operation_id"]] = ordinal
            elif kind == "loyalty_response":
                mine = calls.pop(line["operation_id"])
                code = line.get("code", "LOY.OK")
                ok = max(ok, mine) if code == "LOY.OK" else ok
                bad = max(bad, mine) if code in CRITICAL else bad
            elif kind == "receipt_voided":
                used = False
            elif kind == "receipt_closed":
                bad = max([bad, *calls.values()])
                if not training:
                    counts["receipts"] += 1
                    counts["loyalty"] += used
                    counts["hit"] += used and bad > ok
                    counts["recovered"] += used and 0 < bad <= ok
                used = False
    return counts


def test_the_same_seed_gives_the_same_trade_to_the_byte(tmp_path: Path) -> None:
    first, second = trade(tmp_path / "a", "jsonl", 3), trade(tmp_path / "b", "jsonl", 3)
    files = [path.relative_to(first) for path in sorted(first.rglob("*")) if path.is_file()]
    assert len(files) > 10
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in files)


@pytest.mark.parametrize("name", ["", "loyalty-down", "loyalty-offline", "loyalty-slow"])
def test_the_truth_is_what_the_journals_say(tmp_path: Path, name: str) -> None:
    folder = trade(tmp_path / "sim", "jsonl", fault=faults.Fault(name=name) if name else None)
    assert totals(folder) == recounted(folder)
    assert totals(folder)["receipts"] > 300


@pytest.mark.parametrize("dialect", ["jsonl", "set-retail"])
@pytest.mark.parametrize("name", ["", "loyalty-down", "loyalty-offline", "loyalty-slow"])
def test_the_report_of_each_dialect_equals_the_truth(tmp_path: Path, dialect: str, name: str) -> None:
    folder = trade(tmp_path / "sim", dialect, fault=faults.Fault(name=name) if name else None)
    tillwatch = Path(sys.executable).with_name("tillwatch")
    command = [str(tillwatch), "report", "--json", "--zone", "Europe/Moscow", str(folder / "journals")]
    said = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    stated = said["availability"]
    found = Counter(
        receipts=stated["receipts"],
        loyalty=stated["transactions"],
        hit=stated["hit"],
        recovered=stated["recovered"],
    )
    assert found == totals(folder)
    assert [journal["rejects"] for journal in said["journals"] if journal["rejects"]] == []
    assert sum(journal["unknown"] for journal in said["journals"]) == 0


def availability(folder: Path, **place: str) -> float:
    lines = [line for line in truth_of(folder) if line["loyalty"] and all(line[k] == v for k, v in place.items())]
    return 1 - sum(bool(line["hit"]) for line in lines) / len(lines)


def test_on_a_good_day_availability_is_what_support_knows(tmp_path: Path) -> None:
    assert 0.99 < availability(trade(tmp_path / "sim", "jsonl", 40)) <= 1


def test_offline_registers_still_have_transactions_and_all_are_hit(tmp_path: Path) -> None:
    good = totals(trade(tmp_path / "good", "jsonl"))
    bad = totals(trade(tmp_path / "bad", "jsonl", fault=faults.Fault(name="loyalty-offline")))
    assert bad["hit"] == bad["loyalty"]
    assert bad["loyalty"] > good["loyalty"] * 0.8


def test_a_region_without_network_is_hit_alone(tmp_path: Path) -> None:
    folder = trade(tmp_path / "sim", "jsonl", fault=faults.Fault(name="region-network", region="ural"))
    assert availability(folder, region="ural") == 0
    assert availability(folder, region="north") > 0.97


def test_a_dark_store_writes_nothing_and_the_others_trade(tmp_path: Path) -> None:
    folder = trade(tmp_path / "sim", "jsonl", fault=faults.Fault(name="store-offline", store="1003"))
    stores = {line["store"] for line in truth_of(folder) if line["kind"] == "receipt"}
    assert "1003" not in stores
    assert len(stores) == 7


def test_planting_and_ending_are_told_in_the_truth_and_twice_is_once(tmp_path: Path) -> None:
    folder = tmp_path / "sim"
    folder.mkdir()
    fault = faults.Fault(name="loyalty-slow")
    faults.plant(folder, fault)
    faults.plant(folder, fault)
    assert faults.planted(folder) == [fault]
    trade_on = SimulationSettings(folder=folder, seed=1, stores=2, receipts_per_minute=10, dialects=("jsonl",))
    run_fast(trade_on, start=START, minutes=1, say=lambda minute: None)
    assert [line["label"] for line in truth_of(folder) if line["kind"] == "fault"] == ["loyalty-slow planted"]
    assert faults.end(folder, "loyalty-slow") == 1
    assert faults.end(folder, "loyalty-slow") == 0


@pytest.mark.parametrize(
    ("fault", "complaint"),
    [
        (faults.Fault(name="earthquake"), "there is no fault 'earthquake'"),
        (faults.Fault(name="region-network"), "needs a region"),
        (faults.Fault(name="store-offline"), "needs a store"),
    ],
)
def test_a_fault_that_cannot_be_says_why(tmp_path: Path, fault: faults.Fault, complaint: str) -> None:
    with pytest.raises(BadConfiguration, match=complaint):
        faults.plant(tmp_path, fault)


def test_baskets_are_real_and_their_numbers_valid() -> None:
    baskets = load_baskets(1, 500)
    assert len(baskets) == 500
    assert sum(len(basket.lines) for basket in baskets) / 500 > 5
    assert all(line.price > 0 and 1 <= line.quantity <= 100 for basket in baskets for line in basket.lines)
    assert ean13(123_456_789) == "4601234567893"
    assert loyalty_card(18) == "7789800000000187"
