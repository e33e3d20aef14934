"""Following many growing files: rotation, truncation, copies, files that go and come back.

A *journal* is one stream: the files of one folder that share a base name. They are read from the oldest to the
newest, so that a reader's carry goes through rotations. Nothing is remembered on disk here: `state` gives what the
ledger commits with the counts, `restore` takes it back.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping

import msgspec

from zabbix_plugins.model.journal import Chunk, Origin
from zabbix_plugins.sources.generations import (
    HEAD_BYTES,
    TAIL_BYTES,
    Generation,
    JournalState,
    base_name,
    digest,
    recognise,
)
from zabbix_plugins.sources.patterns import FoundFile, JournalPattern

_log = logging.getLogger(__name__)
KEEP_ABSENT = 4
"""So many generations that are on disk no more are remembered, in case they come back."""

PATIENCE = 3
"""So many looks a journal may be found in the middle of a rotation before it is taken as it is."""


class SourceNotice(msgspec.Struct, frozen=True):
    """Something that the collector should count. `kind`: unreachable, truncated, rewritten, lost."""

    kind: str
    path: str
    detail: str


class _Place(msgspec.Struct):
    """Where a generation lies now."""

    path: str
    sort: tuple[int, int, str]
    seen: tuple[int, int, int]
    size: int
    modified: int
    generation: Generation | None


class Journal:
    """One stream of a family of journals; `name` is unique and stable, `origin` its place in the estate."""

    def __init__(self, name: str, origin: Origin, state: JournalState) -> None:
        self.name = name
        self.origin = origin
        self.generations = state.generations
        self.places: dict[str, _Place] = {}
        self.began = bool(state.generations)
        self.blocked = False
        self.unsettled = 0


class FollowedJournals:
    """All journals that one pattern finds. `name` sets its journals apart from those of other patterns."""

    def __init__(self, name: str, pattern: JournalPattern) -> None:
        self.unreachable = 0
        self.unsettled = 0
        self._name = name
        self._pattern = pattern
        self._journals: dict[str, Journal] = {}
        self._states: dict[str, JournalState] = {}
        self._notices: list[SourceNotice] = []
        self._said: set[str] = set()
        self._now = 0

    @property
    def known(self) -> int:
        """How many journals there are."""
        return len(self._journals)

    def restore(self, states: Mapping[str, JournalState]) -> None:
        """Take back committed states, by the names of journals; others' names are ignored."""
        self._states = {name: state for name, state in states.items() if name.startswith(f"{self._name}:")}

    def state(self, journal: Journal) -> JournalState:
        """What the ledger must commit together with the counts of what was read so far."""
        return JournalState(generations=journal.generations)

    def take_notices(self) -> list[SourceNotice]:
        """What has happened since the last call."""
        notices, self._notices = self._notices, []
        return notices

    # looking ------------------------------------------------------------------------------------------------

    def poll(self, now: int) -> list[Journal]:
        """Look at every file; return the journals that may have something to read. `now`: milliseconds UTC."""
        self._now = now
        troubles: list[str] = []

        def unreachable(path: str, error: OSError) -> None:
            troubles.append(path)
            self._notice_once("unreachable", path, error.strerror or str(error))

        grouped: dict[str, list[tuple[tuple[int, int, str], FoundFile]]] = {}
        for found in self._pattern.find(unreachable):
            if found.path.endswith((".gz", ".xz", ".zst", ".bz2")):
                continue
            folder, _, name = found.path.rpartition("/")
            base, sort = base_name(name)
            grouped.setdefault(f"{self._name}:{folder}/{base}", []).append((sort, found))
        ready = []
        self.unsettled = 0
        for name, files in grouped.items():
            journal = self._journals.get(name)
            if journal is None:
                state = self._states.pop(name, None) or JournalState()
                journal = self._journals[name] = Journal(name, files[0][1].origin, state)
            if self._look(journal, files):
                ready.append(journal)
            if journal.blocked:
                troubles.append(name)
        self._said &= set(troubles) | {notice.path for notice in self._notices}
        self.unreachable = len(troubles)
        return ready

    def _notice_once(self, kind: str, path: str, detail: str) -> None:
        if path not in self._said:
            self._said.add(path)
            self._notice(kind, path, detail)

    def _notice(self, kind: str, path: str, detail: str) -> None:
        self._notices.append(SourceNotice(kind, path, detail))
        _log.warning("%s: %s: %s", path, kind, detail)

    def _look(self, journal: Journal, files: list[tuple[tuple[int, int, str], FoundFile]]) -> bool:
        """Find out which generation each file is; True when something may be unread."""
        journal.blocked = False
        before = list(journal.generations)
        changed = moving = False
        places: dict[str, _Place] = {}
        for sort, found in sorted(files):
            status = found.status
            seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            known = journal.places.get(found.path)
            if known is not None and known.seen == seen:
                places[found.path] = known
                continue
            place = _Place(found.path, sort, seen, 0, 0, None)
            try:
                self._identify(journal, place)
            except FileNotFoundError:
                moving = True
                continue
            except OSError as error:
                journal.blocked = True
                self._notice_once("unreachable", found.path, error.strerror or str(error))
                continue
            changed = True
            moving = moving or place.seen[0] != status.st_ino
            places[found.path] = place
        present = [place.generation for place in places.values() if place.generation is not None]
        gone = bool(before) and before[-1] not in present
        if (moving or (gone and changed)) and journal.unsettled < PATIENCE:
            # a rotation is under way, and names and files do not fit together: what is read now could be out of order
            journal.unsettled += 1
            journal.generations = before
            self.unsettled += 1
            return False
        journal.unsettled = 0
        journal.places = places
        if changed:
            self._settle(journal, before[-1] if before else None)
        return any(self._unread(place) for place in places.values())

    @staticmethod
    def _unread(place: _Place) -> bool:
        return place.generation is not None and place.size > place.generation.offset

    def _identify(self, journal: Journal, place: _Place) -> None:
        with open(place.path, "rb", buffering=0) as file:  # noqa: PTH123
            # between the listing and this opening a rotation may have given the name to another file
            status = os.fstat(file.fileno())
            place.seen = (status.st_ino, status.st_size, status.st_mtime_ns)
            place.size, place.modified = status.st_size, status.st_mtime_ns // 1_000_000
            head = file.read(HEAD_BYTES)
            if not head:
                return
            generation = recognise(journal.generations, head)
            if generation is None:
                generation = Generation(digest(head), len(head))
                journal.generations.append(generation)
            elif generation.length < len(head):
                generation.fingerprint, generation.length = digest(head), len(head)
            place.generation = generation
            offset = generation.offset
            if place.size < offset:
                if place.size < generation.size:
                    generation.size = place.size
                return
            if generation.tail_length:
                file.seek(offset - generation.tail_length)
                if digest(file.read(generation.tail_length)) != generation.tail:
                    self._notice(
                        "rewritten", place.path, "its bytes changed behind us; it is read again from its begin"
                    )
                    generation.offset, generation.tail_length = 0, 0

    def _settle(self, journal: Journal, newest_known: Generation | None) -> None:
        """Order generations as their files say; notice what was truncated or lost; forget the oldest absent ones."""
        order: list[Generation] = []
        for place in sorted(journal.places.values(), key=lambda place: place.sort):
            if place.generation is not None and place.generation not in order:
                order.append(place.generation)
        for generation in order:
            largest = max(place.size for place in journal.places.values() if place.generation is generation)
            if largest < generation.offset:
                self._notice("truncated", journal.name, f"from {generation.offset} to {largest} bytes")
                generation.offset, generation.tail_length = largest, 0
            generation.size = largest
        present = {id(generation) for generation in order}
        absent = [generation for generation in journal.generations if id(generation) not in present]
        if order and newest_known is not None and id(newest_known) not in present and journal.began:
            self._notice("lost", journal.name, "the file read last is gone; what was written to it since is lost")
        journal.began = True
        journal.generations = [*absent[-KEEP_ABSENT:], *order]

    # reading ------------------------------------------------------------------------------------------------

    def next_chunk(self, journal: Journal, max_bytes: int) -> Chunk | None:
        """The next unread bytes of a journal's oldest unfinished file; None when all files are read as far as `poll`
        saw them. The same bytes are given again until `advance` says how many were consumed.
        """
        place = self._current(journal)
        if place is None:
            return None
        generation = place.generation
        assert generation is not None
        try:
            with open(place.path, "rb", buffering=0) as file:  # noqa: PTH123
                if os.fstat(file.fileno()).st_ino != place.seen[0]:  # rotated since; the next poll finds it again
                    place.size = generation.offset
                    return None
                file.seek(generation.offset)
                data = file.read(min(max_bytes, place.size - generation.offset))
        except OSError as error:
            if not isinstance(error, FileNotFoundError):
                journal.blocked = True
                self._notice_once("unreachable", place.path, error.strerror or str(error))
            place.size = generation.offset
            return None
        if not data:
            place.size = generation.offset
            return None
        return Chunk(
            data=data,
            offset=generation.offset,
            arrival=self._now,
            written=place.modified,
            ended=generation.offset + len(data) >= place.size and generation is not journal.generations[-1],
        )

    def _current(self, journal: Journal) -> _Place | None:
        candidates = [place for place in journal.places.values() if self._unread(place)]
        if not candidates:
            return None
        order = {id(generation): number for number, generation in enumerate(journal.generations)}
        return min(candidates, key=lambda place: (order[id(place.generation)], -place.size))

    def advance(self, journal: Journal, chunk: Chunk, consumed: int) -> None:
        """The first `consumed` bytes of the chunk are done with. Consuming none means to wait for more."""
        place = self._current(journal)
        if place is None or place.generation is None:
            return
        generation = place.generation
        if consumed == 0:
            for each in journal.places.values():
                if each.generation is generation:
                    each.size = generation.offset  # until it grows
            return
        generation.offset += consumed
        generation.tail_length = min(TAIL_BYTES, consumed)
        generation.tail = digest(chunk.data[consumed - generation.tail_length : consumed])


def unread_bytes(journals: Iterable[Journal]) -> int:
    """How many bytes of these journals are on disk and not yet read."""
    return sum(
        max(0, place.size - place.generation.offset)
        for journal in journals
        for place in journal.places.values()
        if place.generation is not None
    )
