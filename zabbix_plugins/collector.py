"""The collector: assembles journal sources, readers, ledger and documents, and knows nothing of their insides.

One pass looks at every journal, reads what is new, and commits at least every few seconds. When a pass has come
to the end of every reachable journal, the minutes whose end plus grace lay before its beginning are closed
(design, decision 4), and documents are published for the last of them.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from zabbix_plugins.errors import BadState, Permanent, Temporary
from zabbix_plugins.ledger.accounts import Accounts
from zabbix_plugins.ledger.ledger import Ledger
from zabbix_plugins.model.clock import ClockWatch
from zabbix_plugins.model.dictionary import ErrorDictionary
from zabbix_plugins.model.journal import Carry, Origin, Reader
from zabbix_plugins.model.window import MINUTE_MS
from zabbix_plugins.publish.board import Standing, make_documents, publish_all
from zabbix_plugins.publish.trapper import Pusher
from zabbix_plugins.sources.files import FollowedJournals, Journal
from zabbix_plugins.sources.generations import JournalState

CHUNK_BYTES = 1 << 20
COMMIT_BYTES = 32 << 20
"""A commit is made after so many bytes at the latest: about one second of one processor."""

ReaderFactory = Callable[[Origin], Reader[Carry]]
_log = logging.getLogger(__name__)


class StoredJournal(msgspec.Struct, frozen=True, array_like=True):
    """What the ledger keeps of one journal: where the source stands in it, and the reader's carry (msgpack)."""

    version: int
    position: JournalState
    carry: bytes


class Family(msgspec.Struct, frozen=True):
    """One configured family of journals with the reader for it."""

    journals: FollowedJournals
    make_reader: ReaderFactory


class Publication(msgspec.Struct, frozen=True, kw_only=True):
    """Where documents go and how they are signed; `pusher` is None when nothing is pushed."""

    documents: Path
    name: str
    language: str
    pusher: Pusher | None = None


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass did."""

    bytes_read: int
    closed: list[int]


def hold(folder: Path) -> int:
    """Hold the data folder for this collector alone; returns the descriptor that holds it until it is closed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / "collector.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Permanent(
            f"the data folder cannot be used: {error.strerror}", where=str(folder), remedy="check its permissions"
        ) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise Permanent(
            "another collector works in this data folder", where=str(folder), remedy="stop it, or give another folder"
        ) from error
    return descriptor


