"""PostgreSQL of a private root: one cluster in one folder, reached through a socket in that folder only."""

from __future__ import annotations

import gzip
import shutil
import signal
import subprocess
from pathlib import Path

from zabbix_plugins.demo.packages import Root, Say
from zabbix_plugins.demo.programs import Program, wait_until
from zabbix_plugins.errors import Temporary

DATABASE = "zabbix"

# fsync off: a demo's and a test's data may be lost with the machine, and start-up is ten times faster.
_SETTINGS = """
listen_addresses=''
unix_socket_directories='{folder}'
max_connections=100
shared_buffers=256MB
max_wal_size=2GB
fsync=off
full_page_writes=off
synchronous_commit=off
jit=off
"""


class Postgres:
    """A cluster in `folder`/data under `user`; only that user reaches its socket, without a password."""

    def __init__(self, root: Root, folder: Path, user: str) -> None:
        self.folder = folder
        self._root = root
        self._user = user
        self._data = folder / "data"
        self._bin = root.path("usr/lib/postgresql/15/bin")
        self._program = Program("postgres", folder, str(self._data))

    def _command(self, *command: str | Path, feed: bytes | None = None) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=self.folder,
            env=self._root.environment(),
            input=feed,
            capture_output=True,
            user=self._user,
            group=self._user,
            extra_groups=[],
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise Temporary(
                f"PostgreSQL: {Path(command[0]).name} failed: {' '.join(said[-2:])}", where=str(self.folder)
            )
        return done.stdout.decode()

    def query(self, sql: str, database: str = DATABASE) -> str:
        """The answer of one statement, unaligned, without headings."""
        return self._command(
            self._bin / "psql", "-X", "-q", "-At", "-h", self.folder, "-d", database, "-c", sql
        ).strip()

    def start(self, template: Path | None, say: Say) -> None:
        """Start the cluster, made from `template` (a tar of one with Zabbix's tables) or from nothing."""
        if not (self._data / "PG_VERSION").exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            shutil.chown(self.folder, self._user, self._user)
            self.folder.chmod(0o700)
            if template is not None and template.exists():
                say("PostgreSQL: taking the database from the cache")
                subprocess.run(["tar", "-xzf", template, "-C", self.folder], check=True)
                subprocess.run(["chown", "-R", f"{self._user}:{self._user}", self._data], check=True)
            else:
                say("PostgreSQL: making a cluster")
                initdb = ("initdb", "-D", self._data, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
                self._command(self._bin / initdb[0], *initdb[1:])
            (self._data / "postgresql.auto.conf").write_text(_SETTINGS.format(folder=self.folder))
            (self._data / "postmaster.pid").unlink(missing_ok=True)
        if self._program.pid() is None:
            self._program.start(
                [self._bin / "postgres", "-D", self._data], self._root.environment(), user=self._user, cwd=self.folder
            )
        wait_until(self._answers, 60, "PostgreSQL", self._program.log)

    def _answers(self) -> bool:
        try:
            return self.query("select 1", "postgres") == "1"
        except Temporary:
            return False

    def has_database(self) -> bool:
        """Was the database made?"""
        return self.query(f"select 1 from pg_database where datname = '{DATABASE}'", "postgres") == "1"  # noqa: S608

    def make_database(self, scripts: list[Path], say: Say) -> None:
        """Make Zabbix's database from its gzip'ed SQL scripts."""
        self.query(f"create database {DATABASE} encoding 'UTF8' template template0", "postgres")
        for script in scripts:
            say(f"PostgreSQL: {script.name}")
            psql = ("psql", "-X", "-q", "-1", "-v", "ON_ERROR_STOP=1", "-h", self.folder, "-d", DATABASE)
            self._command(self._bin / psql[0], *psql[1:], feed=gzip.decompress(script.read_bytes()))
        # without statistics the planner may turn a join of the API's into minutes of nested loops; autovacuum's
        # first round comes too late for the provisioning that follows at once
        self.query("analyze")

    def keep(self, template: Path) -> None:
        """Write the stopped cluster to `template`, to begin with it the next time."""
        partial = template.with_suffix(".part")
        subprocess.run(["tar", "-czf", partial, "-C", self.folder, "data"], check=True)
        partial.rename(template)

    def stop(self) -> None:
        """Fast shutdown: SIGINT ends sessions and writes everything out."""
        self._program.stop(signal.SIGINT)
