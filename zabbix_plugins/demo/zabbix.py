"""A Zabbix of a private root: server, agent and frontend, 6.0 or 7.0, with a database of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import msgspec
import requests

from zabbix_plugins.demo.packages import Root, Say
from zabbix_plugins.demo.postgres import DATABASE, Postgres
from zabbix_plugins.demo.programs import Program, check_ports, ensure_user, listens, wait_until

USER = "zabbix"


class Ports(msgspec.Struct, frozen=True):
    """Ports on 127.0.0.1."""

    web: int
    server: int
    agent: int


class Zabbix:
    """One Zabbix in one folder. `cache` holds downloads and a ready database between runs."""

    def __init__(self, root: Root, folder: Path, ports: Ports, cache: Path) -> None:
        self.root = root
        self.folder = folder
        self.ports = ports
        self.external_scripts = folder / "externalscripts"
        self.alert_scripts = folder / "alertscripts"
        self.url = f"http://127.0.0.1:{ports.web}/"
        self._template = cache / f"database-{root.flavour}-{root.zabbix_version.replace(':', '_')}.tar.gz"
        self._postgres = Postgres(root, folder / "pg", USER)
        self._server = Program("zabbix_server", folder / "run", str(folder))
        self._agent = Program("zabbix_agentd", folder / "run", str(folder))
        self._web = Program("frontend", folder / "run", str(folder))

    @property
    def api_url(self) -> str:
        """Where the API answers."""
        return f"{self.url}api_jsonrpc.php"

    @property
    def log(self) -> Path:
        """The log of zabbix_server."""
        return self._server.log

    def running(self) -> bool:
        """Do server and frontend run?"""
        return self._server.pid() is not None and self._web.pid() is not None

    def version(self) -> str:
        """What the API says of itself."""
        body = {"jsonrpc": "2.0", "method": "apiinfo.version", "params": {}, "id": 1}
        answer = requests.post(self.api_url, json=body, timeout=10).json()
        return str(answer["result"])

    def query(self, sql: str) -> str:
        """Ask its database; for tests that look behind the API."""
        return self._postgres.query(sql)

    def start(self, say: Say) -> None:
        """Bring everything up; does nothing for what already runs. Raises when a port is taken."""
        say_own: Say = lambda text: say(f"Zabbix {self.root.flavour}: {text}")  # noqa: E731
        if not self.running():
            self.stop()
            ports = {"the frontend": self.ports.web, "zabbix_server": self.ports.server, "the agent": self.ports.agent}
            check_ports(ports)
        ensure_user(USER, Path("/var/lib/zabbix"), say)
        self._make_folders()
        self._start_database(say_own)
        self._write_settings()
        environment = self.root.environment()
        if self._server.pid() is None:
            say_own("starting the server")
            command = [self.root.path("usr/sbin/zabbix_server"), "-f", "-c", self.folder / "etc/zabbix_server.conf"]
            self._server.start(command, environment, user=USER)
        if self._agent.pid() is None:
            command = [self.root.path("usr/sbin/zabbix_agentd"), "-f", "-c", self.folder / "etc/zabbix_agentd.conf"]
            self._agent.start(command, environment, user=USER)
        if self._web.pid() is None:
            say_own("starting the frontend")
            self._web.start(self._web_command(), self._web_environment(), user=USER, cwd=self.folder / "www")
        wait_until(lambda: listens(self.ports.server), 90, "zabbix_server", self._server.log)
        wait_until(self._frontend_answers, 60, "the frontend", self._web.log)

    def _frontend_answers(self) -> bool:
        try:
            return bool(self.version())
        except (requests.RequestException, ValueError, KeyError):
            return False

    def stop(self) -> None:
        """Stop everything. The server before its database: it would wait for it for ever."""
        self._server.stop()
        self._agent.stop()
        self._web.stop()
        self._postgres.stop()

    def _make_folders(self) -> None:
        for name in ("etc", "externalscripts", "alertscripts"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        run = self.folder / "run"
        run.mkdir(exist_ok=True)
        shutil.chown(run, USER, USER)
        www = self.folder / "www"
        if not (www / "index.php").exists():
            shutil.rmtree(www, ignore_errors=True)
            shutil.copytree(self.root.path("usr/share/zabbix"), www, symlinks=False, ignore_dangling_symlinks=True)
            # links out of the folder are left behind, the font among them
            for name in ("assets/fonts", "fonts"):
                (www / name).mkdir(exist_ok=True)
                font = self.root.path("usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
                shutil.copyfile(font, www / name / font.name)
            # Debian's frontend looks for its settings in /etc/zabbix alone
            file = www / "include/classes/core/CConfigFile.php"
            text = file.read_text(encoding="utf-8")
            file.write_text(text.replace("/etc/zabbix/zabbix.conf.php", str(self.folder / "etc/zabbix.conf.php")))

    def _start_database(self, say: Say) -> None:
        self._postgres.start(self._template, say)
        if self._postgres.has_database():
            return
        scripts = self.root.path("usr/share/zabbix-server-pgsql")
        self._postgres.make_database([scripts / f"{name}.sql.gz" for name in ("schema", "images", "data")], say)
        self._postgres.stop()
        self._postgres.keep(self._template)
        self._postgres.start(None, say)

    def _write_settings(self) -> None:
        etc, run = self.folder / "etc", self.folder / "run"
        # the host "Zabbix server" that every new database has asks for an agent at port 10050
        self._postgres.query(
            f"update interface set port = '{self.ports.agent}'"  # noqa: S608 (a number of ours)
            " where hostid in (select hostid from hosts where host = 'Zabbix server')"
        )
        server = {
            "ListenIP": "127.0.0.1",
            "ListenPort": self.ports.server,
            "SourceIP": "127.0.0.1",
            "LogType": "console",
            "PidFile": run / "server.pid",
            "SocketDir": run,
            "TmpDir": run,
            "DBHost": self._postgres.folder,
            "DBName": DATABASE,
            "DBUser": USER,
            "ExternalScripts": self.external_scripts,
            "AlertScriptsPath": self.alert_scripts,
            "FpingLocation": self.root.path("usr/bin/fping"),
            "Timeout": 10,
            "CacheSize": "128M",
            "CacheUpdateFrequency": 5,
            "StartPollers": 5,
            "StartTrappers": 3,
            "StartPreprocessors": 2,
            "StartLLDProcessors": 1,
            "StartDBSyncers": 2,
            "StartDiscoverers": 1,
            "StartAlerters": 3,
            **({"AllowSoftwareUpdateCheck": 0} if self.root.flavour == "7.0" else {}),
        }
        agent = {
            "ListenIP": "127.0.0.1",
            "ListenPort": self.ports.agent,
            "Server": "127.0.0.1",
            "ServerActive": f"127.0.0.1:{self.ports.server}",
            "Hostname": "Zabbix server",
            "LogType": "console",
            "PidFile": run / "agentd.pid",
        }
        for name, settings in (("zabbix_server.conf", server), ("zabbix_agentd.conf", agent)):
            text = "".join(f"{key}={value}\n" for key, value in settings.items())
            (etc / name).write_text(text)
        php = {
            "TYPE": "POSTGRESQL",
            "SERVER": self._postgres.folder,
            "PORT": 0,
            "DATABASE": DATABASE,
            "USER": USER,
            "PASSWORD": "",
            "SCHEMA": "",
            "KEY_FILE": "",
            "CERT_FILE": "",
            "CA_FILE": "",
            "CIPHER_LIST": "",
            "VAULT_URL": "",
            "VAULT_DB_PATH": "",
            "VAULT_TOKEN": "",
        }
        lines = [f"$DB['{key}'] = '{value}';" for key, value in php.items()]
        lines += [f"$DB['{key}'] = false;" for key in ("ENCRYPTION", "VERIFY_HOST", "VAULT_CACHE")]
        lines += [
            "$DB['DOUBLE_IEEE754'] = true;",
            "$ZBX_SERVER = '127.0.0.1';",
            f"$ZBX_SERVER_PORT = '{self.ports.server}';",
            "$ZBX_SERVER_NAME = 'Tillwatch';",
            "$IMAGE_FORMAT_DEFAULT = IMAGE_FORMAT_PNG;",
        ]
        (etc / "zabbix.conf.php").write_text("<?php\n" + "\n".join(lines) + "\n")

    def _web_environment(self) -> dict[str, str]:
        settings = str(self.root.path("usr/share/php-settings"))
        return {
            **self.root.environment(),
            "PHP_CLI_SERVER_WORKERS": "4",
            "PHP_INI_SCAN_DIR": settings,
            "LANG": "en_US.UTF-8",
        }

    def _web_command(self) -> list[str | Path]:
        limits = {
            "extension_dir": self.root.path("usr/lib/php/20220829"),
            "memory_limit": "512M",
            "post_max_size": "64M",
            "max_execution_time": 600,
            "max_input_time": 300,
            "date.timezone": "UTC",
            "session.save_path": self.folder / "run",
            "display_errors": 0,
            "log_errors": 1,
        }
        settings = [f"-d{name}={value}" for name, value in limits.items()]
        address = f"127.0.0.1:{self.ports.web}"
        return [
            self.root.path("usr/bin/php8.2"),
            "-c",
            self.folder / "etc",
            *settings,
            "-S",
            address,
            "-t",
            self.folder / "www",
        ]
