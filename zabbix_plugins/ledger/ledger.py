"""The ledger itself: one commit for everything that must agree, and what can be read from it.

The commit is one function, `Ledger.commit`: counters, the state of every POS that moved, the position and carry
of every journal, the facts about the collector, and the closing of minutes with all windows that end there go
into one transaction (design, decision 3). Killed before, inside or after it, the file holds a state from which
reading goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from zabbix_plugins.errors import BadState
from zabbix_plugins.ledger.accounts import DAY_MS, MEMORY_DAYS, Accounts, PosKey
from zabbix_plugins.ledger.counts import CounterNames, Counts, add, take_away
from zabbix_plugins.ledger.schema import open_ledger, told
from zabbix_plugins.model.estate import Estate
from zabbix_plugins.model.receipt import ERROR, PosState
from zabbix_plugins.model.window import MINUTE_MS, WINDOWS

Level = Literal["total", "chain", "region", "store"]
_LEVELS: tuple[Level, ...] = ("total", "chain", "region", "store")

_KEEP_MINUTES = {"total": 8 * 1440, "chain": 8 * 1440, "region": 8 * 1440, "store": 26 * 60}
_KEEP_HOURS = {"total": 400 * 24, "chain": 400 * 24, "region": 400 * 24, "store": 35 * 24}
_KEEP_POS_MINUTES = 120
_STORE_CODES = 50
_KEEP_OUTGOING = 1440

Key = tuple[Level, str, str]
"""(level, chain, region or store): ("total", "", ""), ("chain", "c", ""), ("region", "c", "r"), ("store", "c", "s")."""

TOTAL: Key = ("total", "", "")

_encode_state = msgspec.msgpack.Encoder().encode
_decode_state = msgspec.msgpack.Decoder(PosState).decode


class StoreWindows(msgspec.Struct, frozen=True, array_like=True):
    """Counts of one store in every window that ends with one closed minute; waits to be pushed to Zabbix."""

    chain: str
    store: str
    windows: dict[str, Counts]


class Outgoing(msgspec.Struct, frozen=True, array_like=True):
    """What one closed minute has to tell Zabbix about stores."""

    minute: int
    stores: list[StoreWindows]


def _nowhere(point: str) -> None:
    """The default for `at`: nobody watches the commit."""


class Ledger:
    """One collector's ledger; owns its file. Not for use by several threads at once.

    `closed` is the last closed minute, None in a new ledger.
    """

    def __init__(self, path: Path, estate: Estate, *, push_stores: bool = False) -> None:
        self.path = path
        self.estate = estate
        self._push_stores = push_stores
        self._connection = open_ledger(path)
        self._read_all()

    def close(self) -> None:
        """Close the file; nothing that was committed depends on this being called."""
        self._connection.close()

    # what is known ------------------------------------------------------------------------------------------

    def _read_all(self) -> None:
        with told(self.path):
            rows = self._connection.execute
            self.facts: Counts = dict(rows("SELECT name, value FROM facts"))
            self._names = CounterNames(self._connection)
            self._ids: dict[Key, int] = {}
            self._keys: dict[int, Key] = {}
            for number, level, chain, name in rows("SELECT id, level, chain, name FROM keys"):
                key: Key = (_LEVELS[level], chain, name)
                self._ids[key], self._keys[number] = number, key
            self.closed: int | None = self.facts.get("closed")
            self._open: dict[int, dict[int, Counts]] = {}
            first = -1 if self.closed is None else self.closed
            for level in range(len(_LEVELS)):
                for minute, number, packed in rows(
                    "SELECT minute, key, counts FROM minutes WHERE level = ? AND minute > ?", (level, first)
                ):
                    self._open.setdefault(minute, {})[number] = self._names.unpack(packed)
            self._windows: dict[int, dict[str, Counts]] = {}
            for number, packed in rows("SELECT key, counts FROM windows"):
                parts = msgspec.msgpack.decode(packed, type=list[bytes])
                self._windows[number] = {
                    window: self._names.unpack(part) for window, part in zip(WINDOWS, parts, strict=True)
                }

    def pos_state(self, key: PosKey) -> PosState | None:
        """The stored state of one POS (chain, store, pos); None if it was never seen."""
        with told(self.path):
            row = self._connection.execute(
                "SELECT state FROM pos WHERE chain = ? AND store = ? AND pos = ?", key
            ).fetchone()
        if row is None:
            return None
        try:
            return _decode_state(row[0])
        except msgspec.MsgspecError as error:
            raise BadState(
                f"the state of POS {'/'.join(key)} cannot be read: {error}",
                where=str(self.path),
                remedy="restore the ledger from a backup or move it away",
            ) from error

    def journal_states(self) -> dict[str, bytes]:
        """Position and carry of every journal, as they were committed."""
        with told(self.path):
            return dict(self._connection.execute("SELECT name, state FROM journals"))

    def windows(self, key: Key) -> Mapping[str, Counts]:
        """Window name → counts, for windows that end with the last closed minute; empty counts when nothing was."""
        number = self._ids.get(key)
        known = self._windows.get(number) if number is not None else None
        return known if known is not None else {window: {} for window in WINDOWS}

    def keys(self, level: Level, chain: str = "") -> list[Key]:
        """Every key of a level (of one chain) that ever counted something, sorted."""
        return sorted(key for key in self._ids if key[0] == level and (not chain or key[1] == chain))

    def minutes(self, key: Key, first: int, last: int) -> Iterator[tuple[int, Counts]]:
        """(minute, counts) of a key from minute `first` to `last`, both included, where there is something."""
        number = self._ids.get(key)
        with told(self.path):
            for minute, packed in self._connection.execute(
                "SELECT minute, counts FROM minutes WHERE level = ? AND key = ? AND minute BETWEEN ? AND ?"
                " ORDER BY minute",
                (_LEVELS.index(key[0]), number, first, last),
            ):
                yield minute, self._names.unpack(packed)

    def pos_minutes(self, key: PosKey, first: int, last: int) -> Iterator[tuple[int, Counts]]:
        """(minute, counts) of one POS from minute `first` to `last`, both included; kept for two hours."""
        with told(self.path):
            for minute, packed in self._connection.execute(
                "SELECT minute, counts FROM pos_minutes WHERE minute BETWEEN ? AND ?"
                " AND chain = ? AND store = ? AND pos = ? ORDER BY minute",
                (first, last, *key),
            ):
                yield minute, self._names.unpack(packed)

    def codes(self) -> list[str]:
        """Every error code that was ever counted."""
        return [name.removeprefix(ERROR) for name in self._names.names(ERROR)]

    def outgoing(self, limit: int) -> list[Outgoing]:
        """The oldest batches that wait to be pushed, at most `limit`."""
        with told(self.path):
            return [
                msgspec.msgpack.decode(batch, type=Outgoing)
                for (batch,) in self._connection.execute("SELECT batch FROM outgoing ORDER BY minute LIMIT ?", (limit,))
            ]

    # the commit ---------------------------------------------------------------------------------------------

    def commit(
        self,
        accounts: Accounts,
        journals: Mapping[str, bytes],
        *,
        now: int,
        close_through: int | None = None,
        pushed: int | None = None,
        at: Callable[[str], None] = _nowhere,
    ) -> list[int]:
        """Write everything that belongs together, in one transaction; return the minutes that it closed.

        `journals`: name → state of the journals that moved. `now`: milliseconds UTC. `close_through`: the last
        minute to close. `pushed`: outgoing batches up to this minute have reached Zabbix and can go. `at` is told
        the points at which tests kill this program. On `Temporary` nothing was written, `accounts` is as before,
        and the same call can be made again.
        """
        at("built")
        sql = self._connection.execute
        with told(self.path):
            try:
                sql("BEGIN IMMEDIATE")
                at("before commit")
                self._write_pos_minutes(accounts)
                self._write_counts(self._roll_up(accounts))
                closed = self._close(close_through) if close_through is not None else []
                self._write_states(accounts, journals, now)
                if pushed is not None:
                    sql("DELETE FROM outgoing WHERE minute <= ?", (pushed,))
                self._write_facts(accounts.facts)
                at("inside commit")
                sql("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    sql("ROLLBACK")
                self._read_all()
                raise
        accounts.clear()
        if self.closed is not None:
            accounts.closed = self.closed
        at("after commit")
        return closed

    def _id(self, key: Key) -> int:
        number = self._ids.get(key)
        if number is None:
            cursor = self._connection.execute(
                "INSERT INTO keys (level, chain, name) VALUES (?, ?, ?)",
                (_LEVELS.index(key[0]), key[1], key[2]),
            )
            assert cursor.lastrowid is not None
            number = cursor.lastrowid
            self._ids[key], self._keys[number] = number, key
        return number

    def _roll_up(self, accounts: Accounts) -> dict[int, dict[int, Counts]]:
        """minute → key → counts, for stores and all levels above them."""
        result: dict[int, dict[int, Counts]] = {}
        total = self._id(TOTAL)
        for minute, registers in accounts.deltas.items():
            rows = result[minute] = {}
            for (chain, store, _), counts in registers.items():
                region = self.estate.region_of(chain, store)
                for key in (("store", chain, store), ("region", chain, region), ("chain", chain, "")):
                    add(rows.setdefault(self._id(key), {}), counts)
                add(rows.setdefault(total, {}), counts)
        return result

    def _write_pos_minutes(self, accounts: Accounts) -> None:
        if not accounts.deltas:
            return
        oldest = max(max(accounts.deltas), self.closed or 0) - _KEEP_POS_MINUTES
        rows = []
        for minute, registers in accounts.deltas.items():
            if minute <= oldest:
                continue
            for key, counts in registers.items():
                known = next(self.pos_minutes(key, minute, minute), None)
                if known is not None:
                    add(known[1], counts)
                rows.append((minute, *key, self._names.pack(known[1] if known else counts)))
        self._connection.executemany("INSERT OR REPLACE INTO pos_minutes VALUES (?, ?, ?, ?, ?)", rows)

    def _write_minute(self, minute: int, number: int, counts: Counts) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO minutes (level, minute, key, counts) VALUES (?, ?, ?, ?)",
            (_LEVELS.index(self._keys[number][0]), minute, number, self._names.pack(counts)),
        )

    def _write_counts(self, additions: dict[int, dict[int, Counts]]) -> None:
        for minute, rows in additions.items():
            if self.closed is not None and minute <= self.closed:
                self._correct(minute, rows)
                continue
            known = self._open.setdefault(minute, {})
            for number, counts in rows.items():
                merged = known.setdefault(number, {})
                add(merged, counts)
                self._write_minute(minute, number, merged)

    def _correct(self, minute: int, rows: dict[int, Counts]) -> None:
        """Late events: the closed minute, its hour and the windows that still reach back to it are put right."""
        assert self.closed is not None
        for number, counts in rows.items():
            level = _LEVELS.index(self._keys[number][0])
            row = self._connection.execute(
                "SELECT counts FROM minutes WHERE level = ? AND minute = ? AND key = ?", (level, minute, number)
            ).fetchone()
            merged = self._names.unpack(row[0]) if row else {}
            add(merged, counts)
            self._write_minute(minute, number, merged)
            windows = self._windows.setdefault(number, {window: {} for window in WINDOWS})
            for window, length in WINDOWS.items():
                if self.closed - length < minute:
                    add(windows[window], counts)
            self._write_windows(number)
        self._add_to_hour(minute, rows)

    def _add_to_hour(self, minute: int, rows: Mapping[int, Counts]) -> None:
        hour = minute // 60
        for number, counts in rows.items():
            level = self._keys[number][0]
            place = (_LEVELS.index(level), hour, number)
            row = self._connection.execute(
                "SELECT counts FROM hours WHERE level = ? AND hour = ? AND key = ?", place
            ).fetchone()
            merged = self._names.unpack(row[0]) if row else {}
            add(merged, counts)
            if level == "store":
                _fold_codes(merged)
            self._connection.execute(
                "INSERT OR REPLACE INTO hours (level, hour, key, counts) VALUES (?, ?, ?, ?)",
                (*place, self._names.pack(merged)),
            )

    def _write_windows(self, number: int) -> None:
        packed = [self._names.pack(self._windows[number][window]) for window in WINDOWS]
        self._connection.execute(
            "INSERT OR REPLACE INTO windows (key, counts) VALUES (?, ?)", (number, msgspec.msgpack.encode(packed))
        )

    # closing minutes ----------------------------------------------------------------------------------------

    def _close(self, through: int) -> list[int]:
        if self.closed is None:
            first = min(self._open, default=through)
            self.closed = min(first, through) - 1
        closed = []
        for minute in range(self.closed + 1, through + 1):
            self._close_minute(minute)
            closed.append(minute)
        if closed:
            self._prune(closed[-1])
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES ('closed', ?)", (self.closed,))
        return closed

    def _close_minute(self, minute: int) -> None:
        rows = self._open.pop(minute, {})
        self.closed = minute
        changed = set(rows) | self._windows_of_one_minute()
        for number, counts in rows.items():
            windows = self._windows.setdefault(number, {window: {} for window in WINDOWS})
            for window, length in WINDOWS.items():
                if length > 1:
                    add(windows[window], counts)
        for window, length in WINDOWS.items():
            if length > 1:
                for number, counts in self._minute_rows(minute - length):
                    take_away(self._windows[number][window], counts)
                    changed.add(number)
        for number in changed:
            self._windows[number]["1m"] = dict(rows.get(number, {}))
            self._write_windows(number)
        self._add_to_hour(minute, rows)
        if self._push_stores:
            self._queue(minute)

    def _windows_of_one_minute(self) -> set[int]:
        """Keys whose one-minute window is not empty and must be emptied when the minute has passed."""
        return {number for number, windows in self._windows.items() if windows["1m"]}

    def _minute_rows(self, minute: int) -> list[tuple[int, Counts]]:
        return [
            (number, self._names.unpack(packed))
            for level in range(len(_LEVELS))
            for number, packed in self._connection.execute(
                "SELECT key, counts FROM minutes WHERE level = ? AND minute = ?", (level, minute)
            )
        ]

    def _queue(self, minute: int) -> None:
        stores = [
            StoreWindows(chain=key[1], store=key[2], windows=self._windows[number])
            for number, key in self._keys.items()
            if key[0] == "store" and number in self._windows
        ]
        if stores:
            batch = msgspec.msgpack.encode(Outgoing(minute=minute, stores=stores))
            self._connection.execute("INSERT OR REPLACE INTO outgoing (minute, batch) VALUES (?, ?)", (minute, batch))

    def _prune(self, minute: int) -> None:
        sql = self._connection.execute
        for number, level in enumerate(_LEVELS):
            sql("DELETE FROM minutes WHERE level = ? AND minute <= ?", (number, minute - _KEEP_MINUTES[level]))
            sql("DELETE FROM hours WHERE level = ? AND hour <= ?", (number, minute // 60 - _KEEP_HOURS[level]))
        sql("DELETE FROM pos_minutes WHERE minute <= ?", (minute - _KEEP_POS_MINUTES,))
        lost = sql("DELETE FROM outgoing WHERE minute <= ?", (minute - _KEEP_OUTGOING,)).rowcount
        if lost:
            self._write_facts({"outgoing_lost": lost})

    # states -------------------------------------------------------------------------------------------------

    def _write_states(self, accounts: Accounts, journals: Mapping[str, bytes], now: int) -> None:
        horizon = now - (MEMORY_DAYS + 1) * DAY_MS
        rows = []
        for (chain, store, pos), state in accounts.dirty.items():
            state.receipts.forget(horizon)
            rows.append((chain, store, pos, state.seen, _encode_state(state)))
        self._connection.executemany("INSERT OR REPLACE INTO pos VALUES (?, ?, ?, ?, ?)", rows)
        self._connection.executemany("INSERT OR REPLACE INTO journals VALUES (?, ?)", journals.items())

    def _write_facts(self, additions: Mapping[str, int]) -> None:
        for name, number in additions.items():
            self._connection.execute(
                "INSERT INTO facts (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                (name, number),
            )
            self.facts[name] = self.facts.get(name, 0) + number

    def last_minute(self) -> int | None:
        """The youngest minute that has counts, closed or not; None in an empty ledger."""
        return max(self._open, default=self.closed)


def _fold_codes(counts: Counts) -> None:
    """Keep the 50 largest error codes of a store's hour; the rest is added to OTHER (design, decision 3, tiers)."""
    codes = [name for name in counts if name.startswith(ERROR)]
    if len(codes) <= _STORE_CODES:
        return
    codes.sort(key=lambda name: (-counts[name], name))
    for name in codes[_STORE_CODES:]:
        counts[ERROR + "OTHER"] = counts.get(ERROR + "OTHER", 0) + counts.pop(name)


__all__ = ["MINUTE_MS", "TOTAL", "Key", "Ledger", "Level", "Outgoing", "StoreWindows"]
