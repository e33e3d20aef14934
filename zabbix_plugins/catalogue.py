"""The catalogue: every metric of Tillwatch, once (design, decision 10).

Templates, dashboards, documents, README tables and tests are generated from it or held against it. A metric's
`id` is permanent: the UUIDs in templates derive from it, never from key or name, so that a renamed item keeps
its history. Keys and ids stay English; names and descriptions are what an operator reads.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from zabbix_plugins.model.window import WINDOWS

Level = Literal["total", "chain", "region", "store"]
LEVELS: tuple[Level, ...] = ("total", "chain", "region", "store")


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One fact that Tillwatch states.

    `id`: permanent name, part of UUIDs. `key`: the Zabbix item key without parameters. `field`: its name in
    documents. `windowed`: stated once per window of `windows`, else once. `value_type`: as Zabbix has them.
    `better`: which direction is good. `absent`: what a missing value means.
    """

    id: str
    family: str
    key: str
    field: str
    name: str
    unit: str
    value_type: Literal["unsigned", "float", "text"]
    description: str
    levels: tuple[Level, ...] = LEVELS
    windowed: bool = True
    windows: tuple[str, ...] = tuple(WINDOWS)
    better: Literal["up", "down", "none"] = "none"
    absent: Literal["never", "unknown"] = "never"


CONFIDENCE_Z = 1.6448536269514722
"""z of the confidence bounds: one-sided 95 % (quantile of the standard normal distribution at 0.95)."""

AVAILABILITY: tuple[Metric, ...] = (
    Metric(
        id="loyalty.availability",
        family="availability",
        key="loyalty.availability",
        field="availability",
        name="Loyalty availability",
        unit="%",
        value_type="float",
        better="up",
        absent="unknown",
        description="Share of transactions that the loyalty service served: 1 - hit / transactions. "
        "Without transactions there is no value.",
    ),
    Metric(
        id="loyalty.availability.lower",
        family="availability",
        key="loyalty.availability.lower",
        field="lower",
        name="Loyalty availability, lower bound",
        unit="%",
        value_type="float",
        better="up",
        absent="unknown",
        description="Lower confidence bound of availability (Wilson score, one-sided 95 %): "
        "with so few transactions it may well be as low as this.",
    ),
    Metric(
        id="loyalty.availability.upper",
        family="availability",
        key="loyalty.availability.upper",
        field="upper",
        name="Loyalty availability, upper bound",
        unit="%",
        value_type="float",
        better="up",
        absent="unknown",
        description="Upper confidence bound of availability (Wilson score, one-sided 95 %): "
        "availability is certainly not better than this.",
    ),
    Metric(
        id="loyalty.transactions",
        family="availability",
        key="loyalty.transactions",
        field="transactions",
        name="Loyalty transactions",
        unit="",
        value_type="unsigned",
        description="Closed sale and return receipts that used loyalty or should have. Always stated, also as 0.",
    ),
    Metric(
        id="loyalty.hit",
        family="availability",
        key="loyalty.hit",
        field="hit",
        name="Loyalty transactions hit",
        unit="",
        value_type="unsigned",
        better="down",
        description="Transactions touched by a critical error, an unanswered call or offline mode, "
        "which no later call of the same receipt made good.",
    ),
    Metric(
        id="loyalty.recovered",
        family="availability",
        key="loyalty.recovered",
        field="recovered",
        name="Loyalty transactions recovered by retry",
        unit="",
        value_type="unsigned",
        better="down",
        description="Transactions touched by a critical error that a later call of the same receipt made good.",
    ),
    Metric(
        id="loyalty.receipts",
        family="availability",
        key="loyalty.receipts",
        field="receipts",
        name="Receipts",
        unit="",
        value_type="unsigned",
        description="All closed sale and return receipts, with and without loyalty, training mode left out.",
    ),
)

WINDOW_END = Metric(
    id="tillwatch.window_end",
    family="availability",
    key="tillwatch.window_end",
    field="window_end",
    name="End of the last closed minute",
    unit="unixtime",
    value_type="unsigned",
    windowed=False,
    description="Every windowed value of the same poll ends here.",
)

ERRORS: tuple[Metric, ...] = (
    Metric(
        id="loyalty.errors",
        family="errors",
        key="loyalty.errors",
        field="counts",
        name="Errors",
        unit="",
        value_type="unsigned",
        levels=("total", "chain"),
        better="down",
        description="How often this error code was written by registers.",
    ),
)

COLLECTOR: tuple[Metric, ...] = tuple(
    Metric(
        id=f"tillwatch.{field}",
        family="collector",
        key=f"tillwatch.{field}",
        field=field,
        name=name,
        unit=unit,
        value_type="unsigned",
        levels=("total",),
        windowed=False,
        better="down",
        description=description,
    )
    for field, name, unit, description in (
        ("lag_seconds", "Lag of the collector", "s", "How long after its end the last minute was closed."),
        ("journals", "Journals followed", "", "Journals that were found at the last pass."),
        ("unreachable", "Journals that cannot be read", "", "Permission denied, gone, or damaged storage."),
        ("lines", "Journal lines read", "", "Since the ledger was begun."),
        ("rejects", "Journal lines rejected", "", "Lines that could not be read, since the ledger was begun."),
        ("unknown_lines", "Journal lines not understood", "", "Well-formed lines of no kind that is known."),
        ("late", "Late events", "", "Events for a minute already closed; the ledger was corrected."),
        ("too_old", "Events too old to judge", "", "Older than the memory for duplicates; not counted."),
        ("duplicates", "Duplicates dropped", "", "Events and receipts that were read before."),
        ("gaps", "Records missing", "", "Holes in the numbering of registers' records, plus files lost unread."),
        ("skewed", "Events ahead of time", "", "More than two minutes ahead of their arrival (register's clock)."),
        ("unknown_stores", "Stores not in the estate", "", "Stores that trade but stand in no estate file."),
        ("unknown_codes", "Error codes not in the dictionary", "", "Different codes seen so far."),
    )
)

METRICS: tuple[Metric, ...] = (*AVAILABILITY, WINDOW_END, *ERRORS, *COLLECTOR)
"""Every metric, in the order in which people should read them."""
