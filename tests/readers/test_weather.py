"""What journals contain in bad weather: damage is counted and explained, and what lies behind it is read."""

from __future__ import annotations

import random
import tracemalloc
from datetime import UTC, datetime

import msgspec
import pytest

from tests.readers.reading import NOON, Whole, read_pieces, read_whole, reader_of
from zabbix_plugins.model.event import KeyPressed, LinkChanged, LoyaltyRequest, LoyaltyResponse, ReceiptOpened
from zabbix_plugins.model.journal import MAX_RECORD_BYTES, Chunk, Origin, Reject
from zabbix_plugins.readers.set_retail.state import MAX_LINES_BYTES

JSON_LINE = b'{"event":"key_pressed","time":1795521599000,"key":"enter"}\n'
SET_LINE = b"24.11 14:59:59.000 INFO  [TechProcessImpl] eventControlKey: ControlKey {scanCode=10, command=kbdEnter}\n"
GOOD = [("jsonl", JSON_LINE), ("set-retail", SET_LINE)]

both = pytest.mark.parametrize(("format_", "good"), GOOD, ids=[name for name, _ in GOOD])


def reasons(whole: Whole) -> list[str]:
    return [reject.reason for reject in whole.rejects]


@both
def test_binary_rubbish_is_counted_and_the_next_line_is_read(format_: str, good: bytes) -> None:
    rubbish = random.Random(1).randbytes(20_000)
    whole = read_whole(format_, good + rubbish + b"\n" + good)
    assert len(whole.events) == 2
    assert len(whole.rejects) > 10
    assert set(reasons(whole)) <= {"binary", "json", "encoding"}


