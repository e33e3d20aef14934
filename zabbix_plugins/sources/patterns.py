"""Where journals lie: a path with placeholders, matched against directories.

`{chain}`, `{store}` and `{pos}` match letters, digits, dots, dashes and underscores within one part of a path; `*`
and `?` are as in a shell; a part `**` stands for any number of folders. What matched becomes the journal's origin.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator

import msgspec

from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.journal import Origin

_TOKEN = re.compile(r"\{(\w+)\}|\*|\?|[^*?{]+|\{")
_FIELDS = frozenset({"chain", "store", "pos"})


class FoundFile(msgspec.Struct, frozen=True):
    """A file that matches: its path, its status (of what a link points to), where it stands in the estate."""

    path: str
    status: os.stat_result
    origin: Origin


Unreachable = Callable[[str, OSError], None]
"""Is told each folder or file that could not be looked at."""


class JournalPattern:
    """A compiled pattern. `origin` holds what the path does not say."""

    def __init__(self, text: str, parts: list[re.Pattern[str] | str | None], origin: Origin) -> None:
        self.text = text
        self._parts = parts
        self._origin = origin

    @classmethod
    def compile(cls, text: str, origin: Origin) -> JournalPattern:
        """Compile an absolute path with placeholders; raises `BadConfiguration` for one that cannot be meant."""
        if not text.startswith("/"):
            raise BadConfiguration(f"path {text!r} is not absolute", remedy="begin it with /")
        seen: set[str] = set()
        parts = [_part(part, text, seen) for part in text.split("/")[1:]]
        if not parts or parts[-1] is None:
            raise BadConfiguration(f"path {text!r} names no files", remedy="end it with a file name such as *.jsonl")
        return cls(text, parts, origin)

    def find(self, unreachable: Unreachable) -> Iterator[FoundFile]:
        """Every regular file that matches now, in no order. Folders that cannot be read are told and passed over."""
        yield from self._walk("/", 0, {}, unreachable)

    def _walk(self, folder: str, depth: int, found: dict[str, str], unreachable: Unreachable) -> Iterator[FoundFile]:
        while depth < len(self._parts) - 1 and isinstance(part := self._parts[depth], str):
            folder, depth = os.path.join(folder, part), depth + 1  # noqa: PTH118 (hot: thousands of folders a second)
        part = self._parts[depth]
        last = depth == len(self._parts) - 1
        if last and isinstance(part, str):
            path = os.path.join(folder, part)  # noqa: PTH118
            yield from self._file(path, found, unreachable)
            return
        try:
            with os.scandir(folder) as listing:
                entries = list(listing)
        except FileNotFoundError:
            return  # not there (yet, or any more) is no trouble
        except OSError as error:
            unreachable(folder, error)
            return
        if part is None:
            yield from self._walk(folder, depth + 1, found, unreachable)
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(entry.path, depth, found, unreachable)
            return
        assert isinstance(part, re.Pattern)
        for entry in entries:
            match = part.fullmatch(entry.name)
            if match is None:
                continue
            more = {**found, **match.groupdict()}
            if last:
                yield from self._file(entry.path, more, unreachable)
            elif entry.is_dir():
                yield from self._walk(entry.path, depth + 1, more, unreachable)

    def _file(self, path: str, found: dict[str, str], unreachable: Unreachable) -> Iterator[FoundFile]:
        try:
            status = os.stat(path)  # noqa: PTH116
        except FileNotFoundError:
            return
        except OSError as error:
            unreachable(path, error)
            return
        if (status.st_mode & 0o170000) == 0o100000:
            yield FoundFile(path, status, msgspec.structs.replace(self._origin, **found))


def _part(part: str, text: str, seen: set[str]) -> re.Pattern[str] | str | None:
    if part == "**":
        return None
    if not re.search(r"[*?{]", part):
        return part
    pattern = ""
    for token in _TOKEN.finditer(part):
        field = token[1]
        if field:
            if field not in _FIELDS or field in seen:
                raise BadConfiguration(
                    f"path {text!r}: placeholder {{{field}}} " + ("stands twice" if field in seen else "is unknown"),
                    remedy="use {chain}, {store} and {pos}, each once",
                )
            seen.add(field)
            pattern += f"(?P<{field}>[A-Za-z0-9._-]+?)"
        elif token[0] == "*":
            pattern += "[^/]*"
        elif token[0] == "?":
            pattern += "[^/]"
        else:
            pattern += re.escape(token[0])
    return re.compile(pattern)
