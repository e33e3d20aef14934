"""A small chain of stores that trades into JSON-lines journals, rotates them, and remembers the truth.

It is independent of the simulator: what the kill tests compare against is a plain count of what was written.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path

STORES = ("1001", "1002", "1003")
POS = ("1", "2")
ROTATE_AT = 24_000
KEEP = 400
"""So many generations stay on disk: more than a test ever makes, so nothing is lost unread."""


class Till:
    """One register: appends receipts to its journal and rotates it by rename."""

    def __init__(self, folder: Path, store: str, pos: str, seed: int) -> None:
        self.path = folder / "m" / store / pos / "journal.jsonl"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.store, self.pos = store, pos
        self.rng = random.Random(f"{seed} {store} {pos}")
        self.seq = self.receipt = 0
        self.generation = 0

    def write_receipt(self, now: int, truth: Counter[tuple[str, str]]) -> None:
        """Append one whole receipt that closes at `now` (milliseconds UTC), in a few separate writes."""
        self.receipt += 1
        kind = self.rng.choices(("plain", "served", "hit", "recovered"), (3, 5, 1, 1))[0]
        events: list[dict[str, object]] = [{"event": "receipt_opened"}]
        events += [{"event": "article_scanned", "barcode": "4600000000017"} for _ in range(self.rng.randrange(1, 9))]
        if kind != "plain":
            events.append({"event": "card_read", "card": f"22000000{self.receipt:08d}"})
            call = {"operation": "calculate", "operation_id": f"{self.store}-{self.pos}-{self.receipt}"}
            code = "LOY.OK" if kind == "served" else "LOY.TIMEOUT"
            events += [{"event": "loyalty_request", **call}, {"event": "loyalty_response", **call, "code": code}]
            if kind == "recovered":
                call = {**call, "operation_id": f"{call['operation_id']}-2"}
                events += [{"event": "loyalty_request", **call}, {"event": "loyalty_response", **call}]
        events.append({"event": "receipt_closed", "total": "10.00"})
        with self.path.open("ab", buffering=0) as file:
            for event in events:
                self.seq += 1
                head = {"time": now, "shift": 1, "receipt": self.receipt, "seq": self.seq}
                line = json.dumps({**event, **head}).encode() + b"\n"
                half = self.rng.randrange(len(line)) if self.rng.random() < 0.05 else len(line)
                file.write(line[:half])
                file.write(line[half:])
        truth["receipts", self.store] += 1
        if kind != "plain":
            truth["transactions", self.store] += 1
        if kind in ("hit", "recovered"):
            truth[kind, self.store] += 1
            truth["error:LOY.TIMEOUT", self.store] += 1
        if self.path.stat().st_size > ROTATE_AT:
            self.rotate()

    def rotate(self) -> None:
        """journal.jsonl becomes .1, .1 becomes .2, and so on."""
        for number in range(min(self.generation, KEEP), 0, -1):
            self.path.with_name(f"journal.jsonl.{number}").rename(self.path.with_name(f"journal.jsonl.{number + 1}"))
        self.path.rename(self.path.with_name("journal.jsonl.1"))
        self.generation += 1


def open_tills(folder: Path, seed: int) -> list[Till]:
    """All registers of the chain "m"."""
    return [Till(folder, store, pos, seed) for store in STORES for pos in POS]
