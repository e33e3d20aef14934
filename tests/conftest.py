"""Order of the run (quick tests first, then real servers, bad weather last), and the scene with real servers."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from zabbix_plugins.commands.export import export_scripts
from zabbix_plugins.demo.programs import check_ports
from zabbix_plugins.demo.scene import Scene, SceneSettings
from zabbix_plugins.errors import Permanent


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


def free_ports(count: int) -> int:
    """The first of `count` ports in a row on which nobody listens. Zabbix takes ports up to 32767."""
    for first in range(20_000 + os.getpid() % 100 * 40, 32_700, 40):
        try:
            check_ports({str(port): port for port in range(first, first + count)})
        except Permanent:
            continue
        return first
    raise AssertionError("no free ports")


@pytest.fixture(scope="session")
def scene() -> Iterator[Scene]:
    """Zabbix 6.0 and 7.0 side by side, a mail server, 24 stores that trade, collector and deliverer: all real."""
    folder = Path(tempfile.mkdtemp(prefix="tillwatch-test-"))
    folder.chmod(0o755)
    settings = SceneSettings(flavours=("6.0", "7.0"), first_port=free_ports(20), seed=11, warm_up_minutes=90)
    put_up = Scene(folder, settings, export_scripts)
    try:
        put_up.start(lambda text: None)
        yield put_up
    finally:
        put_up.stop()
        left = [
            line
            for line in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout.splitlines()
            if str(folder) in line
        ]
        put_up.remove()
        assert left == [], "something is left running"
