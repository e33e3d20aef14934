"""What a total and a chain consist of: the rows of "Chain discovery" and "Region discovery".

The estate says what should exist; what trades without standing in the estate is listed as well, so that no
transaction of the total is missing from its parts.
"""

from __future__ import annotations

import msgspec

from zabbix_plugins.ledger.ledger import Key, Ledger
from zabbix_plugins.model.estate import UNKNOWN_REGION


class PartRow(msgspec.Struct, frozen=True, kw_only=True):
    """One part: its key in the ledger, the id that stands in item keys, the name that people read."""

    key: Key
    id: str
    name: str


def parts_of(ledger: Ledger, key: Key) -> list[PartRow]:
    """The chains of the total, or the regions of a chain, sorted by id; [] for anything else."""
    estate = ledger.estate
    if key[0] == "total":
        chains = set(estate.chain_names) | {chain for _, chain, _ in ledger.keys("chain")}
        return [
            PartRow(key=("chain", chain, ""), id=chain, name=estate.chain_names.get(chain, chain))
            for chain in sorted(chains)
        ]
    if key[0] == "chain":
        names = dict(estate.regions(key[1]))
        for _, _, region in ledger.keys("region", key[1]):
            names.setdefault(region, "Stores not in the estate" if region == UNKNOWN_REGION else region)
        return [PartRow(key=("region", key[1], region), id=region, name=names[region]) for region in sorted(names)]
    return []
