"""The dialects that registers of the simulation write, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from zabbix_plugins.model.event import Event
from zabbix_plugins.simulator.estate import SimulatedStore
from zabbix_plugins.simulator.set_retail import SetRetailJournal

_encode = msgspec.json.Encoder().encode

Write = Callable[[Event], bytes]
"""The bytes that a register writes for an event; none where its journal has nothing to say of it."""


def _json_line(event: Event) -> bytes:
    return _encode(event) + b"\n"


DIALECTS: Mapping[str, tuple[str, Callable[[SimulatedStore, str], Write]]] = {
    "jsonl": ("journal.jsonl", lambda store, pos: _json_line),
    "set-retail": ("root.log", lambda store, pos: SetRetailJournal(store, pos).write),
}
"""Name → the journal's file name, and what makes a writer for one register."""