class Collector:
    """Reads journals into one ledger and publishes what it says. `clock` gives milliseconds UTC, `steady` those of a
    clock that nobody sets.

    `at` is told the points at which tests kill the program.
    """

    def __init__(
        self,
        ledger: Ledger,
        families: Sequence[Family],
        dictionary: ErrorDictionary,
        publication: Publication,
        *,
        grace_ms: int,
        clock: Callable[[], int],
        steady: Callable[[], int],
        at: Callable[[str], None] = lambda point: None,
    ) -> None:
        self._ledger = ledger
        self._families = families
        self._dictionary = dictionary
        self._publication = publication
        self._grace_ms = grace_ms
        self._clock = clock
        self._steady = steady
        self._watch = ClockWatch()
        self._doubt = False
        self._at = at
        self._accounts = Accounts(dictionary, ledger.pos_state)
        self._accounts.closed = -1 if ledger.closed is None else ledger.closed
        self._readers: dict[str, Reader[Carry]] = {}
        self._carries: dict[str, Carry] = {}
        self._stored: dict[str, bytes] = {}
        self._moved: dict[str, tuple[Family, Journal]] = {}
        self._unsaid = ledger.closed is not None
        states = {name: _stored(name, packed, ledger.path) for name, packed in ledger.journal_states().items()}
        self._stored = {name: state.carry for name, state in states.items()}
        for family in families:
            family.journals.restore({name: state.position for name, state in states.items()})

    def close(self) -> None:
        """Close the ledger; what was not committed is read again by the next collector."""
        self._ledger.close()

    def make_pass(self) -> Pass:
        """Read all that is new, commit, close minutes, publish. Raises `Temporary` when a commit or a document
        failed; nothing is lost, and the next pass goes on.
        """
        if self._moved:  # the last commit failed: that first, so that nothing piles up while the disk is full
            self._commit(None)
        began = self._clock()
        self._judge_clock(began)
        total = pending = 0
        journals = unreachable = unsettled = 0
        for family in self._families:
            for journal in family.journals.poll(began):
                while (read := self._read_chunk(family, journal)) is not None:
                    total += read
                    pending += read
                    if pending >= COMMIT_BYTES:
                        self._commit(None)
                        pending = 0
            for notice in family.journals.take_notices():
                self._accounts.note(notice.kind)
                if notice.kind == "lost":
                    self._accounts.note("gaps")
            journals += family.journals.known
            unreachable += family.journals.unreachable
            unsettled += family.journals.unsettled
        # a journal in the middle of a rotation was not read to its end, and no minute is closed over its head
        closed = self._commit(None if unsettled or self._doubt else (began - self._grace_ms) // MINUTE_MS - 1)
        if closed or self._unsaid:
            self._unsaid = True
            self._publish(Standing(journals=journals, unreachable=unreachable))
            self._unsaid = False
        return Pass(bytes_read=total, closed=closed)

    def _judge_clock(self, now: int) -> None:
        doubt = self._watch.doubtful(now, self._steady())
        if doubt != self._doubt:
            self._doubt = doubt
            _log.warning(
                "the clock was set forward: no minute is closed until it is set back or five minutes have passed"
                if doubt
                else "the clock is believed again"
            )

    def _read_chunk(self, family: Family, journal: Journal) -> int | None:
        chunk = family.journals.next_chunk(journal, CHUNK_BYTES)
        if chunk is None:
            return None
        name = journal.name
        reader = self._readers.get(name)
        if reader is None:
            reader = self._readers[name] = family.make_reader(journal.origin)
            stored = self._stored.pop(name, None)
            self._carries[name] = reader.begin() if stored is None else _carry(reader, stored, name, self._ledger.path)
        reading = reader.read(self._carries[name], chunk)
        self._accounts.take(reading.events, chunk.arrival)
        self._accounts.note("bytes", reading.consumed)
        self._accounts.note("lines", reading.lines)
        self._accounts.note("unknown_lines", reading.unknown)
        if reading.rejects:
            self._accounts.note("rejects", len(reading.rejects))
            for reject in reading.rejects:
                self._accounts.note(f"reject:{reject.reason}")
            _log.warning("%s: %s at byte %d", journal.name, reading.rejects[0].reason, reading.rejects[0].offset)
        self._carries[name] = reading.carry
        family.journals.advance(journal, chunk, reading.consumed)
        self._moved[name] = (family, journal)
        return reading.consumed or None

    def _commit(self, close_through: int | None) -> list[int]:
        states = {
            name: msgspec.msgpack.encode(
                StoredJournal(1, family.journals.state(journal), msgspec.msgpack.encode(self._carries[name]))
            )
            for name, (family, journal) in self._moved.items()
        }
        pusher = self._publication.pusher
        closed = self._ledger.commit(
            self._accounts,
            states,
            now=self._clock(),
            close_through=close_through,
            pushed=pusher.done() if pusher else None,
            at=self._at,
        )
        self._moved.clear()
        if pusher is not None:
            pusher.offer(self._ledger.outgoing(limit=8))
        return closed

    def _publish(self, standing: Standing) -> None:
        if self._ledger.closed is None:
            return
        documents = make_documents(
            self._ledger,
            self._dictionary,
            standing,
            name=self._publication.name,
            language=self._publication.language,
            now=self._clock() // 1000,
        )
        publish_all(self._publication.documents, documents)


def _stored(name: str, packed: bytes, where: Path) -> StoredJournal:
    try:
        return msgspec.msgpack.decode(packed, type=StoredJournal)
    except msgspec.MsgspecError as error:
        raise BadState(
            f"the state of journal {name} cannot be read: {error}",
            where=str(where),
            remedy="restore the ledger from a backup or move it away",
        ) from error


def _carry(reader: Reader[Carry], stored: bytes, name: str, where: Path) -> Carry:
    try:
        return msgspec.msgpack.decode(stored, type=reader.carry_type)
    except msgspec.MsgspecError as error:
        raise BadState(
            f"what the reader remembered of journal {name} cannot be read: {error}",
            where=str(where),
            remedy="restore the ledger from a backup or move it away",
        ) from error


def run(collector: Collector, *, pause: Callable[[], bool]) -> None:
    """Make passes until `pause`, which waits between two of them, says that it is time to stop.

    What may pass by itself (a locked ledger, a full disk) is said once and tried again.
    """
    trouble = ""
    while True:
        try:
            collector.make_pass()
        except Temporary as error:
            if str(error) != trouble:
                trouble = str(error)
                _log.error("%s", error)
        else:
            if trouble:
                _log.warning("going on: the trouble is over (%s)", trouble)
                trouble = ""
        if pause():
            return
