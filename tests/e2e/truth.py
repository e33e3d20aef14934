"""What Zabbix should show, computed from the simulator's truth alone: plain Python over its lines, none of ours."""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_left
from collections import defaultdict
from pathlib import Path

Z = 1.6448536269514722
LENGTH = {"1m": 1, "5m": 5, "1h": 60, "6h": 360, "1d": 1440}
COUNTED = ("transactions", "hit", "recovered", "receipts")

Key = tuple[str, str, str]
"""("total", "", ""), ("chain", "c", ""), ("region", "c", "r"), ("store", "c", "s")."""


class Truth:
    """Receipts and errors that were really written, ready to be counted over any span."""

    def __init__(self, folder: Path, estate: Path) -> None:
        with estate.open(newline="", encoding="utf-8") as file:
            region = {(row["chain"], row["store"]): row["region"] for row in csv.DictReader(file)}
        self._times: dict[tuple[Key, str], list[int]] = defaultdict(list)
        for path in sorted((folder / "truth").glob("*.jsonl")):
            for text in path.read_text(encoding="utf-8").splitlines():
                line = json.loads(text)
                if line["kind"] == "fault":
                    continue
                chain, store = line["chain"], line["store"]
                keys: list[Key] = [
                    ("total", "", ""),
                    ("chain", chain, ""),
                    ("region", chain, region[chain, store]),
                    ("store", chain, store),
                ]
                for name, time in self._counted(line):
                    for key in keys:
                        self._times[key, name].append(time)
        for times in self._times.values():
            times.sort()

    def keys(self) -> list[Key]:
        """Everything that anything was counted for."""
        return sorted({key for key, _ in self._times})

    @staticmethod
    def _counted(line: dict[str, object]) -> list[tuple[str, int]]:
        found: list[tuple[str, int]] = []
        if line.get("training"):
            return found
        if line["kind"] == "receipt":
            names = ["receipts"]
            if line["loyalty"]:
                names += ["transactions"] + [name for name in ("hit", "recovered") if line[name]]
            found += [(name, int(str(line["time"]))) for name in names]
        codes = line.get("codes", [])
        assert isinstance(codes, list)
        return found + [(f"error:{code}", int(time)) for time, code in codes]

    def count(self, key: Key, name: str, window: str, window_end: int) -> int:
        """How often `name` happened in the window that ends at `window_end` (seconds UTC)."""
        times = self._times.get((key, name), [])
        end = window_end * 1000
        return bisect_left(times, end) - bisect_left(times, end - LENGTH[window] * 60_000)

    def values(self, key: Key, window: str, window_end: int) -> dict[str, float]:
        """Every value of the family "availability" that should stand in Zabbix; absent ones are absent."""
        counts: dict[str, float] = {name: self.count(key, name, window, window_end) for name in COUNTED}
        n, bad = counts["transactions"], counts["hit"]
        if n:
            p = (n - bad) / n
            middle = p + Z * Z / (2 * n)
            spread = Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
            counts["availability"] = 100 * p
            counts["availability.lower"] = 100 * (middle - spread) / (1 + Z * Z / n)
            counts["availability.upper"] = 100 * (middle + spread) / (1 + Z * Z / n)
        return counts
