"""Private roots: Debian packages downloaded and unpacked into a folder, with nothing installed.

apt works with a state and a cache of its own, against the machine's real list of installed packages: libraries
that the machine has are used from it, what is missing comes into the root, and the main programs always do.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from zabbix_plugins.errors import Permanent, Temporary

Flavour = Literal["6.0", "7.0"]
FLAVOURS: tuple[Flavour, ...] = ("6.0", "7.0")
Say = Callable[[str], None]

SUITE = "bookworm"
_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_COMMON = (
    "postgresql-15",
    "postgresql-client-15",
    *(f"php8.2-{part}" for part in ("cli", "common", "fpm", "pgsql", "curl", "gd", "mbstring", "xml")),
    *(f"php8.2-{part}" for part in ("bcmath", "ldap", "opcache", "readline")),
    "exim4-base",
    "exim4-config",
    "exim4-daemon-light",
    "fping",
    "locales",
    "fonts-dejavu-core",
    "libpq5",
)
_ZABBIX = ("zabbix-server-pgsql", "zabbix-frontend-php", "zabbix-agent")


class Root(msgspec.Struct, frozen=True):
    """A private root with one flavour of Zabbix, PostgreSQL, PHP and Exim; `zabbix_version` as the package has it."""

    folder: Path
    flavour: Flavour
    zabbix_version: str

    def path(self, inside: str) -> Path:
        """The real place of a path inside the root."""
        return self.folder / inside.lstrip("/")

    def environment(self) -> dict[str, str]:
        """What programs of the root must be started with."""
        libraries = ":".join(str(self.path(f"{top}/x86_64-linux-gnu")) for top in ("usr/lib", "lib"))
        return {
            "PATH": f"{self.path('usr/sbin')}:{self.path('usr/bin')}:/usr/sbin:/usr/bin:/sbin:/bin",
            "LD_LIBRARY_PATH": libraries,
            "LOCPATH": str(self.path("usr/lib/locale")),
            "LANG": "C.UTF-8",
            "TZ": "UTC",
        }


def _apt(cache: Path) -> list[str]:
    """apt-get with its own state, sources and cache, and the machine's list of installed packages."""
    settings = {
        "Dir::State": cache / "state",
        "Dir::State::status": "/var/lib/dpkg/status",
        "Dir::Cache": cache / "cache",
        "Dir::Etc::SourceList": cache / "sources.list",
        "Dir::Etc::SourceParts": "/dev/null",
        "Dir::Etc::Preferences": "/dev/null",
        "Dir::Etc::PreferencesParts": "/dev/null",
        "Acquire::Languages": "none",
        "APT::Sandbox::User": "root",
        "Debug::NoLocking": "1",
    }
    return ["apt-get", "-q", "-y", *(f"-o{name}={value}" for name, value in settings.items())]


def _run(command: list[str], what: str) -> str:
    environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise Temporary(
            f"{what} failed: {' '.join(said[-3:])}", remedy="check the network and apt's sources; try again"
        )
    return done.stdout


def debian_mirror(sources: Path = Path("/etc/apt")) -> str:
    """The mirror that this machine's apt uses for Debian itself (not security updates)."""
    files = sorted([sources / "sources.list", *(sources / "sources.list.d").glob("*")])
    for path in files:
        if path.suffix not in {".list", ".sources"} or not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"(?:deb\s+(?:\[[^]]*\]\s*)?|URIs:\s*)(\S+://\S+?)/?(?:\s|$)", line)
            if found and "security" not in found[1]:
                return found[1]
    raise Permanent(
        "no Debian mirror is configured", where=str(sources), remedy="put one into /etc/apt/sources.list and try again"
    )


