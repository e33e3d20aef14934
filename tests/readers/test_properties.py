"""What holds for any journal: pieces mean the same as the whole, nothing raises, no number comes through in clear."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.readers.reading import Whole, read_pieces, read_whole
from zabbix_plugins.model.privacy import luhn_valid

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES = {"jsonl": ".jsonl", "set-retail": ".log"}


def lines_of(format_: str) -> list[bytes]:
    journals = [path for path in sorted(GOLDEN.iterdir()) if path.suffix == SUFFIXES[format_]]
    return [line for path in journals for line in path.read_bytes().split(b"\n")]


def journals_of(format_: str) -> st.SearchStrategy[bytes]:
    """Journals made of lines that occur in the golden ones, in any order, with damage in between."""
    line = st.one_of(st.sampled_from(lines_of(format_)), st.sampled_from(lines_of(format_)), st.binary(max_size=40))
    return st.lists(line, max_size=25).map(b"\n".join)


@st.composite
def damaged(draw: st.DrawFn, format_: str) -> bytes:
    """A journal in which some bytes were changed."""
    journal = bytearray(draw(journals_of(format_)))
    for _ in range(draw(st.integers(0, 8))):
        if journal:
            journal[draw(st.integers(0, len(journal) - 1))] = draw(st.integers(0, 255))
    return bytes(journal)


each_format = pytest.mark.parametrize("format_", list(SUFFIXES))


@each_format
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_any_pieces_of_a_journal_mean_the_same_as_the_whole(format_: str, data: st.DataObject) -> None:
    journal = data.draw(st.one_of(journals_of(format_), damaged(format_)))
    cuts = data.draw(st.lists(st.integers(0, len(journal)), max_size=6))
    for ended in (True, False):
        assert read_pieces(format_, journal, cuts, ended=ended) == read_whole(format_, journal, ended=ended)


@each_format
@settings(max_examples=150, deadline=None)
@given(journal=st.binary(max_size=300), ended=st.booleans())
def test_random_bytes_never_raise(format_: str, journal: bytes, ended: bool) -> None:
    read_whole(format_, journal, ended=ended)


@each_format
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damage_never_raises_and_what_was_read_can_be_stored(format_: str, data: st.DataObject) -> None:
    whole = read_whole(format_, data.draw(damaged(format_)))
    msgspec.msgpack.encode([whole.events, whole.rejects])


# numbers in clear ----------------------------------------------------------------------------------------------


@st.composite
def cards(draw: st.DrawFn) -> str:
    """A number that passes Luhn, 15 to 19 digits."""
    body = draw(st.integers(14, 18).flatmap(lambda n: st.text("0123456789", min_size=n, max_size=n)))
    body = "4" + body[1:]
    return next(body + check for check in "0123456789" if luhn_valid(body + check))


phones = st.text("0123456789", min_size=9, max_size=9).map(lambda digits: "+79" + digits)
TEXTS = ("{n}", "card {n} is unknown", "x{n}x", "№[{n}]", "{n},{n}", "till 3: {n} 2026", "'{n}'")
JSON_FIELDS = (
    ("card_read", "card"),
    ("card_read", "last"),
    ("pos_error", "message"),
    ("pos_error", "code"),
    ("loyalty_response", "message"),
    ("loyalty_response", "code"),
    ("article_scanned", "name"),
    ("key_pressed", "key"),
    ("health_probe", "target"),
    ("gateway_request", "application"),
    ("tender", "code"),
    ("pos_error", "unknown_field"),
    ("receipt_opened", "operation"),
    ("receipt_opened", "time"),
    ("unknown_kind", "card"),
)
SET_RECORDS = (
    'INFO  [PrismaBridgeImpl] {{"events":[{{"mode":35,"cardType":"LOYALTY","cardNumber":"{n}"}}]}}',
    'INFO  [PrismaBridgeImpl] {{"events":[{{"mode":3,"tabNumber":"5","cashier":"{n}"}}]}}',
    'INFO  [PrismaBridgeImpl] {{"events":[{{"mode":6,"item":"5","name":"{n}"}}]}}',
    'INFO  [PrismaBridgeImpl] {{"events":[{{"mode":35,"cardNumber":"{n}"',
    "ERROR [TechProcessImpl] TP error: Карта № [{n}] не найдена",
    "ERROR [TechProcessImpl] TP error: {n}",
    "ERROR [Whatever] {n}",
    "ERROR [LoymaxUtils] timed out: {n}",
    "INFO  [TechProcessImpl] eventBarcodeScanner {n}",
    "INFO  [TechProcessImpl] eventControlKey: ControlKey {{command={n}}}",
    "INFO  [Whatever] {n}",
    'INFO  [LoymaxUtils] Loymax request:\n<BalanceRequest OperationID="1"><Identifier Value="{n}"/></XMLRequest>',
    'INFO  [LoymaxUtils] Loymax request:\n<BalanceRequest OperationID="1"><Identifier Value="{n}"/>',
    'INFO  [LoymaxUtils] Loymax response:\n<XMLResponse><BalanceResponse ErrorCode="5" Message="{n}" /></XMLResponse>',
    "{n}",
)


def in_clear(whole: Whole, number: str) -> bool:
    """Does the number, or most of it, stand in anything that could be stored or shown?"""
    kept = msgspec.json.encode([whole.events, whole.rejects, whole.carry]).decode()
    digits = re.sub(r"\D", "", number)
    return digits in kept or digits[:-1] in kept or digits[1:] in kept


@settings(max_examples=300, deadline=None)
@given(st.one_of(cards(), phones), st.sampled_from(JSON_FIELDS), st.sampled_from(TEXTS), st.booleans())
def test_no_number_in_a_json_line_comes_through_in_clear(
    number: str, field: tuple[str, str], text: str, good: bool
) -> None:
    record: dict[str, Any] = {"event": field[0], "time": 1_795_521_599_000, "healthy": True}
    record[field[1]] = text.format(n=number) if field[1] != "card" else number
    line = json.dumps(record).encode() + b"\n"
    if not good:
        line += line[:-3] + b"\n"
    whole = read_whole("jsonl", line)
    if not (number.startswith("+") and text == "x{n}x"):  # a phone does not begin inside a word
        assert not in_clear(whole, number)


@settings(max_examples=300, deadline=None)
@given(st.one_of(cards(), phones), st.sampled_from(SET_RECORDS), st.booleans())
def test_no_number_in_a_set_retail_record_comes_through_in_clear(number: str, record: str, behind: bool) -> None:
    line = f"24.11 14:59:59.000 {record.format(n=number)}\n"
    whole = read_whole("set-retail", (line * 2 if behind else line).encode())
    assert not in_clear(whole, number)


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789", min_size=12, max_size=12))
def test_every_barcode_comes_through_unchanged(body: str) -> None:
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
    barcode = body + str(-total % 10)
    found = {"event": "article_scanned", "time": 1, "barcode": barcode}
    lost = {**found, "found": False}
    whole = read_whole("jsonl", b"".join(json.dumps(record).encode() + b"\n" for record in (found, lost)))
    assert [event.barcode for event in whole.events] == [barcode, barcode]  # type: ignore[attr-defined]
    records = (
        f'24.11 14:59:59 INFO  [PrismaBridgeImpl] {{"events":[{{"mode":{mode},"barcode":"{barcode}"}}]}}\n'
        for mode in (6, 112)
    )
    whole = read_whole("set-retail", "".join(records).encode())
    assert [event.barcode for event in whole.events] == [barcode, barcode]  # type: ignore[attr-defined]
