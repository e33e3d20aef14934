"""The ledger's tables, and how its file is opened (design, decision 3).

One row of `minutes` or `hours` holds all counters of its span; counters are a msgpack map from small numbers to
counts, the numbers being given out in `counters`. `keys` gives every total, chain, region and store a number.
Registers, of which there are many and little is kept, stand under their own names in `pos` and `pos_minutes`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zabbix_plugins.errors import BadState, Temporary

VERSION = 1

_DDL = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE counters (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE keys (
    id INTEGER PRIMARY KEY, level INTEGER NOT NULL, chain TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (level, chain, name)
);
CREATE TABLE minutes (
    level INTEGER NOT NULL, minute INTEGER NOT NULL, key INTEGER NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (level, minute, key)
) WITHOUT ROWID;
CREATE TABLE hours (
    level INTEGER NOT NULL, hour INTEGER NOT NULL, key INTEGER NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (level, hour, key)
) WITHOUT ROWID;
CREATE TABLE pos_minutes (
    minute INTEGER NOT NULL, chain TEXT NOT NULL, store TEXT NOT NULL, pos TEXT NOT NULL, counts BLOB NOT NULL,
    PRIMARY KEY (minute, chain, store, pos)
) WITHOUT ROWID;
CREATE TABLE windows (key INTEGER PRIMARY KEY, counts BLOB NOT NULL);
CREATE TABLE pos (
    chain TEXT NOT NULL, store TEXT NOT NULL, pos TEXT NOT NULL, seen INTEGER NOT NULL, state BLOB NOT NULL,
    PRIMARY KEY (chain, store, pos)
) WITHOUT ROWID;
CREATE TABLE journals (name TEXT PRIMARY KEY, state BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE outgoing (minute INTEGER PRIMARY KEY, batch BLOB NOT NULL);
"""


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into sentences: locked and full are temporary, damage is not."""
    try:
        yield
    except sqlite3.OperationalError as error:
        text = str(error)
        if text.startswith("no such"):
            raise BadState(
                f"this is no ledger of this version: {text}",
                where=str(path),
                remedy="move the file away; a new ledger is begun and journals still on disk are read again",
            ) from error
        remedy = "it will be tried again"
        if "locked" in text:
            remedy = "another collector holds the ledger; stop it. It will be tried again"
        elif "full" in text:
            remedy = "free some space; it will be tried again and nothing is lost"
        raise Temporary(f"the ledger cannot be written: {text}", where=str(path), remedy=remedy) from error
    except sqlite3.DatabaseError as error:
        raise BadState(
            f"the ledger is damaged: {error}",
            where=str(path),
            remedy="move the file away; a new ledger is begun and journals still on disk are read again",
        ) from error


def open_ledger(path: Path) -> sqlite3.Connection:
    """Open or create the ledger; raises `Temporary` when it is locked, `BadState` when it is damaged or newer.

    Explicit transactions only. `synchronous=NORMAL` is exact here: after a power cut the last commits may be
    gone, but then so are the positions in them, and what they counted is read again.
    """
    with told(path):
        connection = sqlite3.connect(path, timeout=10, isolation_level=None, check_same_thread=False)
        try:
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if version > VERSION:
                raise BadState(
                    f"the ledger has schema {version}, this Tillwatch knows {VERSION}",
                    where=str(path),
                    remedy="upgrade Tillwatch",
                )
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute("PRAGMA cache_size=-65536")
            if version == 0:
                connection.execute("BEGIN IMMEDIATE")
                for statement in _DDL.split(";"):
                    if statement.strip():
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version={VERSION}")
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
    return connection
