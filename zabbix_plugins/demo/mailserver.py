"""A mail server of a private root: Exim takes SMTP on 127.0.0.1 and delivers known local parts to Maildirs."""

from __future__ import annotations

import shutil
from pathlib import Path

from zabbix_plugins.demo.packages import Root, Say
from zabbix_plugins.demo.programs import Program, check_ports, ensure_user, listens, wait_until

# Debian builds Exim to run as this user, and it refuses to start where there is none.
USER = "Debian-exim"

_SETTINGS = r"""
exim_path = {program}
exim_user = {user}
exim_group = {user}
primary_hostname = tillwatch.test
domainlist local_domains = *
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
never_users =
deliver_drop_privilege = true
host_lookup =
rfc1413_query_timeout = 0s
tls_advertise_hosts =
acl_smtp_rcpt = known_mailboxes
smtp_accept_max = 50
smtp_accept_max_per_connection = 1000
keep_environment =

begin acl
known_mailboxes:
  require verify = recipient
  accept

begin routers
mailbox:
  driver = accept
  local_parts = lsearch;{folder}/mailboxes
  transport = maildir

begin transports
maildir:
  driver = appendfile
  maildir_format
  directory = {folder}/mail/$local_part_data
  create_directory
  user = {user}
  group = {user}
  delivery_date_add
  envelope_to_add
  return_path_add
"""


class MailServer:
    """Exim in one folder, on one port. `mailboxes`: local parts that exist, at any domain; others are refused."""

    def __init__(self, root: Root, folder: Path, port: int, mailboxes: tuple[str, ...]) -> None:
        self.port = port
        self._mailboxes = mailboxes
        self._root = root
        self._folder = folder
        self._program = Program("exim", folder, str(folder))

    def start(self, say: Say) -> None:
        """Bring it up; does nothing when it runs."""
        if self._program.pid() is not None:
            return
        check_ports({"the mail server": self.port})
        ensure_user(USER, Path("/var/spool/exim4"), say)
        say("starting the mail server")
        for name in ("", "spool", "log", "mail"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
            shutil.chown(self._folder / name, USER, USER)
        self._folder.chmod(0o755)
        (self._folder / "mailboxes").write_text("".join(f"{name}: {name}\n" for name in self._mailboxes))
        settings = self._folder / "exim.conf"
        # Exim starts itself anew for every delivery, with an environment that it has cleaned of the root's libraries
        program = self._folder / "exim.sh"
        libraries = self._root.environment()["LD_LIBRARY_PATH"]
        program.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH={libraries} exec {self._root.path("usr/sbin/exim4")} "$@"\n')
        program.chmod(0o755)
        settings.write_text(_SETTINGS.format(user=USER, port=self.port, folder=self._folder, program=program))
        command = [program, "-C", settings, "-bdf", "-q5s"]
        self._program.start(command, self._root.environment(), cwd=self._folder)
        wait_until(lambda: listens(self.port), 30, "the mail server", self._program.log)

    def stop(self) -> None:
        """Stop it."""
        self._program.stop()

    def running(self) -> bool:
        """Does it run?"""
        return self._program.pid() is not None

    def maildir(self, local_part: str) -> Path:
        """Where mail for an address lies: the Maildir of its local part."""
        return self._folder / "mail" / local_part.lower()
