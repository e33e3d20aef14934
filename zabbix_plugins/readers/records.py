"""What the readers of line-based journals share: where whole lines begin and end in a chunk, and overlong ones."""

from __future__ import annotations

from typing import NamedTuple

from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Carry, Chunk, Reject

BOM = b"\xef\xbb\xbf"


class Span(NamedTuple):
    """The whole lines of a chunk: data[start:stop].

    `skipping`: the chunk ends inside an overlong record. `overlong`: that record begins at `stop` of this chunk and
    is a reject; all of the chunk is consumed then, so that a line of any length takes no memory.
    """

    start: int
    stop: int
    skipping: bool
    overlong: bool


def whole_lines(carry: Carry, chunk: Chunk) -> Span:
    """Find the whole lines of a chunk; the last one may lack its line end when the file has ended."""
    data = chunk.data
    start = 0
    if carry.skipping:
        start = data.find(b"\n") + 1
        if not start:
            return Span(len(data), len(data), not chunk.ended, False)
    stop = len(data) if chunk.ended else max(start, data.rfind(b"\n") + 1)
    overlong = stop == start and len(data) - stop >= MAX_RECORD_BYTES
    return Span(start, stop, overlong, overlong)


def overlong(offset: int) -> Reject:
    """The reject of a record of MAX_RECORD_BYTES or more that begins at `offset`."""
    return Reject(reason="overlong", offset=offset, detail=f"a line of {MAX_RECORD_BYTES} bytes or more; skipped")
