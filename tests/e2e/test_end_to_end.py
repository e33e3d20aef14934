"""The whole way on real servers: journals, collector, Zabbix 6.0 and 7.0 side by side, trigger, mail, recovery.

The scenario runs once; the tests look at what it left behind. At least five closed minutes pass in real time, with a
fault in them.
"""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import msgspec
import pytest

from tests.e2e.history import Api, Sample
from tests.e2e.truth import Key, Truth
from tests.screenshots import picture_of
from zabbix_plugins.commands.demo import read_mailbox
from zabbix_plugins.demo.packages import FLAVOURS, Flavour
from zabbix_plugins.demo.scene import HOTLINE, Scene
from zabbix_plugins.provision.client import Access, Client
from zabbix_plugins.provision.dashboard import dashboard_url
from zabbix_plugins.simulator import faults

pytestmark = pytest.mark.servers

ARTEFACTS = Path(__file__).parents[2] / "artefacts"
MINUTES = 5
FIELDS = ("transactions", "hit", "recovered", "receipts", "availability", "availability.lower", "availability.upper")


class Played(msgspec.Struct):
    """What the scenario found out while it ran."""

    fault_planted: float
    mails_after: float
    pictures: dict[Flavour, list[str]]
    apis: dict[Flavour, Api]
    ended: float


