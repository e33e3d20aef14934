"""The simulated estate: chains, regions, stores and registers, made from a seed and a size."""

from __future__ import annotations

import csv
import io
import random

import msgspec

REGIONS = (
    ("north", "North", "Europe/Moscow", 59.9, 30.3),
    ("centre", "Centre", "Europe/Moscow", 55.7, 37.6),
    ("volga", "Volga", "Europe/Samara", 53.2, 50.1),
    ("ural", "Ural", "Asia/Yekaterinburg", 56.8, 60.6),
)
CHAINS = (("magnolia", "Magnolia"), ("polyana", "Polyana"))
_STREETS = ("Lesnaya", "Sadovaya", "Tsentralnaya", "Naberezhnaya", "Polevaya", "Zarechnaya", "Parkovaya", "Mira")


class SimulatedStore(msgspec.Struct, frozen=True, kw_only=True):
    """One shop with its registers."""

    chain: str
    chain_name: str
    region: str
    region_name: str
    store: str
    name: str
    zone: str
    latitude: float
    longitude: float
    pos: tuple[str, ...]


def make_estate(seed: int, stores: int) -> list[SimulatedStore]:
    """`stores` shops spread evenly over two chains and four regions, two to four registers each."""
    rng = random.Random(seed)
    result = []
    for number in range(stores):
        chain, chain_name = CHAINS[number % len(CHAINS)]
        region, region_name, zone, latitude, longitude = REGIONS[number // len(CHAINS) % len(REGIONS)]
        result.append(
            SimulatedStore(
                chain=chain,
                chain_name=chain_name,
                region=region,
                region_name=region_name,
                store=f"{1001 + number}",
                name=f"{rng.choice(_STREETS)} {rng.randrange(1, 120)}",
                zone=zone,
                latitude=round(latitude + rng.uniform(-1, 1), 4),
                longitude=round(longitude + rng.uniform(-2, 2), 4),
                pos=tuple(str(pos + 1) for pos in range(rng.randrange(2, 5))),
            )
        )
    return result


def estate_csv(stores: list[SimulatedStore]) -> str:
    """The estate file of these stores."""
    text = io.StringIO()
    columns = [name for name in SimulatedStore.__struct_fields__ if name != "pos"]
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for store in stores:
        writer.writerow([getattr(store, column) for column in columns])
    return text.getvalue()
