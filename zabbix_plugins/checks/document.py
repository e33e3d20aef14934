"""The head that all documents share (design, decision 8), and how one is written as JSON.

A document never holds an empty list for "nothing is known": it is not published at all, and the external script
then prints an error document in its place.
"""

from __future__ import annotations

import msgspec


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What a document is about. `window_end` and `published` are seconds UTC; `collector` names its maker."""

    family: str
    level: str
    key: str
    name: str
    collector: str
    window_end: int
    published: int


def file_name(head: Head) -> str:
    """The name of a document's file: availability.total.json, availability.chain.magnolia.json."""
    middle = f"{head.level}.{head.key}" if head.key else head.level
    return f"{head.family}.{middle}.json"


def encode(document: Head) -> bytes:
    """The document as JSON, in the order of its fields."""
    return msgspec.json.encode(document)
