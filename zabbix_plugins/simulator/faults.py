"""Faults: planted and ended while a simulation runs, through one small file beside its journals.

The running simulation looks at the file every second. Every planting and ending is also written into the truth, by
the simulation, at the instant at which it took effect.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from zabbix_plugins.errors import BadConfiguration, Temporary

FAULTS: Mapping[str, str] = {
    "loyalty-down": "the processing answers with errors, or not at all",
    "loyalty-offline": "all registers lose the processing, go offline and call no more",
    "loyalty-slow": "answers take 3 to 6 seconds; many calls run into their time limit and are repeated",
    "region-network": "the registers of one region are offline",
    "store-offline": "one store is dark: its registers write nothing at all",
}
NEEDS_PLACE = {"region-network": "region", "store-offline": "store"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A planted fault; empty `chain`, `region`, `store` mean everywhere."""

    name: str
    chain: str = ""
    region: str = ""
    store: str = ""

    def strikes(self, chain: str, region: str, store: str) -> bool:
        """Does it befall this store?"""
        return self.chain in ("", chain) and self.region in ("", region) and self.store in ("", store)


def _file(folder: Path) -> Path:
    return folder / "faults.json"


def planted(folder: Path) -> list[Fault]:
    """The faults of the simulation in `folder`; [] where there is no file (yet)."""
    try:
        return msgspec.json.decode(_file(folder).read_bytes(), type=list[Fault])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise Temporary(f"the list of faults cannot be read: {error}", where=str(_file(folder))) from error


def _replace(folder: Path, faults: list[Fault]) -> None:
    temporary = folder / "_faults.json"
    try:
        temporary.write_bytes(msgspec.json.encode(faults))
        temporary.replace(_file(folder))
    except OSError as error:
        raise Temporary(f"the list of faults cannot be written: {error.strerror}", where=str(temporary)) from error


def plant(folder: Path, fault: Fault) -> None:
    """Plant a fault; one of the same name and place is there once. Raises `BadConfiguration` for what cannot be."""
    if fault.name not in FAULTS:
        raise BadConfiguration(f"there is no fault {fault.name!r}", remedy=f"use one of {', '.join(FAULTS)}")
    place = NEEDS_PLACE.get(fault.name)
    if place and not getattr(fault, place):
        raise BadConfiguration(f"fault {fault.name} needs a {place}", remedy=f"say which with --{place}")
    if not os.path.isdir(folder):  # noqa: PTH112
        raise BadConfiguration(
            "no simulation runs here", where=str(folder), remedy="start one with tillwatch simulate run"
        )
    _replace(folder, [*(each for each in planted(folder) if each != fault), fault])


def end(folder: Path, name: str) -> int:
    """End every fault of that name; returns how many there were."""
    faults = planted(folder)
    rest = [fault for fault in faults if fault.name != name]
    _replace(folder, rest)
    return len(faults) - len(rest)
