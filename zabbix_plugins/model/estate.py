"""The estate: all chains, regions and stores that should be heard from, as a value (design, "Who uses it").

The estate file is a CSV with one row per store, so that any ERP can export it. Columns `chain`, `region` and
`store` are needed; `name`, `chain_name`, `region_name`, `zone` (IANA), `latitude`, `longitude` are used when
present; further columns are kept for later and ignored here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from zabbix_plugins.errors import BadConfiguration

UNKNOWN_REGION = "UNKNOWN"
"""Region of stores that trade but stand in no estate file."""

_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """One shop. `zone` is an IANA name; coordinates are decimal degrees or None."""

    chain: str
    region: str
    store: str
    name: str = ""
    zone: str = "UTC"
    latitude: float | None = None
    longitude: float | None = None


class Estate(msgspec.Struct, frozen=True, kw_only=True):
    """Every store by (chain, store), and the display names of chains and regions (by id; (chain, id))."""

    stores: Mapping[tuple[str, str], Store]
    chain_names: Mapping[str, str]
    region_names: Mapping[tuple[str, str], str]

    def region_of(self, chain: str, store: str) -> str:
        """The region of a store, `UNKNOWN_REGION` for a store that the estate does not know."""
        known = self.stores.get((chain, store))
        return known.region if known else UNKNOWN_REGION

    def regions(self, chain: str) -> list[tuple[str, str]]:
        """(id, name) of every region of a chain, in the order of the ids."""
        return sorted((region, name) for (owner, region), name in self.region_names.items() if owner == chain)


EMPTY = Estate(stores={}, chain_names={}, region_names={})


@lru_cache(maxsize=1024)
def known_zone(name: str) -> bool:
    """Is this an IANA time zone?"""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _coordinate(row: Mapping[str, str], column: str, limit: float, where: str) -> float | None:
    text = (row.get(column) or "").strip()
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = limit + 1
    if abs(value) > limit:
        raise BadConfiguration(
            f"{column} {text!r} is no coordinate",
            where=where,
            remedy=f"write decimal degrees between -{limit:g} and {limit:g}, or leave it empty",
        )
    return value


def parse_estate(text: str, where: str) -> Estate:
    """Read the CSV text of an estate file; `where` names it in errors.

    Raises `BadConfiguration` with file and line for a missing column, a bad id, an unknown zone, a bad coordinate
    or a store that stands there twice.
    """
    rows = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")))
    columns = {name.strip() for name in rows.fieldnames or ()}
    missing = [name for name in ("chain", "region", "store") if name not in columns]
    if missing:
        raise BadConfiguration(
            f"column {missing[0]!r} is missing",
            where=f"{where}:1",
            remedy="the first line must name at least chain,region,store",
        )
    stores: dict[tuple[str, str], Store] = {}
    chain_names: dict[str, str] = {}
    region_names: dict[tuple[str, str], str] = {}
    for row in rows:
        place = f"{where}:{rows.line_num}"
        values = {(key or "").strip(): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
        for column in ("chain", "region", "store"):
            if not _ID.fullmatch(values.get(column, "")):
                raise BadConfiguration(
                    f"{column} {values.get(column, '')!r} is no id",
                    where=place,
                    remedy="use 1 to 64 Latin letters, digits, dots, dashes or underscores",
                )
        chain, region, store = values["chain"], values["region"], values["store"]
        if (chain, store) in stores:
            raise BadConfiguration(
                f"store {store} of chain {chain} stands here twice", where=place, remedy="remove one of the rows"
            )
        zone = values.get("zone") or "UTC"
        if not known_zone(zone):
            raise BadConfiguration(
                f"time zone {zone!r} is unknown", where=place, remedy="use an IANA name such as Europe/Moscow"
            )
        stores[chain, store] = Store(
            chain=chain,
            region=region,
            store=store,
            name=values.get("name") or store,
            zone=zone,
            latitude=_coordinate(values, "latitude", 90, place),
            longitude=_coordinate(values, "longitude", 180, place),
        )
        chain_names[chain] = values.get("chain_name") or chain_names.get(chain) or chain
        region_names[chain, region] = values.get("region_name") or region_names.get((chain, region)) or region
    return Estate(stores=stores, chain_names=chain_names, region_names=region_names)
