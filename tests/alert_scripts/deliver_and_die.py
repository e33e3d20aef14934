"""A deliverer in a process of its own that kills itself at the named step: SPOOL OUTBOX PORT STEP NOW."""

import os
import signal
import sys
from pathlib import Path

from alert_scripts.deliver import Deliverer, alone
from alert_scripts.outbox import Outbox
from alert_scripts.smtp import MailSettings

spool, outbox, port, last, now = sys.argv[1:]


def at(step: str) -> None:
    if step == last:
        os.kill(os.getpid(), signal.SIGKILL)


with alone(Path(f"{outbox}.lock")):
    deliverer = Deliverer(
        spool=Path(spool),
        outbox=Outbox(Path(outbox)),
        settings=MailSettings(host="127.0.0.1", port=int(port), timeout_seconds=5),
        at=at,
    )
    deliverer.deliver_once(int(now))
