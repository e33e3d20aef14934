"""Order of the run: quick tests first, then those with real servers, bad weather last."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-write", action="store_true", help="write golden files anew; read the difference")


@pytest.fixture
def golden_write(request: pytest.FixtureRequest) -> bool:
    """Shall golden files be written instead of compared?"""
    return bool(request.config.getoption("--golden-write"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def turn(item: pytest.Item) -> int:
        if item.get_closest_marker("weather"):
            return 2
        return 1 if item.get_closest_marker("servers") else 0

    items.sort(key=turn)
