"""Programs that run behind the demo: started in a session of their own, found again by pid file, stopped for sure."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from zabbix_plugins.errors import Permanent, Temporary

STOP_SECONDS = 20.0


def need_root() -> None:
    """Raise `Permanent` unless we are root: servers are started under users of their own."""
    if os.geteuid() != 0:
        raise Permanent("this needs root, because servers run under users of their own", remedy="use sudo")


def ensure_user(name: str, home: Path, say: Callable[[str], None]) -> pwd.struct_passwd:
    """The system user `name`, made when there is none."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        say(f"making the system user {name}")
        command = ["useradd", "--system", "--user-group", "--home-dir", str(home), "--no-create-home"]
        done = subprocess.run(
            [*command, "--shell", "/usr/sbin/nologin", name], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise Permanent(f"user {name} cannot be made: {done.stderr.strip()}", remedy="make it by hand") from None
        return pwd.getpwnam(name)


def check_ports(ports: Mapping[str, int]) -> None:
    """Raise `Permanent` naming the first port (use → number) on 127.0.0.1 that somebody listens on."""
    for use, port in ports.items():
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise Permanent(
                    f"port {port} on 127.0.0.1, wanted for {use}, is taken",
                    remedy="stop what listens there (ss -ltnp shows it) or choose other ports with --first-port",
                ) from None


def wait_until(ready: Callable[[], bool], seconds: float, what: str, log: Path) -> None:
    """Wait for a server; raises `Temporary` with the end of its log when it does not come up in time."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
            raise Temporary(f"{what} did not come up in {seconds:.0f} s: {' | '.join(tail)}", where=str(log))
        time.sleep(0.1)


def listens(port: int) -> bool:
    """Does somebody accept connections on this port of 127.0.0.1?"""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program(msgspec.Struct, frozen=True):
    """One program: its pid file is `folder/NAME.pid`, its log `folder/NAME.log`.

    `mark` stands in its command line, so that a pid used again by somebody else is not taken for it.
    """

    name: str
    folder: Path
    mark: str

    @property
    def log(self) -> Path:
        """What the program wrote to stdout and stderr."""
        return self.folder / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / f"{self.name}.pid"

    def start(
        self,
        command: Sequence[object],
        environment: Mapping[str, str],
        *,
        user: str | None = None,
        cwd: Path | None = None,
    ) -> None:
        """Start it in a session of its own, under `user` when given."""
        account = pwd.getpwnam(user) if user else None
        with self.log.open("ab") as log:
            child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=dict(environment),
                cwd=cwd or self.folder,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                umask=0o027,
            )
        self._pid_file.write_text(f"{child.pid}\n")
        _children[child.pid] = child

    def pid(self) -> int | None:
        """Its process id while it runs, else None."""
        try:
            pid = int(self._pid_file.read_text())
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (OSError, ValueError):
            return None
        return pid if self.mark in line and not _is_dead(pid) else None

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to end, then make it: the whole process group."""
        pid = self.pid()
        if pid is not None:
            for each, patience in ((number, STOP_SECONDS), (signal.SIGKILL, 5.0)):
                _signal_group(pid, each)
                until = time.monotonic() + patience
                while _group_lives(pid) and time.monotonic() < until:
                    time.sleep(0.05)
                if not _group_lives(pid):
                    break
        self._pid_file.unlink(missing_ok=True)


_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this very program, which must be waited for or they stay behind as zombies."""


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and child.poll() is not None:
        del _children[pid]


def _is_dead(pid: int) -> bool:
    _reap(pid)
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return


def _group_lives(group: int) -> bool:
    _reap(group)
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[2]) == group and fields[0] != "Z":
                return True
    return False
