"""The outbox: what is to be sent, what was sent, and why something was not. One SQLite file, one owner.

Nothing is ever deleted here: a message ends as sent or dead. Times are milliseconds UTC. The identity of a message
is unique, so whatever Zabbix or a killed deliverer brings a second time is dropped.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import msgspec

from alert_scripts.alert import Identity
from zabbix_plugins.errors import BadState, Temporary

VERSION = 1

State = Literal["queued", "grouped", "sending", "sent", "unknown", "failed", "dead"]
"""queued: never tried. grouped: told by the message of its incident. sending: the mail server has it, its answer is
awaited. sent: accepted. unknown: the answer was lost. failed: will be tried again. dead: never again, see `reason`."""

_SCHEMA = """
CREATE TABLE message (
    id          INTEGER PRIMARY KEY,
    instance    TEXT NOT NULL,
    event       TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('problem', 'update', 'recovery', 'text')),
    updated     TEXT NOT NULL,
    step        TEXT NOT NULL,
    channel     TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    state       TEXT NOT NULL
                CHECK (state IN ('queued', 'grouped', 'sending', 'sent', 'unknown', 'failed', 'dead')),
    reason      TEXT NOT NULL DEFAULT '',
    attempts    INTEGER NOT NULL DEFAULT 0,
    lost        INTEGER NOT NULL DEFAULT 0,
    next_try    INTEGER NOT NULL,
    written     INTEGER NOT NULL,
    queued      INTEGER NOT NULL,
    changed     INTEGER NOT NULL,
    message_id  TEXT NOT NULL,
    incident    INTEGER,
    note        BLOB NOT NULL,
    UNIQUE (instance, event, kind, updated, step, channel, recipient)
) STRICT;
CREATE INDEX message_open ON message (next_try) WHERE state IN ('queued', 'sending', 'unknown', 'failed');
CREATE INDEX message_thread ON message (instance, event, channel, recipient);
CREATE TABLE thread (
    instance    TEXT NOT NULL,
    event       TEXT NOT NULL,
    channel     TEXT NOT NULL,
    recipient   TEXT NOT NULL,
    anchor      TEXT NOT NULL,
    subject     TEXT NOT NULL,
    started     INTEGER NOT NULL,
    PRIMARY KEY (instance, event, channel, recipient)
) STRICT, WITHOUT ROWID;
CREATE TABLE counter (
    name        TEXT PRIMARY KEY,
    number      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""

_DUE = """
SELECT m.id, m.instance, m.event, m.kind, m.updated, m.step, m.channel, m.recipient, m.state,
       m.attempts, m.queued, m.message_id, t.anchor, t.subject, m.note
FROM message m JOIN thread t USING (instance, event, channel, recipient)
WHERE m.state IN ('queued', 'unknown', 'failed') AND m.next_try <= ? AND m.channel = ? AND NOT EXISTS (
    SELECT 1 FROM message e
    WHERE e.instance = m.instance AND e.event = m.event AND e.channel = m.channel AND e.recipient = m.recipient
    AND e.id < m.id AND e.state IN ('queued', 'sending', 'unknown', 'failed'))
ORDER BY m.id LIMIT ?
"""


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that the outbox may not have yet. `dead`: why it can never be sent, else empty.

    `subject`, `started`: of its thread, should it be the first message there. `written`: when the alert script
    wrote it. `note`: the spool file, byte for byte.
    """

    identity: Identity
    message_id: str
    subject: str
    started: int
    written: int
    note: bytes
    dead: str = ""


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One row, as the deliverer needs it. `anchor`, `subject`: Message-ID and subject of the thread's first message."""

    id: int
    identity: Identity
    state: State
    attempts: int
    queued: int
    message_id: str
    anchor: str
    subject: str
    note: bytes


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """The outbox in numbers. `oldest`: when the oldest message that waits was queued, None if none waits.

    `lost`: answers of the mail server that were lost (each may have made one duplicate). `counters`: see `count`.
    """

    states: dict[str, int]
    oldest: int | None
    lost: int
    counters: dict[str, int]


class Outbox:
    """Opened by the deliverer alone (see `deliver.alone`); readers use `Outbox.standing` on their own connection."""

    def __init__(self, path: Path) -> None:
        """Open, or make, the outbox. Raises `Temporary` (locked, disk) or `BadState` (damaged, newer)."""
        self._path = path
        with self._complaints():
            if not path.exists():
                path.touch(mode=0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=10)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            (version,) = self._db.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise BadState(
                    f"the outbox has schema {version}, this program knows {VERSION}",
                    where=str(path),
                    remedy="run the version that wrote it, or a newer one",
                )
            if version == 0:
                self._db.executescript(f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @contextmanager
    def _complaints(self) -> Iterator[None]:
        """SQLite's errors in words for the operator."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise Temporary(
                f"the outbox cannot be used: {error}",
                where=str(self._path),
                remedy="check free space and permissions of its folder; it is tried again",
            ) from error
        except sqlite3.DatabaseError as error:
            raise BadState(
                f"the outbox is damaged: {error}",
                where=str(self._path),
                remedy="move the file away (its messages are in it) and start again",
            ) from error
        except OSError as error:
            raise Temporary(
                f"the outbox cannot be made: {error.strerror}", where=str(self._path), remedy="check its folder"
            ) from error

    @contextmanager
    def _commit(self) -> Iterator[None]:
        with self._complaints():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def add(self, messages: Sequence[NewMessage], now: int) -> int:
        """Take messages in, all or none; returns how many of them are new. Times of `now`: milliseconds UTC."""
        added = 0
        with self._commit():
            for message in messages:
                identity = message.identity
                cursor = self._db.execute(
                    "INSERT INTO message (instance, event, kind, updated, step, channel, recipient, state, reason,"
                    " next_try, written, queued, changed, message_id, note)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        *msgspec.structs.astuple(identity),
                        "dead" if message.dead else "queued",
                        message.dead,
                        now,
                        message.written,
                        now,
                        now,
                        message.message_id,
                        message.note,
                    ),
                )
                added += cursor.rowcount
                self._db.execute(
                    "INSERT INTO thread VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    (
                        identity.instance,
                        identity.event,
                        identity.channel,
                        identity.recipient,
                        message.message_id,
                        message.subject,
                        message.started,
                    ),
                )
            self._add_up("repeated", len(messages) - added)
        return added

    def due(self, channel: str, now: int, limit: int) -> list[Message]:
        """Messages that may be sent now, in the order of their arrival.

        Of one thread only the first that is still open: a recovery waits behind its problem.
        """
        with self._complaints():
            rows = self._db.execute(_DUE, (now, channel, limit)).fetchall()
        return [
            Message(
                id=row[0],
                identity=msgspec.convert(dict(zip(Identity.__struct_fields__, row[1:8], strict=True)), Identity),
                state=row[8],
                attempts=row[9],
                queued=row[10],
                message_id=row[11],
                anchor=row[12],
                subject=row[13],
                note=row[14],
            )
            for row in rows
        ]

    def abandoned(self, now: int) -> int:
        """Messages in state sending belong to a deliverer that was killed: their answer was lost. How many?"""
        with self._commit():
            number = self._db.execute(
                "UPDATE message SET state = 'unknown', lost = lost + 1, next_try = ?, changed = ?,"
                " reason = 'the deliverer ended before the mail server answered' WHERE state = 'sending'",
                (now, now),
            ).rowcount
        return number

    def sending(self, message: int, now: int) -> None:
        """The mail server is about to get the message: what happens from here on may be unknown."""
        with self._commit():
            self._db.execute(
                "UPDATE message SET state = 'sending', attempts = attempts + 1, changed = ? WHERE id = ?",
                (now, message),
            )

    def settle(self, message: int, state: State, reason: str, *, lost: bool, next_try: int, now: int) -> None:
        """What came of it. `reason`: words for the operator; `lost`: nobody heard the mail server's answer.

        An attempt that ended before `sending` is counted here.
        """
        with self._commit():
            self._db.execute(
                "UPDATE message SET attempts = attempts + (state <> 'sending'), lost = lost + ?,"
                " state = ?, reason = ?, next_try = ?, changed = ? WHERE id = ?",
                (lost, state, reason, next_try, now, message),
            )

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter that outlives restarts (rejected spool files)."""
        with self._commit():
            self._add_up(name, number)

    def _add_up(self, name: str, number: int) -> None:
        if number:
            self._db.execute(
                "INSERT INTO counter VALUES (?, ?) ON CONFLICT DO UPDATE SET number = number + excluded.number",
                (name, number),
            )

    def standing(self) -> Standing:
        """The outbox in numbers."""
        with self._complaints():
            states = dict(self._db.execute("SELECT state, count(*) FROM message GROUP BY state").fetchall())
            (oldest,) = self._db.execute(
                "SELECT min(queued) FROM message WHERE state IN ('queued', 'sending', 'unknown', 'failed')"
            ).fetchone()
            (lost,) = self._db.execute("SELECT coalesce(sum(lost), 0) FROM message").fetchone()
            counters = dict(self._db.execute("SELECT name, number FROM counter").fetchall())
        return Standing(states=states, oldest=oldest, lost=lost, counters=counters)
