"""The scene of the demo: real servers, a chain of stores that trades, the collector, the deliverer.

Everything lies in one folder and listens on ports from `first_port` on. The same scene, with both flavours side by
side, is what the end-to-end tests play on.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from zabbix_plugins.demo.mailserver import MailServer
from zabbix_plugins.demo.packages import Flavour, Root, Say, unpack_root
from zabbix_plugins.demo.programs import Program, check_ports, ensure_user, need_root, wait_until
from zabbix_plugins.demo.zabbix import USER, Ports, Zabbix
from zabbix_plugins.errors import Permanent
from zabbix_plugins.model.estate import parse_estate
from zabbix_plugins.provision.client import Access, Client
from zabbix_plugins.provision.plan import Plan, Report
from zabbix_plugins.provision.provision import provision

HOTLINE = "hotline"
DOMAIN = "tillwatch.test"
LOGIN = ("Admin", "zabbix")


class SceneSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is put on stage; stored as demo.json, so that later commands find it again."""

    flavours: tuple[Flavour, ...] = ("6.0",)
    first_port: int = 28080
    stores: int = 24
    receipts_per_minute: float = 180
    warm_up_minutes: int = 60
    seed: int = 1


class Scene:
    """See the module. `export`: copies external scripts and alert scripts to two folders."""

    def __init__(
        self,
        folder: Path,
        settings: SceneSettings,
        export: Callable[[Path, Path], object],
        cache: Path | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.simulation = folder / "simulation"
        self.data = folder / "tillwatch"
        self._cache = cache or folder / "cache"
        self._export = export
        self._run = folder / "run"
        self._config = folder / "tillwatch.toml"
        self.zabbix: dict[Flavour, Zabbix] = {}
        self.mail: MailServer | None = None

    # programs -----------------------------------------------------------------------------------------------

    def _programs(self) -> dict[str, tuple[Program, list[str]]]:
        """Tillwatch's own programs by name, with their commands."""
        settings = self.settings
        trade = ["simulate", "run", "--folder", str(self.simulation), "--stores", str(settings.stores)]
        trade += ["--receipts-per-minute", str(settings.receipts_per_minute), "--seed", str(settings.seed)]
        trade += ["--warm-up", str(settings.warm_up_minutes)]
        commands = {
            "simulator": trade,
            "collector": ["collect", "--config", str(self._config)],
            "deliverer": ["deliver", "--config", str(self._config)],
        }
        return {name: (Program(name, self._run, str(self.folder)), command) for name, command in commands.items()}

    def start_program(self, name: str) -> None:
        """Start one of simulator, collector, deliverer; does nothing when it runs."""
        program, command = self._programs()[name]
        if program.pid() is None:
            tillwatch = Path(sys.executable).with_name("tillwatch")
            program.start([tillwatch, *command], {**os.environ, "PYTHONUNBUFFERED": "1"})

    def stop_program(self, name: str) -> None:
        """Stop one of simulator, collector, deliverer."""
        self._programs()[name][0].stop()

    def pid_of(self, name: str) -> int | None:
        """The process id of one of them, None when it does not run."""
        return self._programs()[name][0].pid()

    # the stage ----------------------------------------------------------------------------------------------

    def _roots(self, say: Say) -> dict[Flavour, Root]:
        self._cache.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(max_workers=2) as pool:
            jobs = {
                flavour: pool.submit(unpack_root, self._cache / f"root-{flavour}", flavour, self._cache, say)
                for flavour in self.settings.flavours
            }
            return {flavour: job.result() for flavour, job in jobs.items()}

    def _ports(self, flavour: Flavour) -> Ports:
        base = self.settings.first_port + 10 * self.settings.flavours.index(flavour)
        return Ports(web=base, server=base + 1, agent=base + 2)

    @property
    def mail_port(self) -> int:
        """Where the mail server takes SMTP."""
        return self.settings.first_port + 5

    def build(self, say: Say) -> None:
        """Unpack what is needed and know the servers, without starting anything."""
        need_root()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        roots = self._roots(say)
        for flavour, root in roots.items():
            folder = self.folder / f"zabbix-{flavour}"
            self.zabbix[flavour] = Zabbix(root, folder, self._ports(flavour), self._cache)
        self.mail = MailServer(
            roots[self.settings.flavours[0]], self.folder / "mail", self.mail_port, (HOTLINE, "postmaster")
        )

    def start(self, say: Say) -> dict[Flavour, Report]:
        """Bring everything up and provision it; does nothing for what already runs."""
        need_root()
        if not self._anything_runs():
            for flavour in self.settings.flavours:
                ports = self._ports(flavour)
                check_ports({"the frontend": ports.web, "zabbix_server": ports.server, "the agent": ports.agent})
            check_ports({"the mail server": self.mail_port})
        self.build(say)
        assert self.mail is not None
        (self.folder / "demo.json").write_bytes(msgspec.json.encode(self.settings))
        self._run.mkdir(exist_ok=True)
        ensure_user(USER, Path("/var/lib/zabbix"), say)
        self._write_config()
        say("the stores open")
        self.start_program("simulator")
        self._wait_for_estate()
        self.start_program("collector")  # before Zabbix, which would find the documents of an earlier demo too old
        with ThreadPoolExecutor(max_workers=3) as pool:
            jobs = [pool.submit(zabbix.start, say) for zabbix in self.zabbix.values()]
            jobs.append(pool.submit(self.mail.start, say))
            for job in jobs:
                job.result()
        self.start_program("deliverer")
        return {flavour: self.provision(flavour, say) for flavour in self.settings.flavours}

    def _anything_runs(self) -> bool:
        return any(self.pid_of(name) for name in self._programs())

    def _wait_for_estate(self) -> None:
        log = self._run / "simulator.log"
        wait_until((self.simulation / "truth" / "truth.jsonl").exists, 60, "the simulation", log)

    def provision(self, flavour: Flavour, say: Say) -> Report:
        """Provision one of the servers from the simulation's estate."""
        zabbix = self.zabbix[flavour]
        self._export(zabbix.external_scripts, zabbix.alert_scripts)
        estate_file = self.simulation / "estate.csv"
        plan = Plan(
            estate=parse_estate(estate_file.read_text(encoding="utf-8"), str(estate_file)),
            documents=str(self.data / "documents"),
            spool=str(self.data / "spool"),
            hotline=f"{HOTLINE}@{DOMAIN}",
            frontend=zabbix.url,
            instance=f"demo-{flavour}",
        )
        client = Client(Access(url=zabbix.url, user=LOGIN[0], password=LOGIN[1]))
        return provision(client, plan, say)

    def _write_config(self) -> None:
        self.data.mkdir(exist_ok=True)
        # zabbix must reach documents/ and spool/ in it, and see nothing else
        self.data.chmod(0o711)
        journals = self.simulation / "journals"
        servers = ", ".join(f'"127.0.0.1:{self._ports(flavour).server}"' for flavour in self.settings.flavours)
        self._config.write_text(
            f"""# Settings of the demo; docs/configuration.md explains every key.
[collector]
data = "{self.data}"
estate = "{self.simulation / "estate.csv"}"
name = "demo"

[[journal]]
format = "jsonl"
path = "{journals}/{{chain}}/{{store}}/{{pos}}/journal.jsonl*"

[[journal]]
format = "set-retail"
path = "{journals}/{{chain}}/{{store}}/{{pos}}/root.log*"

[push]
servers = [{servers}]

[mail]
host = "127.0.0.1"
port = {self.mail_port}
sender = "tillwatch@{DOMAIN}"
""",
            encoding="utf-8",
        )

    def stop(self) -> None:
        """Stop everything that this scene started, in whatever state it is."""
        for name in ("simulator", "deliverer", "collector"):
            self.stop_program(name)
        if not self.zabbix:
            self.build(lambda text: None)
        for zabbix in self.zabbix.values():
            zabbix.stop()
        assert self.mail is not None
        self.mail.stop()

    def remove(self) -> None:
        """Delete the folder of a scene that was stopped."""
        shutil.rmtree(self.folder, ignore_errors=True)


def find_scene(folder: Path, export: Callable[[Path, Path], object]) -> Scene:
    """The scene that was put up in `folder`; raises `Permanent` when there is none."""
    try:
        settings = msgspec.json.decode((folder / "demo.json").read_bytes(), type=SceneSettings)
    except FileNotFoundError:
        raise Permanent("there is no demo here", where=str(folder), remedy="start one with make demo") from None
    return Scene(folder, settings, export)


__all__: Sequence[str] = ("DOMAIN", "HOTLINE", "LOGIN", "Scene", "SceneSettings", "find_scene")
