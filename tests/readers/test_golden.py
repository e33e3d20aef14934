"""Journals as they are written, and what they mean: golden/<name> → golden/<name>.events.json.

`pytest tests/readers --golden-write` writes the second anew; a person reads the difference.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from tests.readers.reading import ORIGIN, PRIVACY, Whole, read_pieces, read_whole
from zabbix_plugins.readers import guess_format
from zabbix_plugins.readers.schema import SCHEMA_FILE, journal_schema, schema_text

GOLDEN = Path(__file__).parent / "golden"
JOURNALS = sorted(path for path in GOLDEN.iterdir() if path.suffix in (".log", ".jsonl"))
FORMATS = {".log": "set-retail", ".jsonl": "jsonl"}


def plain(whole: Whole) -> str:
    """What was read, an event a line, without the fields that have their default."""
    rows = []
    for event in whole.events:
        fields = {
            field.name: value
            for field in msgspec.structs.fields(event)
            if (value := getattr(event, field.name)) != field.default and field.name not in ("chain", "store", "pos")
        }
        rows.append({"event": event.__struct_config__.tag, **fields})
    parts: dict[str, list[Any]] = {"events": rows, "rejects": list(whole.rejects)}
    lists = [
        f'"{name}": [\n' + ",\n".join("  " + msgspec.json.encode(row).decode() for row in part) + "\n]"
        for name, part in parts.items()
    ]
    return f'{{\n"lines": {whole.lines}, "unknown": {whole.unknown},\n' + ",\n".join(lists) + "\n}\n"


each_journal = pytest.mark.parametrize("journal", JOURNALS, ids=lambda path: path.name)


@each_journal
def test_a_journal_means_what_its_golden_file_says(journal: Path, golden_write: bool) -> None:
    whole = read_whole(FORMATS[journal.suffix], journal.read_bytes())
    text = plain(whole)
    assert {(event.chain, event.store, event.pos) for event in whole.events} == {
        (ORIGIN.chain, ORIGIN.store, ORIGIN.pos)
    }
    golden = journal.with_name(journal.name + ".events.json")
    if golden_write:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


@each_journal
def test_a_journal_cut_anywhere_means_the_same(journal: Path) -> None:
    data = journal.read_bytes()
    whole = read_whole(FORMATS[journal.suffix], data)
    for cut in range(1, len(data), 7):
        assert read_pieces(FORMATS[journal.suffix], data, [cut]) == whole


@each_journal
def test_a_journal_written_twice_means_everything_twice(journal: Path) -> None:
    data = journal.read_bytes()
    if not data.endswith(b"\n"):
        data += b"\n"
    once = read_whole(FORMATS[journal.suffix], data)
    twice = read_whole(FORMATS[journal.suffix], data + data)
    assert [event.offset for event in twice.events[: len(once.events)]] == [event.offset for event in once.events]
    assert {event.offset for event in twice.events if event.offset >= len(data)} <= {
        event.offset + len(data) for event in once.events
    }
    assert len(twice.events) >= 2 * len(once.events) - 2  # "online" is told once only; half a call waits for the rest


@each_journal
def test_the_dialect_is_recognised(journal: Path) -> None:
    assert guess_format(journal.read_bytes()) == FORMATS[journal.suffix]


@pytest.mark.parametrize("head", [b"", b"\n\n", b"a,b,c\n1,2,3\n", b"\x89PNG\r\n\x1a\n", b'{"level":"info"}\n'])
def test_what_is_no_journal_is_not_recognised(head: bytes) -> None:
    assert guess_format(head) is None


def test_the_schema_is_drawn_from_the_event_model() -> None:
    assert Path(__file__).parents[2].joinpath(SCHEMA_FILE).read_text(encoding="utf-8") == schema_text()


def test_the_schema_accepts_what_vendors_write_and_refuses_what_is_rejected() -> None:
    schema = jsonschema.Draft202012Validator(journal_schema())
    schema.check_schema(journal_schema())
    for line in GOLDEN.joinpath("vendor.jsonl").read_bytes().splitlines():
        schema.validate(msgspec.json.decode(line))
    for wrong in (
        {"event": "receipt_opened"},
        {"event": "drawer_opened", "time": 1},
        {"event": "receipt_closed", "time": 1, "total": "a lot"},
        {"event": "link_changed", "time": 1},
    ):
        assert not schema.is_valid(wrong)


def test_an_export_of_events_reads_as_the_same_events() -> None:
    whole = read_whole("jsonl", GOLDEN.joinpath("vendor.jsonl").read_bytes())
    exported = b"".join(msgspec.json.encode(event) + b"\n" for event in whole.events)
    again = read_whole("jsonl", exported)
    assert [msgspec.structs.replace(e, offset=0) for e in again.events] == [
        msgspec.structs.replace(e, offset=0) for e in whole.events
    ]
    assert PRIVACY.card("2200700812345678")[0] in exported.decode()
