"""Recognising the files of one journal: what a file is, whatever it is called now (design, decision 3).

A journal's files are its *generations*. One is known by a fingerprint of its first bytes, with the length that the
fingerprint covers, so that a renamed file, a copy, a reused inode and rsync's new inode are the same generation.
Pure: bytes and numbers in, decisions out.
"""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec

HEAD_BYTES = 2048
TAIL_BYTES = 64

_ROTATED = re.compile(
    r"(?P<base>.+?)[._-](?:(?P<number>\d{1,4})|(?P<date>\d{4}-?\d{2}-?\d{2}(?:[T._-]?\d{2}[:.-]?\d{2}(?:[:.-]?\d{2})?)?))"
)


def digest(data: bytes) -> bytes:
    """A short fingerprint of some bytes."""
    return blake2b(data, digest_size=12).digest()


class Generation(msgspec.Struct, array_like=True):
    """One file of a journal: the fingerprint of its first `length` bytes, how far it was read, a fingerprint of the
    last `tail_length` bytes before that, and the size at the last look.
    """

    fingerprint: bytes
    length: int
    offset: int = 0
    tail: bytes = b""
    tail_length: int = 0
    size: int = 0

    def is_head_of(self, head: bytes) -> bool:
        """Does a file that begins with `head` (up to HEAD_BYTES of it) begin like this generation?"""
        return len(head) >= self.length and digest(head[: self.length]) == self.fingerprint


class JournalState(msgspec.Struct, array_like=True):
    """What is committed of one journal: its generations, oldest first."""

    version: int = 1
    generations: list[Generation] = []


def base_name(name: str) -> tuple[str, tuple[int, int, str]]:
    """The journal that a file name belongs to, and a key that sorts its generations from old to new.

    `root.log.3` and `root.log-20261124` belong to `root.log`; higher numbers are older, later dates newer, and the
    bare name is the newest of all.
    """
    found = _ROTATED.fullmatch(name)
    if found is None:
        return name, (1, 0, "")
    if found["number"] is not None:
        return found["base"], (0, -int(found["number"]), "")
    return found["base"], (0, -10_000, found["date"])


def recognise(generations: list[Generation], head: bytes) -> Generation | None:
    """The generation that begins with `head`; of several the one with the longest fingerprint."""
    matching = [generation for generation in generations if generation.is_head_of(head)]
    return max(matching, key=lambda generation: generation.length, default=None)
