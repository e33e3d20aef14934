"""The bounded memories for what was read before."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from zabbix_plugins.model.memory import DAY_MS, MAX_GAPS, ReceiptMemory, Watermark


def test_numbers_that_run_on_leave_no_gap() -> None:
    mark = Watermark()
    assert [mark.accept(seq, seq) for seq in (5, 6, 7)] == [True, True, True]
    assert (mark.high, mark.gaps, mark.missing) == (7, [], 0)


def test_a_hole_is_counted_and_filled_by_a_late_record_once() -> None:
    mark = Watermark()
    assert [mark.accept(seq, seq) for seq in (1, 5)] == [True, True]
    assert (mark.gaps, mark.missing) == ([(2, 4)], 3)
    assert [mark.accept(3, 3), mark.accept(3, 3)] == [True, False]
    assert (mark.gaps, mark.missing) == ([(2, 2), (4, 4)], 2)


def test_a_copy_is_never_younger_so_a_low_number_with_a_new_time_is_a_new_count() -> None:
    mark = Watermark()
    assert mark.accept(900, 1_000)
    assert not mark.accept(1, 500)
    assert mark.accept(1, 2_000)
    assert mark.accept(2, 2_001)


def test_the_list_of_gaps_is_bounded() -> None:
    mark = Watermark()
    for seq in range(0, 400, 2):
        mark.accept(seq, seq)
    assert len(mark.gaps) == MAX_GAPS
    assert mark.missing == 199


@given(st.lists(st.integers(min_value=1, max_value=60), max_size=80))
def test_receipt_ranges_know_exactly_what_was_added(numbers: list[int]) -> None:
    memory, truth = ReceiptMemory(), set[int]()
    for number in numbers:
        assert memory.seen(1, number, 0) == (number in truth)
        if number not in truth:
            memory.add(1, number, 0)
            truth.add(number)
    ranges = memory.days.get(0, {}).get(1, [])
    assert [n for low, high in ranges for n in range(low, high + 1)] == sorted(truth)
    assert all(second[0] > first[1] + 1 for first, second in pairwise(ranges))


def test_text_numbers_shifts_and_days_are_kept_apart_and_forgotten_by_day() -> None:
    memory = ReceiptMemory()
    memory.add("A", "x-1", 0)
    memory.add(2, 7, DAY_MS)
    assert memory.seen("A", "x-1", 5)
    assert not memory.seen("B", "x-1", 5)
    assert not memory.seen(2, 7, 0)
    memory.forget(DAY_MS)
    assert not memory.seen("A", "x-1", 5)
    assert memory.seen(2, 7, DAY_MS + 1)
