"""Readers: one journal dialect per file, pure. This page is the list of all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.journal import Origin, Reader
from zabbix_plugins.model.privacy import Privacy
from zabbix_plugins.readers.json_lines import JsonLinesReader, fits_json_lines
from zabbix_plugins.readers.set_retail import SetRetailReader, fits_set_retail

READERS: Mapping[str, Callable[[Origin, Privacy], Reader[Any]]] = {
    "jsonl": JsonLinesReader,
    "set-retail": SetRetailReader,
}
"""Every dialect by the name that settings call it by."""

FITS: Mapping[str, Callable[[bytes], float]] = {
    "jsonl": fits_json_lines,
    "set-retail": fits_set_retail,
}
"""How well a head of bytes fits each dialect, 0 … 1."""


def make_reader(format_: str, origin: Origin, privacy: Privacy) -> Reader[Any]:
    """The reader of a dialect for one origin; raises `BadConfiguration` for an unknown name."""
    try:
        return READERS[format_](origin, privacy)
    except KeyError:
        raise BadConfiguration(
            f"key journal.format: {format_!r} is unknown", remedy=f"use one of {', '.join(READERS)}"
        ) from None


def guess_format(head: bytes) -> str | None:
    """The dialect of a file that begins with `head`, None when none fits."""
    fitting = {name: fits(head) for name, fits in FITS.items()}
    best = max(fitting, key=lambda name: fitting[name])
    return best if fitting[best] > 0 else None
