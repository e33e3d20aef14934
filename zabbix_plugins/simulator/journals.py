"""Journals on disk: one file a register, written to as real ones are, rotated as real ones are."""

from __future__ import annotations

from pathlib import Path

from zabbix_plugins.errors import Temporary
from zabbix_plugins.model.event import Event
from zabbix_plugins.simulator.dialects import DIALECTS, Write
from zabbix_plugins.simulator.estate import SimulatedStore

GENERATIONS = 4


class Journals:
    """All journals of a simulation, in FOLDER/chain/store/pos/. `rotate_bytes`: size at which one is rotated by
    rename, four generations being kept (Set Retail's own rule is 1000 KB); 0 means never.
    """

    def __init__(self, folder: Path, dialect_of: dict[str, str], rotate_bytes: int = 0) -> None:
        """`dialect_of`: chain → dialect."""
        self._folder = folder
        self._dialect_of = dialect_of
        self._rotate_bytes = rotate_bytes
        self._writers: dict[tuple[str, str, str], tuple[Path, Write]] = {}
        self._pending: dict[Path, list[bytes]] = {}

    def write(self, store: SimulatedStore, event: Event) -> None:
        """Take an event; it is on disk after the next `flush`."""
        key = (event.chain, event.store, event.pos)
        found = self._writers.get(key)
        if found is None:
            name, make = DIALECTS[self._dialect_of[store.chain]]
            path = self._folder / event.chain / event.store / event.pos / name
            path.parent.mkdir(parents=True, exist_ok=True)
            found = self._writers[key] = (path, make(store, event.pos))
        path, write = found
        data = write(event)
        if data:
            self._pending.setdefault(path, []).append(data)

    def flush(self) -> None:
        """Write out what was taken. Raises `Temporary` when the disk is full; what was not written is kept."""
        for path in list(self._pending):
            data = b"".join(self._pending[path])
            try:
                with path.open("ab", buffering=0) as file:
                    file.write(data)
                    size = file.tell()
            except OSError as error:
                raise Temporary(f"a journal cannot be written: {error.strerror}", where=str(path)) from error
            del self._pending[path]
            if self._rotate_bytes and size >= self._rotate_bytes:
                _rotate(path)


def _rotate(path: Path) -> None:
    for number in range(GENERATIONS - 1, 0, -1):
        older = path.with_name(f"{path.name}.{number}")
        if older.exists():
            older.rename(path.with_name(f"{path.name}.{number + 1}"))
    path.rename(path.with_name(f"{path.name}.1"))
