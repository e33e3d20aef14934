"""Running a simulation: registers take turns by the time at which each acts next, in real time or faster."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from zabbix_plugins.model.event import Event
from zabbix_plugins.simulator.baskets import Basket, load_baskets
from zabbix_plugins.simulator.estate import SimulatedStore, estate_csv, make_estate
from zabbix_plugins.simulator.faults import Fault, planted
from zabbix_plugins.simulator.journals import Journals
from zabbix_plugins.simulator.till import Till
from zabbix_plugins.simulator.world import TruthLine, World

Profile = Literal["flat", "shop"]
TICK_MS = 200

# Share of a day's receipts by hour, and of a week's by day: two humps at lunch and after work, Friday the fullest.
_HOURS = (1, 1, 1, 1, 1, 2, 5, 12, 22, 30, 36, 42, 48, 50, 46, 44, 48, 60, 72, 70, 55, 35, 15, 4)
_DAYS = (0.92, 0.90, 0.94, 1.0, 1.16, 1.12, 0.96)


class SimulationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is simulated. `receipts_per_minute`: of the whole estate, on average (profile "shop": averaged over a
    week). `dialects`: of the chains, in their order; the last one serves all further chains. `warm_up_minutes`: in
    real time, begin so long ago, so that long windows have something to show.
    """

    folder: Path
    seed: int = 1
    stores: int = 24
    receipts_per_minute: float = 180
    profile: Profile = "flat"
    dialects: tuple[str, ...] = ("jsonl", "set-retail")
    rotate_bytes: int = 1_000_000
    warm_up_minutes: int = 0


class Simulation:
    """Registers that trade from `start` (milliseconds UTC) on; what they write goes to `emit` and `truth`."""

    def __init__(
        self,
        settings: SimulationSettings,
        stores: list[SimulatedStore],
        baskets: list[Basket],
        start: int,
        emit: Callable[[SimulatedStore, Event], None],
        truth: Callable[[TruthLine], None],
    ) -> None:
        self.now = start
        self.world = World(emit, truth)
        registers = sum(len(store.pos) for store in stores)
        lines = sum(len(basket.lines) for basket in baskets) / len(baskets)
        busy_ms = lines * 20_000 / (lines + 8) / 2 + 6_000  # about what Till needs for one customer
        self._pause_ms = max(500.0, registers * 60_000 / settings.receipts_per_minute - busy_ms)
        self._profile = settings.profile
        self._queue: list[tuple[float, int, Iterator[float]]] = []
        for store in stores:
            weight = _weight_of(store, settings.profile)
            for pos in store.pos:
                till = Till(self.world, store, pos, baskets, settings.seed, lambda: self.now, self._gap(weight))
                heapq.heappush(self._queue, (start, len(self._queue), till.trade()))

    def _gap(self, weight: Callable[[int], float]) -> Callable[[int], float]:
        return lambda now: self._pause_ms / max(weight(now), 0.01)

    def advance(self, until: int) -> None:
        """Let everything happen that is due before `until` (milliseconds UTC)."""
        queue = self._queue
        while queue and queue[0][0] < until:
            due, number, till = heapq.heappop(queue)
            self.now = max(self.now, int(due))
            heapq.heappush(queue, (due + next(till), number, till))
        self.now = max(self.now, until)


def _weight_of(store: SimulatedStore, profile: Profile) -> Callable[[int], float]:
    if profile == "flat":
        return lambda now: 1.0
    zone = ZoneInfo(store.zone)
    mean = sum(_HOURS) / len(_HOURS)

    def weight(now: int) -> float:
        local = datetime.fromtimestamp(now / 1000, UTC).astimezone(zone)
        share = local.minute / 60
        hour = _HOURS[local.hour] * (1 - share) + _HOURS[(local.hour + 1) % 24] * share
        return hour / mean * _DAYS[local.weekday()]

    return weight


class TruthFile:
    """The truth on disk: a line is written only after the journals that it speaks of."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "truth.jsonl"
        self._pending: list[bytes] = []
        self._encode = msgspec.json.Encoder().encode

    def take(self, line: TruthLine) -> None:
        """It is on disk after the next `flush`."""
        self._pending.append(self._encode(line) + b"\n")

    def flush(self) -> None:
        """Write out what was taken."""
        if self._pending:
            with self._path.open("ab", buffering=0) as file:
                file.write(b"".join(self._pending))
            self._pending.clear()


def prepare(settings: SimulationSettings, start: int) -> tuple[Simulation, Journals, TruthFile]:
    """A simulation that writes into its folder: estate.csv, journals/, truth/."""
    settings.folder.mkdir(parents=True, exist_ok=True)
    stores = make_estate(settings.seed, settings.stores)
    (settings.folder / "estate.csv").write_text(estate_csv(stores), encoding="utf-8")
    chains = list(dict.fromkeys(store.chain for store in stores))
    dialects = {c: settings.dialects[min(n, len(settings.dialects) - 1)] for n, c in enumerate(chains)}
    journals = Journals(settings.folder / "journals", dialects, settings.rotate_bytes)
    truth = TruthFile(settings.folder / "truth")
    baskets = load_baskets(settings.seed)
    simulation = Simulation(settings, stores, baskets, start, journals.write, truth.take)
    return simulation, journals, truth


def run(
    settings: SimulationSettings,
    *,
    clock: Callable[[], int],
    wait: Callable[[float], bool],
    say: Callable[[str], None],
) -> None:
    """Trade in real time until `wait(seconds)` says that it is time to end. `clock`: milliseconds UTC."""
    simulation, journals, truth = prepare(settings, clock() - settings.warm_up_minutes * 60_000)
    say(f"{settings.stores} stores trade in {settings.folder}")
    looked = 0
    while True:
        now = clock()
        if now - looked >= 1_000:
            looked = now
            _follow_faults(settings.folder, simulation, truth, say)
        simulation.advance(now)
        journals.flush()
        truth.flush()
        if wait(TICK_MS / 1000):
            return


def run_fast(settings: SimulationSettings, *, start: int, minutes: float, say: Callable[[int], None]) -> None:
    """Write `minutes` of trade from `start` (milliseconds UTC) on as fast as possible; `say` is told each minute."""
    simulation, journals, truth = prepare(settings, start)
    for minute in range(math.ceil(minutes)):
        _follow_faults(settings.folder, simulation, truth, lambda text: None)
        simulation.advance(start + int(min(minute + 1, minutes) * 60_000))
        journals.flush()
        truth.flush()
        say(minute + 1)


def _follow_faults(folder: Path, simulation: Simulation, truth: TruthFile, say: Callable[[str], None]) -> None:
    faults = planted(folder)
    before = simulation.world.faults
    for word, changed in (("ended", before), ("planted", faults)):
        other = faults if word == "ended" else before
        for fault in changed:
            if fault not in other:
                say(f"fault {fault.name} {word}")
                _tell(truth, fault, word, simulation.now)
    simulation.world.faults = faults


def _tell(truth: TruthFile, fault: Fault, word: str, now: int) -> None:
    truth.take(
        TruthLine(
            kind="fault",
            time=now,
            chain=fault.chain,
            region=fault.region,
            store=fault.store,
            label=f"{fault.name} {word}",
        )
    )
