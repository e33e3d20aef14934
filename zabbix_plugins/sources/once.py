"""Reading given files once from begin to end, for `tillwatch report`; rotated generations in their order."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, cast

from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Chunk
from zabbix_plugins.sources.generations import base_name

CHUNK_BYTES = 4 * MAX_RECORD_BYTES


def generations_in_order(paths: Iterable[Path]) -> list[list[Path]]:
    """Files grouped into journals, each from its oldest generation to its newest; folders stand for all below them."""
    streams: dict[tuple[Path, str], list[tuple[tuple[int, int, str], Path]]] = {}
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            base, sort = base_name(file.name.removesuffix(".gz"))
            streams.setdefault((file.parent, base), []).append((sort, file))
    return [[file for _, file in sorted(files)] for _, files in sorted(streams.items())]


class OnceRead:
    """One open file. Give back what was consumed after each chunk; the rest comes again with more behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            # closed by __exit__
            opened = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # noqa: SIM115
            self._file = cast(IO[bytes], opened)
            self._written = int(path.stat().st_mtime * 1000)
        except OSError as error:
            raise BadConfiguration(
                f"cannot be read: {error.strerror}", where=str(path), remedy="check the path and its permissions"
            ) from error
        self._pending = b""
        self._offset = 0
        self._ended = False

    def __enter__(self) -> OnceRead:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def head(self) -> bytes:
        """The first bytes, to guess the dialect from."""
        self._fill()
        return self._pending[:65_536]

    def _fill(self) -> None:
        while len(self._pending) < CHUNK_BYTES and not self._ended:
            try:
                more = self._file.read(CHUNK_BYTES - len(self._pending))
            except (OSError, EOFError) as error:
                raise BadConfiguration(
                    f"cannot be read: {error}", where=str(self._path), remedy="is the file damaged?"
                ) from error
            self._pending += more
            self._ended = not more

    def next_chunk(self) -> Chunk | None:
        """The next bytes; None at the end."""
        self._fill()
        if not self._pending:
            return None
        return Chunk(
            data=self._pending,
            offset=self._offset,
            arrival=time.time_ns() // 1_000_000,
            written=self._written,
            ended=self._ended,
        )

    def consumed(self, number: int) -> None:
        """So many bytes of the last chunk are done with. None at all ends the file: nothing more would come of it."""
        if number == 0:
            self._ended, self._pending = True, b""
        self._offset += number
        self._pending = self._pending[number:]


def read_once(path: Path) -> OnceRead:
    """Open a file for one reading; raises `BadConfiguration` when it cannot be opened."""
    return OnceRead(path)
