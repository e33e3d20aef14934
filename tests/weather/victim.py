"""A collector that can be killed at a named point: `victim.py SETTINGS POINT COUNT`.

It is the real one, assembled as the command does; only the watch over its points is added. The COUNT-th time that
POINT is passed, it kills itself with SIGKILL. POINT "-" means never.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

from zabbix_plugins.collector import run
from zabbix_plugins.commands.collect import assemble
from zabbix_plugins.settings import load_settings


def main() -> None:
    settings, point, count = sys.argv[1:]
    left = int(count)

    def at(passed: str) -> None:
        nonlocal left
        if passed == point:
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

    collector, _ = assemble(load_settings(Path(settings)), at=at)
    print("ready", flush=True)

    def pause() -> bool:
        time.sleep(0.005)
        return False

    run(collector, pause=pause)


main()
