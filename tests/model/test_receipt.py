"""Which receipts are transactions, and which of them were hit."""

from __future__ import annotations

from collections import Counter

import pytest

from zabbix_plugins.model.event import (
    CardRead,
    Event,
    LinkChanged,
    LoyaltyRequest,
    LoyaltyResponse,
    PosError,
    ReceiptClosed,
    ReceiptOpened,
    ReceiptVoided,
)
from zabbix_plugins.model.receipt import PosState, follow


class FewCodes:
    aliases = {"4711": "LOY.TIMEOUT"}
    touching = frozenset({"LOY.TIMEOUT", "LOY.5XX"})


def tallies(*events: Event, state: PosState | None = None) -> dict[str, int]:
    counts: Counter[str] = Counter()
    state = state or PosState()
    for event in events:
        follow(state, event, FewCodes(), lambda time, counter: counts.update([counter]))
    return dict(counts)


OPENED = ReceiptOpened(time=1_000, shift=1, receipt=7)
CARD = CardRead(time=2_000, card="k1:abc")
ASK = LoyaltyRequest(time=3_000, operation="calculate", operation_id="a")
ANSWER = LoyaltyResponse(time=3_100, operation_id="a")
FAILURE = LoyaltyResponse(time=3_100, operation_id="a", code="LOY.TIMEOUT")
ASK_AGAIN = LoyaltyRequest(time=4_000, operation="calculate", operation_id="b")
ANSWER_AGAIN = LoyaltyResponse(time=4_100, operation_id="b")
CLOSED = ReceiptClosed(time=9_000, shift=1, receipt=7)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([OPENED, CLOSED], {"receipts": 1}, id="no loyalty"),
        pytest.param([OPENED, CARD, CLOSED], {"receipts": 1, "transactions": 1}, id="a card alone should have used it"),
        pytest.param([OPENED, CARD, ASK, ANSWER, CLOSED], {"receipts": 1, "transactions": 1}, id="served"),
        pytest.param(
            [OPENED, CARD, ASK, FAILURE, CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "error:LOY.TIMEOUT": 1},
            id="a critical answer hits",
        ),
        pytest.param(
            [OPENED, CARD, ASK, FAILURE, ASK_AGAIN, ANSWER_AGAIN, CLOSED],
            {"receipts": 1, "transactions": 1, "recovered": 1, "error:LOY.TIMEOUT": 1},
            id="a later success recovers",
        ),
        pytest.param(
            [OPENED, CARD, ASK, ANSWER, ASK_AGAIN, LoyaltyResponse(time=5, operation_id="b", code="4711"), CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "error:LOY.TIMEOUT": 1},
            id="an earlier success does not help, and aliases are resolved",
        ),
        pytest.param(
            [OPENED, CARD, ASK, CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "error:LOY.UNANSWERED": 1},
            id="a call without an answer hits",
        ),
        pytest.param(
            [OPENED, ASK, ASK_AGAIN, ANSWER_AGAIN, CLOSED],
            {"receipts": 1, "transactions": 1, "recovered": 1, "error:LOY.UNANSWERED": 1},
            id="an unanswered call is made good by the next",
        ),
        pytest.param(
            [OPENED, ASK, ASK_AGAIN, ANSWER_AGAIN, FAILURE, CLOSED],
            {"receipts": 1, "transactions": 1, "recovered": 1, "error:LOY.TIMEOUT": 1},
            id="calls are ordered by their requests, not their answers",
        ),
        pytest.param(
            [LinkChanged(time=1, online=False), OPENED, CARD, CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "offline": 1, "error:LOY.OFFLINE": 1},
            id="a card presented while offline is hit, not lost",
        ),
        pytest.param(
            [LinkChanged(time=1, online=False), OPENED, CLOSED], {"receipts": 1}, id="offline without a card is no loss"
        ),
        pytest.param(
            [OPENED, CARD, LinkChanged(time=3, online=False), CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "offline": 1, "error:LOY.OFFLINE": 1},
            id="going offline in the middle hits",
        ),
        pytest.param(
            [OPENED, CARD, ASK, LoyaltyResponse(time=4, operation_id="a", code="LOY.CARD_BLOCKED"), CLOSED],
            {"receipts": 1, "transactions": 1, "error:LOY.CARD_BLOCKED": 1},
            id="a customer's error is counted and hits nobody",
        ),
        pytest.param(
            [OPENED, PosError(time=3, code="LOY.5XX"), CLOSED],
            {"receipts": 1, "transactions": 1, "hit": 1, "error:LOY.5XX": 1},
            id="a critical error written by the POS makes it a transaction",
        ),
        pytest.param([OPENED, CARD, ASK, ReceiptVoided(time=5)], {"cancelled": 1}, id="a cancelled receipt is none"),
        pytest.param(
            [ReceiptOpened(time=1, receipt=7, training=True), CARD, ASK, FAILURE, CLOSED],
            {"training": 1},
            id="training mode counts nothing, not even errors",
        ),
        pytest.param([CARD, OPENED, CLOSED], {"receipts": 1, "transactions": 1}, id="a card read before the opening"),
        pytest.param(
            [OPENED, CARD, ReceiptOpened(time=8_000, shift=1, receipt=8), CLOSED],
            {"abandoned": 2, "receipts": 1},
            id="a receipt whose end is missing is abandoned",
        ),
    ],
)
def test_a_receipt_is_judged_by_the_order_of_its_calls(events: list[Event], expected: dict[str, int]) -> None:
    assert tallies(*events) == expected


def test_a_receipt_that_comes_again_is_counted_once_with_all_its_errors() -> None:
    state = PosState()
    first = tallies(OPENED, CARD, ASK, FAILURE, CLOSED, state=state)
    assert first["receipts"] == 1
    assert tallies(OPENED, CARD, ASK, FAILURE, CLOSED, state=state) == {"duplicates": 1}
    assert tallies(ReceiptOpened(time=10_000, shift=1, receipt=8), CARD, state=state) == {}
    assert tallies(ReceiptClosed(time=11_000, shift=1, receipt=8), state=state) == {"receipts": 1, "transactions": 1}


def test_a_number_used_again_on_the_next_day_is_another_receipt() -> None:
    state = PosState()
    day = 86_400_000
    assert tallies(OPENED, CLOSED, state=state) == {"receipts": 1}
    again = (
        ReceiptOpened(time=day + 1_000, shift=1, receipt=7),
        ReceiptClosed(time=day + 9_000, shift=1, receipt=7),
    )
    assert tallies(*again, state=state) == {"receipts": 1}