def check_system(os_release: Path = Path("/etc/os-release")) -> None:
    """Raise `Permanent` unless this is Debian 12 on amd64, whose packages the root is made of."""
    text = os_release.read_text(encoding="utf-8") if os_release.exists() else ""
    if "VERSION_CODENAME=bookworm" not in text or os.uname().machine != "x86_64":
        raise Permanent(
            "the demo's servers are made of Debian 12 packages for amd64, and this is another system",
            where=str(os_release),
            remedy="run it on Debian 12, in a virtual machine or a container",
        )


def download_packages(own: Path, names: Sequence[str], say: Say) -> list[Path]:
    """The files of these packages, and of those that they need and that the machine lacks; `own` is apt's folder.

    Raises `Permanent` on another system than Debian 12, `Temporary` when apt fails.
    """
    check_system()
    mirror = debian_mirror()
    for name in ("state/lists/partial", "cache/archives/partial"):
        (own / name).mkdir(parents=True, exist_ok=True)
    suites = (SUITE, f"{SUITE}-updates", f"{SUITE}-backports")
    (own / "sources.list").write_text(
        "".join(f"deb [signed-by={_KEYRING}] {mirror} {suite} main\n" for suite in suites)
    )
    say("looking up packages")
    _run([*_apt(own), "update"], "looking up packages")
    say("downloading packages")
    _run(
        [*_apt(own), "--download-only", "--reinstall", "--no-install-recommends", "install", *names],
        "downloading packages",
    )
    return sorted((own / "cache/archives").glob("*.deb"))


def unpack_root(folder: Path, flavour: Flavour, cache: Path, say: Say) -> Root:
    """Download (into `cache`, once) and unpack (into `folder`, once) everything that one flavour needs."""
    stamp = folder / ".unpacked"
    if stamp.exists():
        return Root(folder, flavour, stamp.read_text().strip())
    zabbix = [name if flavour == "6.0" else f"{name}/{SUITE}-backports" for name in _ZABBIX]
    packages = download_packages(
        cache / f"apt-{flavour}", [*_COMMON, *zabbix], lambda text: say(f"Zabbix {flavour}: {text}")
    )
    say(f"Zabbix {flavour}: unpacking {len(packages)} packages")
    if folder.exists():
        shutil.rmtree(folder)  # a former attempt that was broken off
    folder.mkdir(parents=True)
    for package in packages:
        _run(["dpkg-deb", "-x", str(package), str(folder)], f"unpacking {package.name}")
    (server,) = (path for path in packages if path.name.startswith("zabbix-server-pgsql_"))
    version = _run(["dpkg-deb", "-f", str(server), "Version"], "reading a package").strip()
    root = Root(folder, flavour, version)
    _mend(root)
    stamp.write_text(version + "\n")
    return root


def _mend(root: Root) -> None:
    """What maintainer scripts would do and a private root needs."""
    for file in root.folder.rglob("*"):
        # nothing in a private root may lend anybody rights; set-uid programs would also ignore its libraries
        if not file.is_symlink() and file.stat().st_mode & (stat.S_ISUID | stat.S_ISGID) and file.is_file():
            file.chmod(0o755)
    if (login := root.path("usr/lib/locale/en_US.UTF-8")) and not login.exists():
        # without this locale the frontend shows an error box on every page
        login.parent.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "I18NPATH": str(root.path("usr/share/i18n"))}
        command = ["localedef", "--no-archive", "-i", "en_US", "-f", "UTF-8", str(login)]
        subprocess.run(command, check=True, capture_output=True, env=environment)
    settings = root.path("usr/share/php-settings")
    settings.mkdir(exist_ok=True)
    # opcache first: it is a zend_extension and must load before the others
    for place, file in enumerate(sorted(root.path("usr/share").glob("php8.2-*/*/*.ini"), key=_php_order)):
        shutil.copyfile(file, settings / f"{place:02d}-{file.name}")


def _php_order(file: Path) -> tuple[int, str]:
    """Extensions that others stand on come first, as the priorities in Debian's files have it."""
    found = re.search(r"priority=(\d+)", file.read_text(encoding="utf-8"))
    return (int(found[1]) if found else 20, file.name)
