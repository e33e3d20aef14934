"""Family "availability": how many transactions the loyalty service served, and how sure that is.

Python states facts (design, decision 6): the ratio and its one-sided confidence bounds by Wilson's score interval
(E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927), which stays
inside 0 … 100 % and means something at five transactions as well as at five million.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt

import msgspec

from zabbix_plugins.catalogue import CONFIDENCE_Z


class Availability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The family's values in one window. Percentages are absent (None) when there was no transaction."""

    transactions: int
    hit: int
    recovered: int
    receipts: int
    availability: float | None = None
    lower: float | None = None
    upper: float | None = None


def wilson(good: int, all_: int, z: float = CONFIDENCE_Z) -> tuple[float, float]:
    """Lower and upper bound of the share `good / all_`, each one-sided at the level of `z`; `all_` > 0."""
    share = good / all_
    square = z * z / all_
    centre = (share + square / 2) / (1 + square)
    spread = z / (1 + square) * sqrt(share * (1 - share) / all_ + square / (4 * all_))
    # at the ends the bound equals the share itself; floating point must not leave it a hair off
    lower = 0.0 if good == 0 else max(0.0, centre - spread)
    upper = 1.0 if good == all_ else min(1.0, centre + spread)
    return lower, upper


def percent(share: float) -> float:
    """A share as a percentage with six decimals, the form in which every document and test states it."""
    return round(share * 100, 6)


def availability(counts: Mapping[str, int]) -> Availability:
    """The family's values from the counts of one window (all of them whole numbers)."""
    transactions, hit = counts.get("transactions", 0), counts.get("hit", 0)
    stated = Availability(
        transactions=transactions,
        hit=hit,
        recovered=counts.get("recovered", 0),
        receipts=counts.get("receipts", 0),
    )
    if not transactions:
        return stated
    good = transactions - hit
    lower, upper = wilson(good, transactions)
    return msgspec.structs.replace(
        stated, availability=percent(good / transactions), lower=percent(lower), upper=percent(upper)
    )
