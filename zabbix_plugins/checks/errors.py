"""Documents of the family "errors": every code with its plain words, owner and counts."""

from __future__ import annotations

import msgspec

from zabbix_plugins.checks.document import Head
from zabbix_plugins.ledger.ledger import Key, Ledger
from zabbix_plugins.metrics.errors import OTHER, error_codes
from zabbix_plugins.model.dictionary import ErrorDictionary


class CodeRow(msgspec.Struct, frozen=True, kw_only=True):
    """One error code. `known`: it stands in the dictionary. `counts`: window name → how often."""

    code: str
    title: str
    owner: str
    critical: bool
    known: bool
    counts: dict[str, int]


class ErrorsDocument(Head, frozen=True, kw_only=True):
    """All codes of the dictionary, the most frequent unknown ones, and OTHER."""

    codes: list[CodeRow]


def errors_document(ledger: Ledger, dictionary: ErrorDictionary, language: str, key: Key, head: Head) -> ErrorsDocument:
    """The document of the total or of a chain; titles in `language` ("en", "ru")."""
    rows = []
    for stated in error_codes(ledger.windows(key), dictionary.codes):
        entry = dictionary.lookup(stated.code)
        title = "all other codes" if stated.code == OTHER else entry.title[language]
        rows.append(
            CodeRow(
                code=stated.code,
                title=title,
                owner=entry.owner,
                critical=entry.critical,
                known=entry.known or stated.code == OTHER,
                counts=stated.counts,
            )
        )
    return ErrorsDocument(**msgspec.structs.asdict(head), codes=rows)
