"""A clock set forward is doubted until it is set back, or for five minutes."""

from __future__ import annotations

from zabbix_plugins.model.clock import PATIENCE_MS, ClockWatch

HOUR = 3_600_000


def looks(jumps: dict[int, int], seconds: int = 400) -> list[int]:
    """The seconds, of one look each, in which the clock is doubted; `jumps`: second → milliseconds set forward."""
    watch, offset, doubted = ClockWatch(), 1_000_000, []
    for second in range(seconds):
        offset += jumps.get(second, 0)
        if watch.doubtful(second * 1000 + offset, second * 1000):
            doubted.append(second)
    return doubted


def test_a_clock_that_runs_is_believed_small_corrections_too() -> None:
    assert looks({10: 900, 20: -900, 30: 30_000}) == []


def test_a_clock_set_forward_is_doubted_for_five_minutes() -> None:
    assert looks({10: HOUR}) == list(range(10, 10 + PATIENCE_MS // 1000))


def test_a_clock_set_back_again_is_believed_at_once() -> None:
    assert looks({10: HOUR, 60: -HOUR}) == list(range(10, 60))


def test_a_clock_set_back_is_believed_since_it_closes_nothing() -> None:
    assert looks({10: -HOUR}) == []


def test_a_second_jump_begins_the_doubt_anew() -> None:
    assert looks({10: HOUR, 200: HOUR}, 600) == list(range(10, 200 + PATIENCE_MS // 1000))


def test_a_machine_that_slept_has_not_jumped() -> None:
    """Both clocks went on, as CLOCK_BOOTTIME does; the backlog is read as ever."""
    watch = ClockWatch()
    assert not watch.doubtful(0, 0)
    assert not watch.doubtful(HOUR, HOUR)
