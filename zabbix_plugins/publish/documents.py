"""Writing documents so that a reader sees either the old or the new one, never a part (design, decision 8)."""

from __future__ import annotations

import contextlib
import grp
import os
from pathlib import Path

from zabbix_plugins.errors import Temporary


def prepare_folder(folder: Path, mode: int = 0o2750, group: str = "zabbix") -> None:
    """Make a folder that we share with Zabbix: of the group it runs as, where that exists and we may give it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # no such group here (a trial without Zabbix), or not ours to give: then the admin sets it
        with contextlib.suppress(KeyError, PermissionError):
            os.chown(folder, -1, grp.getgrnam(group).gr_gid)
        folder.chmod(mode)
    except OSError as error:
        raise Temporary(
            f"the folder cannot be made: {error.strerror}", where=str(folder), remedy="check its parent"
        ) from error


def publish_document(folder: Path, name: str, content: bytes) -> None:
    """Replace `folder/name` in one step: temporary file, fsync, rename. Raises `Temporary` when it cannot."""
    temporary = folder / f"_{name}"
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o640)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(folder / name)
    except OSError as error:
        raise Temporary(
            f"a document cannot be written: {error.strerror}",
            where=str(folder / name),
            remedy="free some space or check permissions; it will be tried again",
        ) from error
