"""Counters of one span of time: named whole numbers, added up, taken away, and packed small."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

import msgspec

Counts = dict[str, int]


def add(into: Counts, more: Mapping[str, int]) -> None:
    """Add `more` to `into`, in place."""
    for name, number in more.items():
        into[name] = into.get(name, 0) + number


def take_away(from_: Counts, less: Mapping[str, int]) -> None:
    """Subtract `less` from `from_`, in place; counters that come to zero disappear."""
    for name, number in less.items():
        rest = from_.get(name, 0) - number
        if rest:
            from_[name] = rest
        else:
            from_.pop(name, None)


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(dict[int, int]).decode


class CounterNames:
    """The numbers that stand for counters' names in packed counts. New names are given one when first packed."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        for number, name in connection.execute("SELECT id, name FROM counters"):
            self._numbers[name], self._names[number] = number, name

    def names(self, prefix: str) -> list[str]:
        """Every counter ever packed whose name begins with `prefix`."""
        return sorted(name for name in self._numbers if name.startswith(prefix))

    def pack(self, counts: Mapping[str, int]) -> bytes:
        """Counts as msgpack; writes new names to the ledger, within the transaction that is open."""
        numbers = self._numbers
        try:
            return _encode({numbers[name]: count for name, count in counts.items()})
        except KeyError:
            for name in counts:
                if name not in numbers:
                    cursor = self._connection.execute("INSERT INTO counters (name) VALUES (?)", (name,))
                    assert cursor.lastrowid is not None
                    numbers[name], self._names[cursor.lastrowid] = cursor.lastrowid, name
            return _encode({numbers[name]: count for name, count in counts.items()})

    def unpack(self, packed: bytes) -> Counts:
        """The inverse of `pack`."""
        names = self._names
        return {names[number]: count for number, count in _decode(packed).items()}
