"""The spool: the folder into which alert scripts drop their files. Only the deliverer takes files out of it.

A file that is no note goes to `rejected/` with a `.why` beside it, for a person to look at; nothing is deleted
before the outbox has it.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec

from alert_scripts.message import Note
from zabbix_plugins.errors import Temporary

FORMAT = 1
REJECTED = "rejected"
_LARGEST = 1024 * 1024
_LEFT_OVER_SECONDS = 24 * 3600


class NotANote(Exception):
    """This file cannot be read as a note; the text says why."""


def waiting(folder: Path, limit: int) -> list[Path]:
    """Files of alert scripts, the oldest first, at most `limit`. Raises `Temporary` if the folder cannot be read."""
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.path) for entry in entries if _is_note(entry.name)
            ]
    except FileNotFoundError as error:
        raise Temporary(
            "the spool folder is missing",
            where=str(folder),
            remedy="make it, group writable for the user that Zabbix runs as",
        ) from error
    except OSError as error:
        raise Temporary(
            f"the spool folder cannot be read: {error.strerror}", where=str(folder), remedy="check its permissions"
        ) from error
    return [Path(path) for _, path in sorted(found)[:limit]]


def _is_note(name: str) -> bool:
    return name.endswith(".json") and not name.startswith(".")


def read_note(path: Path) -> tuple[Note, bytes]:
    """A note and its bytes as they lie there. Raises `NotANote`; `Temporary` if the file cannot be read now."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise NotANote("this is a symbolic link, not a file of an alert script") from error
        raise Temporary(
            f"a spool file cannot be read: {error.strerror}",
            where=str(path),
            remedy="the deliverer's group must be the group of the spool folder (mode 2770)",
        ) from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotANote("this is no regular file")
        raw = file.read(_LARGEST + 1)
    if len(raw) > _LARGEST:
        raise NotANote(f"larger than {_LARGEST} bytes, which no alert script writes")
    try:
        note = msgspec.json.decode(raw, type=Note)
    except msgspec.DecodeError as error:
        raise NotANote(f"not the JSON of an alert script: {error}") from error
    if note.format != FORMAT:
        raise NotANote(f"format {note.format} is not known here; bring deliverer and alert script to one version")
    return note, raw


def reject(path: Path, why: str) -> None:
    """Put a file aside, its reason first: killed in between, it is simply put aside again."""
    folder = path.parent / REJECTED
    folder.mkdir(mode=0o770, exist_ok=True)
    (folder / f"{path.name}.why").write_text(f"{why}\n", encoding="utf-8")
    path.replace(folder / path.name)


def rejected(folder: Path) -> int:
    """How many files lie put aside."""
    return sum(1 for path in _names(folder / REJECTED) if not path.endswith(".why"))


def remove_left_overs(folder: Path, now: int) -> None:
    """Remove temporary files of alert scripts that were killed a day ago; Zabbix has long tried again."""
    for name in _names(folder):
        path = folder / name
        if name.startswith(".") and name.endswith(".tmp") and _age(path, now) > _LEFT_OVER_SECONDS:
            path.unlink(missing_ok=True)


def _names(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from [entry.name for entry in entries]
    except FileNotFoundError:
        return


def _age(path: Path, now: int) -> float:
    try:
        return now / 1000 - path.lstat().st_mtime
    except FileNotFoundError:
        return 0
