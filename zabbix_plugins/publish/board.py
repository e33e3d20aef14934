"""The board: every document that the collector publishes, made from the ledger and written to the folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from zabbix_plugins.checks.availability import availability_document
from zabbix_plugins.checks.collector import collector_document
from zabbix_plugins.checks.document import Head, encode, file_name
from zabbix_plugins.checks.errors import errors_document
from zabbix_plugins.ledger.ledger import TOTAL, Ledger
from zabbix_plugins.model.dictionary import ErrorDictionary
from zabbix_plugins.model.estate import UNKNOWN_REGION
from zabbix_plugins.model.window import window_end
from zabbix_plugins.publish.documents import publish_document


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What the last pass found of the journals: how many there are, how many could not be read."""

    journals: int = 0
    unreachable: int = 0


def make_documents(
    ledger: Ledger, dictionary: ErrorDictionary, standing: Standing, *, name: str, language: str, now: int
) -> list[Head]:
    """Every document as of the last closed minute (there must be one); `now` in seconds UTC."""
    assert ledger.closed is not None
    head = Head(
        family="availability",
        level="total",
        key="",
        name="All chains",
        collector=name,
        window_end=window_end(ledger.closed),
        published=now,
    )
    chains = sorted(set(ledger.estate.chain_names) | {chain for _, chain, _ in ledger.keys("chain")})
    heads = [
        (TOTAL, head),
        *(
            (
                ("chain", chain, ""),
                msgspec.structs.replace(
                    head, level="chain", key=chain, name=ledger.estate.chain_names.get(chain, chain)
                ),
            )
            for chain in chains
        ),
    ]
    documents: list[Head] = []
    for key, each in heads:
        documents.append(availability_document(ledger, key, each))
        errors = msgspec.structs.replace(each, family="errors")
        documents.append(errors_document(ledger, dictionary, language, key, errors))
    strangers = sum(
        1 for _, chain, store in ledger.keys("store") if ledger.estate.region_of(chain, store) == UNKNOWN_REGION
    )
    documents.append(
        collector_document(
            msgspec.structs.replace(head, family="collector", name=name),
            ledger.facts,
            journals=standing.journals,
            unreachable=standing.unreachable,
            unknown_stores=strangers,
            unknown_codes=sum(1 for code in ledger.codes() if not dictionary.lookup(code).known),
        )
    )
    return documents


def publish_all(folder: Path, documents: list[Head]) -> None:
    """Write every document; raises `Temporary` at the first that cannot be written."""
    for document in documents:
        publish_document(folder, file_name(document), encode(document))
