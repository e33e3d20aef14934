"""Document of the family "collector": how Tillwatch itself is doing."""

from __future__ import annotations

import msgspec

from zabbix_plugins.checks.document import Head


class CollectorDocument(Head, frozen=True, kw_only=True):
    """The fields of `catalogue.COLLECTOR`; counts since the ledger was begun unless they are a present state."""

    lag_seconds: int
    journals: int
    unreachable: int
    lines: int
    rejects: int
    unknown_lines: int
    late: int
    too_old: int
    duplicates: int
    gaps: int
    skewed: int
    unknown_stores: int
    unknown_codes: int


def collector_document(
    head: Head, facts: dict[str, int], *, journals: int, unreachable: int, unknown_stores: int, unknown_codes: int
) -> CollectorDocument:
    """The document from the ledger's facts and what the last pass over the journals found."""
    counted = {
        name: facts.get(name, 0)
        for name in ("lines", "rejects", "unknown_lines", "late", "too_old", "duplicates", "gaps", "skewed")
    }
    present = {
        "lag_seconds": max(0, head.published - head.window_end),
        "journals": journals,
        "unreachable": unreachable,
        "unknown_stores": unknown_stores,
        "unknown_codes": unknown_codes,
    }
    return msgspec.convert({**msgspec.structs.asdict(head), **counted, **present}, CollectorDocument)
