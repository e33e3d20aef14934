"""Documents of the family "availability": one for the total, one per chain, each with its parts."""

from __future__ import annotations

import msgspec

from zabbix_plugins.checks.document import Head
from zabbix_plugins.discovery.parts import parts_of
from zabbix_plugins.ledger.ledger import Key, Ledger
from zabbix_plugins.metrics.availability import Availability, availability


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A chain of the total, or a region of a chain: window name → values."""

    id: str
    name: str
    windows: dict[str, Availability]


class AvailabilityDocument(Head, frozen=True, kw_only=True):
    """window name → values, for the whole and for each part."""

    windows: dict[str, Availability]
    parts: list[Part]


def windows_of(ledger: Ledger, key: Key) -> dict[str, Availability]:
    """The family's values of one key in every window."""
    return {window: availability(counts) for window, counts in ledger.windows(key).items()}


def availability_document(ledger: Ledger, key: Key, head: Head) -> AvailabilityDocument:
    """The document of the total or of a chain; `head` says which."""
    return AvailabilityDocument(
        **msgspec.structs.asdict(head),
        windows=windows_of(ledger, key),
        parts=[Part(id=row.id, name=row.name, windows=windows_of(ledger, row.key)) for row in parts_of(ledger, key)],
    )
