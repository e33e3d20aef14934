"""The JSON Schema of Tillwatch's own journal format, drawn from the event model, for those who write such journals.

`python -m zabbix_plugins.readers.schema` writes docs/journal.schema.json anew; a test holds the file against it.
"""

from __future__ import annotations

import sys
from typing import Any

import msgspec

from zabbix_plugins.model.event import AnyEvent

SCHEMA_FILE = "docs/journal.schema.json"

_DECIMAL: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}, {"type": "number"}, {"type": "null"}],
    "default": None,
}
_FIELDS = {
    "time": "Event time by the clock of the POS, milliseconds since 1970 UTC.",
    "chain": "Chain (brand). May be left out where the path of the journal says it.",
    "store": "Store. May be left out where the path of the journal says it.",
    "pos": "POS in the store. May be left out where the path of the journal says it.",
    "shift": "Shift as the POS counts it.",
    "receipt": "Receipt as the POS counts it; 0 outside a receipt.",
    "seq": "Number of this record in the journal of the POS, rising by one; a record with a known number is a copy.",
}
_WRITERS_WORDS = {
    "CardRead": "A card (or a phone or QR code in its place) was presented. Write the number as it was read: it becomes"
    " a keyed token before anything is stored. `kind`: what it was presented as.",
    "KeyPressed": "A key of the POS keyboard, by its name. Digits all become the same name.",
    "OperatorChanged": "A cashier signed on or off. `operator`: the personnel number; never write names.",
}


def journal_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of one line. Fields that it does not name are allowed and ignored."""
    schema = msgspec.json.schema(AnyEvent)
    del schema["discriminator"]  # a word of OpenAPI
    for kind, definition in schema["$defs"].items():
        properties = definition["properties"]
        del properties["offset"]  # where a line stands is ours to know
        properties["event"] = {"const": properties["event"]["enum"][0]}
        for name, field in properties.items():
            if {"type": "string", "format": "decimal"} in field.get("anyOf", ()):
                properties[name] = _DECIMAL
            elif name in _FIELDS:
                field["description"] = _FIELDS[name]
        words = _WRITERS_WORDS.get(kind, definition["description"])
        definition["description"] = " ".join(words.split())
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Tillwatch journal, one line",
        "description": "One event of a cash register as one line of JSON (UTF-8). docs/journals.md tells the rest.",
        **schema,
    }


def schema_text() -> str:
    """The text of docs/journal.schema.json."""
    return msgspec.json.format(msgspec.json.encode(journal_schema()), indent=2).decode() + "\n"


def write_schema(path: str) -> None:
    """Write the schema to a file."""
    with open(path, "w", encoding="utf-8") as file:  # noqa: PTH123  # readers have no business with paths
        file.write(schema_text())


if __name__ == "__main__":
    write_schema(sys.argv[1] if len(sys.argv) > 1 else SCHEMA_FILE)