@both
def test_a_line_of_100_mb_takes_no_memory_and_is_one_reject(format_: str, good: bytes) -> None:
    reader = reader_of(format_)
    carry = reader.begin()
    events = offset = 0
    rejects: list[Reject] = []
    piece = b"x" * MAX_RECORD_BYTES
    tracemalloc.start()
    for data in (good, *[piece] * 100, b"the end\n" + good):
        reading = reader.read(carry, Chunk(data=data, offset=offset, arrival=NOON, written=NOON))
        assert reading.consumed == len(data)
        assert len(msgspec.msgpack.encode(reading.carry)) < 300
        carry = reading.carry
        events += len(reading.events)
        rejects += reading.rejects
        offset += len(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert events == 2
    assert [(reject.reason, reject.offset) for reject in rejects] == [("overlong", len(good))]
    assert peak < 4 * MAX_RECORD_BYTES


@both
def test_an_overlong_line_is_one_reject_however_it_arrives(format_: str, good: bytes) -> None:
    data = good + b"x" * (MAX_RECORD_BYTES + 5) + b"\n" + good
    reader = reader_of(format_)
    reading = reader.read(reader.begin(), Chunk(data=data, offset=0, arrival=NOON, written=NOON, ended=True))
    in_pieces = read_whole(format_, data)
    for events, rejects in ((reading.events, reading.rejects), (in_pieces.events, in_pieces.rejects)):
        assert [event.offset for event in events] == [0, len(data) - len(good)]
        assert [(reject.reason, reject.offset) for reject in rejects] == [("overlong", len(good))]


@both
def test_an_overlong_line_that_ends_with_its_file_does_not_swallow_the_next_file(format_: str, good: bytes) -> None:
    reader = reader_of(format_)
    data = b"x" * MAX_RECORD_BYTES
    first = reader.read(reader.begin(), Chunk(data=data, offset=0, arrival=NOON, written=NOON))
    rest = reader.read(first.carry, Chunk(data=b"xx", offset=len(data), arrival=NOON, written=NOON, ended=True))
    assert rest.consumed == 2
    following = reader.read(rest.carry, Chunk(data=good, offset=0, arrival=NOON, written=NOON))
    assert len(following.events) == 1


@both
def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(format_: str, good: bytes) -> None:
    whole = read_whole(format_, b"\xef\xbb\xbf" + good.replace(b"\n", b"\r\n") * 2)
    assert [event.offset for event in whole.events] == [3, 3 + len(good) + 1]
    assert whole.rejects == []


@both
def test_utf_16_is_rejected_line_by_line(format_: str, good: bytes) -> None:
    whole = read_whole(format_, (good * 3).decode().encode("utf-16"))
    assert whole.events == []
    assert set(reasons(whole)) == {"binary"}


@both
def test_zeros_of_a_power_cut_do_not_hide_the_record_behind_them(format_: str, good: bytes) -> None:
    whole = read_whole(format_, good[:30] + b"\0" * 4096 + good)
    assert [event.offset for event in whole.events] == [30 + 4096]
    assert reasons(whole) == ["binary"]


@both
def test_a_partial_last_line_is_waited_for(format_: str, good: bytes) -> None:
    whole = read_whole(format_, good + good[:40], ended=False)
    assert len(whole.events) == 1
    assert whole.rejects == []


@both
def test_a_clock_an_hour_ahead_is_believed_here(format_: str, good: bytes) -> None:
    whole = read_whole(format_, good, now=1_795_521_599_000 - 3_600_000)
    assert [event.time for event in whole.events] == [1_795_521_599_000]


def test_json_nested_without_end_is_a_reject() -> None:
    assert reasons(read_whole("jsonl", b'{"event":' + b"[" * 500_000 + b"\n" + JSON_LINE)) == ["json"]


# the years and hours of stamps that have neither year nor zone ------------------------------------------------


def stamped(stamp: str) -> bytes:
    return stamp.encode() + SET_LINE[len("24.11 14:59:59.000") :]


def times(data: bytes, written: str, zone: str = "UTC", now: str = "") -> list[str]:
    def ms(text: str) -> int:
        return int(datetime.fromisoformat(text).timestamp() * 1000)

    whole = read_whole(
        "set-retail",
        data,
        now=ms(now or written),
        written=ms(written),
        origin=Origin(chain="m", store="1001", pos="3", zone=zone),
    )
    return [datetime.fromtimestamp(event.time // 1000, UTC).strftime("%Y-%m-%d %H:%M") for event in whole.events]


@pytest.mark.parametrize(
    ("stamp", "written", "expected"),
    [
        pytest.param("24.11 10:00:00", "2026-11-24T12:00Z", "2026-11-24 10:00", id="today"),
        pytest.param("25.11 10:00:00", "2026-11-24T12:00Z", "2026-11-25 10:00", id="a clock ahead"),
        pytest.param("30.11 10:00:00", "2026-11-24T12:00Z", "2025-11-30 10:00", id="too far ahead: last year"),
        pytest.param("25.11 10:00:00", "2026-11-23T12:00Z", "2026-11-25 10:00", id="two days ahead"),
        pytest.param("31.12 23:59:00", "2026-01-01T00:05Z", "2025-12-31 23:59", id="last year's last minute"),
        pytest.param("01.01 00:01:00", "2025-12-31T23:59Z", "2026-01-01 00:01", id="next year, the clock is ahead"),
        pytest.param("29.02 10:00:00", "2026-03-01T12:00Z", "2024-02-29 10:00", id="the last leap day"),
    ],
)
def test_the_year_is_the_latest_that_fits_the_time_of_the_file(stamp: str, written: str, expected: str) -> None:
    assert times(stamped(stamp), written) == [expected]


def test_a_file_without_a_time_is_judged_by_its_arrival() -> None:
    assert times(stamped("24.11 10:00:00"), "1970-01-01T00:00Z", now="2026-11-24T12:00Z") == ["2026-11-24 10:00"]


def test_a_share_that_tells_the_time_of_writing_days_late_does_not_make_it_last_year() -> None:
    assert times(stamped("24.11 10:00:00"), "2026-11-01T00:00Z", now="2026-11-24T12:00Z") == ["2026-11-24 10:00"]


def test_a_file_of_long_ago_keeps_its_year() -> None:
    assert times(stamped("24.11 10:00:00"), "2023-11-24T12:00Z", now="2026-11-24T12:00Z") == ["2023-11-24 10:00"]


def test_a_journal_goes_over_new_year() -> None:
    data = stamped("31.12 23:59:59") + stamped("01.01 00:00:01")
    assert times(data, "2026-01-01T00:00:02Z") == ["2025-12-31 23:59", "2026-01-01 00:00"]


def test_an_hour_that_comes_twice_is_told_apart_by_the_order_of_records() -> None:
    stamps = [
        "25.10 02:10:00",
        "25.10 02:50:00",
        "25.10 02:49:59",
        "25.10 02:10:00",
        "25.10 02:50:00",
        "25.10 03:00:00",
    ]
    assert times(b"".join(map(stamped, stamps)), "2026-10-25T12:00Z", "Europe/Berlin") == [
        "2026-10-25 00:10",
        "2026-10-25 00:50",
        "2026-10-25 00:49",
        "2026-10-25 01:10",
        "2026-10-25 01:50",
        "2026-10-25 02:00",
    ]


def test_a_stamp_in_the_hour_that_is_left_out_is_of_a_clock_not_yet_set() -> None:
    stamps = ["29.03 01:59:00", "29.03 02:30:00", "29.03 03:31:00"]
    assert times(b"".join(map(stamped, stamps)), "2026-03-29T12:00Z", "Europe/Berlin") == [
        "2026-03-29 00:59",
        "2026-03-29 01:30",
        "2026-03-29 01:31",
    ]


def test_clocks_that_change_by_half_an_hour_are_followed() -> None:
    stamps = ["05.04 01:20:00", "05.04 01:50:00", "05.04 01:31:00", "05.04 02:00:00"]
    assert times(b"".join(map(stamped, stamps)), "2026-04-05T12:00Z", "Australia/Lord_Howe") == [
        "2026-04-04 14:20",
        "2026-04-04 14:50",
        "2026-04-04 15:01",
        "2026-04-04 15:30",
    ]


# calls over many lines -----------------------------------------------------------------------------------------

REQUEST = (
    b"24.11 14:59:50.000 INFO  [LoymaxUtils] Loymax request:\n<XMLRequest>\n<Balances>\n"
    b'<BalanceRequest OperationID="op-1" ElementID="1">\n</BalanceRequest></Balances>\n</XMLRequest>\n'
)
ANSWER = (
    b"24.11 14:59:50.400 INFO  [LoymaxUtils] Loymax response:\n<XMLResponse><ErrorCode>0</ErrorCode>\n"
    b'<Balances><BalanceResponse OperationID="op-1" ErrorCode="0"/></Balances></XMLResponse>\n'
)


def test_a_journal_that_ends_in_the_middle_of_xml_is_waited_for() -> None:
    waiting = read_pieces("set-retail", SET_LINE + REQUEST[:90], [], ended=False)
    assert [type(event) for event in waiting.events] == [KeyPressed]
    assert waiting.rejects == []
    grown = read_pieces("set-retail", SET_LINE + REQUEST + ANSWER, [len(SET_LINE) + 90])
    assert [type(event) for event in grown.events] == [KeyPressed, LoyaltyRequest, LoyaltyResponse]
    assert grown.rejects == []


def test_xml_that_will_never_be_whole_is_a_reject_and_what_follows_is_read() -> None:
    ended = read_whole("set-retail", SET_LINE + REQUEST[:90])
    assert reasons(ended) == ["truncated"]
    followed = read_whole("set-retail", REQUEST[:90] + b"\n" + SET_LINE + REQUEST + ANSWER)
    assert [type(event) for event in followed.events] == [KeyPressed, LoyaltyRequest, LoyaltyResponse]
    assert reasons(followed) == ["truncated"]


def test_an_endless_call_is_one_reject_and_what_follows_is_read() -> None:
    filling = b"<ChequeLine/>\n" * (MAX_LINES_BYTES // 14 + 10)
    data = SET_LINE + REQUEST.replace(b"</Balance", filling + b"</Balance") + SET_LINE
    for whole in (read_whole("set-retail", data), read_pieces("set-retail", data, range(0, len(data), 50_000))):
        assert [type(event) for event in whole.events] == [KeyPressed, KeyPressed]
        assert [(reject.reason, reject.offset) for reject in whole.rejects] == [("overlong", len(SET_LINE))]


def test_an_answer_in_another_chunk_has_the_latency_of_its_call() -> None:
    whole = read_pieces("set-retail", REQUEST + ANSWER, [len(REQUEST)])
    assert [e.latency_ms for e in whole.events if isinstance(e, LoyaltyResponse)] == [400]


def test_calls_without_answers_do_not_pile_up_in_the_carry() -> None:
    calls = b"".join(REQUEST.replace(b"op-1", b"op-%d" % number) for number in range(1000))
    whole = read_whole("set-retail", calls)
    assert len(whole.events) == 1000
    assert len(msgspec.msgpack.encode(whole.carry)) < 700


def test_what_stands_in_front_of_the_first_set_event_is_of_the_same_till() -> None:
    opened = b'24.11 14:59:58.000 INFO  [PrismaBridgeImpl] {"events":[{"shop":1001,"cash":3,"mode":4,"purchase":7}]}\n'
    offline = b"24.11 14:59:57.000 WARN  [TechProcessImpl] Server offline mode\n"
    whole = read_whole("set-retail", offline + opened, origin=Origin(chain="m"))
    assert [(type(e), e.store, e.pos) for e in whole.events] == [
        (LinkChanged, "1001", "3"),
        (ReceiptOpened, "1001", "3"),
    ]


def test_an_error_without_a_cause_is_told_when_the_next_record_begins() -> None:
    failed = b"24.11 14:59:58.000 ERROR [LoymaxUtils] Loymax request failed\n"
    assert read_whole("set-retail", REQUEST + failed, ended=False).events[1:] == []
    told = read_whole("set-retail", REQUEST + failed + SET_LINE).events[1]
    assert told.code == "SET.LOYMAXUTILS"  # type: ignore[attr-defined]