def wait_for(what: str, seconds: float, ready: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, f"{what}: not within {seconds:.0f} s"
        time.sleep(1)


def mails(scene: Scene, instance: str, word: str = "") -> list[EmailMessage]:
    found = read_mailbox(scene.folder / "mail" / "mail" / HOTLINE)
    texts = [(mail, mail.get_body(("plain",))) for mail in found]
    return [mail for mail, body in texts if body and instance in (text := body.get_content()) and word in text]


def window_end(scene: Scene) -> int:
    text = (scene.data / "documents" / "availability.total.json").read_text()
    return int(json.loads(text)["window_end"])


@pytest.fixture(scope="module")
def played(scene: Scene) -> Played:
    apis = {flavour: Api(zabbix.api_url) for flavour, zabbix in scene.zabbix.items()}
    for api in apis.values():
        wait_for("first values", 180, lambda api=api: has_values(api))  # type: ignore[misc]
    began = window_end(scene)
    planted = time.time()
    faults.plant(scene.simulation, faults.Fault(name="loyalty-down", chain="magnolia"))
    wait_for(
        "a mail of the fault from both servers",
        150,
        lambda: all(mails(scene, f"demo-{flavour}", "PROBLEM") for flavour in FLAVOURS),
    )
    mails_after = time.time() - planted
    pictures = {flavour: picture(scene, flavour, f"fault-{flavour}.png") for flavour in FLAVOURS}
    faults.end(scene.simulation, "loyalty-down")
    wait_for(
        "a recovery mail from both servers",
        420,
        lambda: all(mails(scene, f"demo-{flavour}", "RESOLVED") for flavour in FLAVOURS),
    )
    outage(scene, "7.0")
    wait_for("five closed minutes", 400, lambda: window_end(scene) >= began + (MINUTES + 1) * 60)
    scene.stop_program("simulator")
    last = int(time.time()) // 60 * 60
    wait_for("the last minute to close", 100, lambda: window_end(scene) >= last)
    # the poll of that minute, and the history syncers behind it
    wait_for("the last values in Zabbix", 100, lambda: all(has_values(api, last) for api in apis.values()))
    return Played(planted, mails_after, pictures, apis, last)


def outage(scene: Scene, flavour: Flavour) -> None:
    """zabbix_server dies, stays away while two minutes are closed, and is started again."""
    zabbix = scene.zabbix[flavour]
    pid = int((zabbix.folder / "run" / "server.pid").read_text())
    os.killpg(os.getpgid(pid), signal.SIGKILL)
    until = window_end(scene) + 120
    wait_for("two minutes without Zabbix", 200, lambda: window_end(scene) >= until)
    zabbix.start(lambda text: None)


def has_values(api: Api, since: int = 0) -> bool:
    hosts = [host for host in api.hosts() if host["host"] != "Tillwatch total"]
    return len(hosts) > 2 and all(
        any(
            sample.window_end >= since and sample.key.startswith("loyalty.transactions[1m")
            for sample in api.samples(host)
        )
        for host in hosts
    )


def picture(scene: Scene, flavour: Flavour, name: str) -> list[str]:
    zabbix = scene.zabbix[flavour]
    url = dashboard_url(Client(Access(url=zabbix.url, user="Admin", password="zabbix")), zabbix.url)
    return picture_of(zabbix.url, f"{url.removeprefix(zabbix.url)}&kiosk=1", ARTEFACTS / name)


def key_of(sample: Sample) -> tuple[Key, str, str] | None:
    """(level and place, field or error code, window) that a value stands for; None for what is not compared."""
    found = re.fullmatch(r"loyalty\.([a-z.]+)\[(?:([^,\]]+),)?(\w+)\]", sample.key)
    if not found:
        return None
    field, inside, window = found.groups()
    place = sample.host.split()[1:]
    key: Key = (place[0], place[1] if len(place) > 1 else "", place[2] if len(place) > 2 else "")
    if field == "errors":
        return key, f"error:{inside}", window
    if inside:
        key = ("chain", inside, "") if key[0] == "total" else ("region", key[1], inside)
    return key, field, window


def compare(truth: Truth, samples: list[Sample], until: float) -> tuple[int, list[str], set[tuple[str, str]]]:
    """How many values were compared, where they differ, and which (level, window) they cover."""
    compared, differences, covered = 0, [], set()
    for sample in samples:
        place = key_of(sample)
        if place is None or sample.window_end > until:
            continue
        key, field, window = place
        if field.startswith("error:"):
            expected: float | None = truth.count(key, field, window, sample.window_end)
        else:
            expected = truth.values(key, window, sample.window_end).get(field)
        compared += 1
        covered.add((key[0], window))
        if expected is None or abs(expected - sample.value) > 1e-5:
            differences.append(f"{sample.host} {sample.key} at {sample.window_end}: {sample.value}, truth {expected}")
    return compared, differences, covered


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_every_value_in_zabbix_equals_the_truth(
    scene: Scene, played: Played, flavour: Flavour, capsys: pytest.CaptureFixture[str]
) -> None:
    api = played.apis[flavour]
    truth = Truth(scene.simulation, scene.simulation / "estate.csv")
    samples = [sample for host in api.hosts() for sample in api.samples(host)]
    # receipts that were open when the stores closed are in no truth; their errors fell into the last two minutes
    until = played.ended - 120
    compared, differences, covered = compare(truth, samples, until)
    minutes = {sample.window_end for sample in samples if sample.window_end <= until}
    with capsys.disabled():
        print(f"\nZabbix {api.version}: {compared} values of {len(minutes)} closed minutes compared", end=" ")
    assert differences == []
    assert len(minutes) >= MINUTES
    levels, windows = ("total", "chain", "region", "store"), ("1m", "5m", "1h", "6h", "1d")
    assert covered == {(level, window) for level in levels for window in windows}
    assert any(sample.value > 0 for sample in samples if sample.key == "loyalty.hit[1m]")


def test_values_of_stores_arrive_whole_although_zabbix_was_away(scene: Scene, played: Played) -> None:
    """Pushed values wait in the ledger; both servers hold the same minutes of every store, each once."""
    seen: dict[Flavour, dict[str, list[int]]] = {}
    for flavour, api in played.apis.items():
        stores = [host for host in api.hosts() if host["host"].startswith("Tillwatch store")]
        seen[flavour] = {
            host["host"]: sorted(s.window_end for s in api.samples(host) if s.key == "loyalty.transactions[1m]")
            for host in stores
        }
    last = int(played.ended)
    for store, ends in seen["7.0"].items():
        assert ends == list(range(ends[0], ends[-1] + 60, 60)), store
        assert ends[-1] >= last
        assert ends == seen["6.0"][store]


def test_a_planted_wrong_count_makes_the_comparison_fail(scene: Scene, played: Played, tmp_path: Path) -> None:
    lines = (scene.simulation / "truth" / "truth.jsonl").read_text().splitlines()
    middle = (played.ended - 180) * 1000
    victim = max(
        (n for n, line in enumerate(lines) if json.loads(line)["loyalty"] and json.loads(line)["time"] < middle),
    )
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "truth.jsonl").write_text("\n".join(lines[:victim] + lines[victim + 1 :]))
    truth = Truth(tmp_path, scene.simulation / "estate.csv")
    api = played.apis["6.0"]
    samples = [sample for host in api.hosts() for sample in api.samples(host)]
    assert compare(truth, samples, played.ended - 120)[1] != []


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_no_item_is_unsupported_and_discovery_found_regions_and_codes(
    scene: Scene, played: Played, flavour: Flavour
) -> None:
    api = played.apis[flavour]
    items = {host["host"]: api.items(host["hostid"]) for host in api.hosts()}
    assert [(host, i["key_"], i["error"]) for host, each in items.items() for i in each if i["state"] == "1"] == []
    keys = {item["key_"] for item in items["Tillwatch chain magnolia"]}
    with (scene.simulation / "estate.csv").open(newline="") as file:
        regions = {row["region"] for row in csv.DictReader(file) if row["chain"] == "magnolia"}
    assert {f"loyalty.availability[{region},5m]" for region in regions} <= keys
    assert {"loyalty.errors[LOY.TIMEOUT,5m]", "loyalty.errors[OTHER,1d]"} <= keys


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_problem_and_recovery_arrive_as_one_thread_within_two_minutes(
    scene: Scene, played: Played, flavour: Flavour, capsys: pytest.CaptureFixture[str]
) -> None:
    (problem,) = mails(scene, f"demo-{flavour}", "PROBLEM")
    (recovery,) = mails(scene, f"demo-{flavour}", "RESOLVED")
    assert recovery["In-Reply-To"] == problem["Message-ID"]
    assert problem["Message-ID"] in recovery["References"]
    assert "Magnolia" in problem["Subject"]
    assert played.mails_after < 120
    with capsys.disabled():
        print(f"\nmails of both servers {played.mails_after:.0f} s after the fault", end=" ")


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_second_provisioning_changes_nothing(scene: Scene, played: Played, flavour: Flavour) -> None:
    report = scene.provision(flavour, lambda text: None)
    assert (report.created, report.updated) == ([], [])
    assert report.unchanged > 30


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_the_dashboard_opens_without_a_complaint(played: Played, flavour: Flavour) -> None:
    assert played.pictures[flavour] == []
    assert (ARTEFACTS / f"fault-{flavour}.png").stat().st_size > 30_000
