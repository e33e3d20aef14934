"""The house's own rules: directions of imports, types, style, and what the repository may not speak of."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_imports_point_one_way() -> None:
    program = "from importlinter.cli import lint_imports_command as c; c()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 broken" in done.stdout


def test_an_import_against_the_directions_is_found(tmp_path: Path) -> None:
    """The contract test can fail: a forbidden import that does exist is told."""
    (tmp_path / "broken.cfg").write_text(
        "[importlinter]\nroot_package = zabbix_plugins\n"
        "[importlinter:contract:sources]\nname = Checks do without the model\ntype = forbidden\n"
        "source_modules =\n    zabbix_plugins.checks\nforbidden_modules =\n    zabbix_plugins.model\n"
    )
    program = "from importlinter.cli import lint_imports_command as c; c()"
    command = [sys.executable, "-c", program, "--config", str(tmp_path / "broken.cfg")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 broken" in done.stdout


def test_types_are_strict() -> None:
    done = run("mypy")
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("command", [["ruff", "check", "."], ["ruff", "format", "--check", "."]])
def test_style(command: list[str]) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout


def tracked_files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


# Written so that this file does not find itself.
OF_ONE_MACHINE = re.compile(
    "|".join(["/wo" + "rk/", "/home/" + "[a-z]", r"\.pye" + "nv", "py" + "pi.org", "deb." + "debian"])
)


def test_the_repository_names_no_path_and_no_registry_of_a_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in {".png", ".gz", ".parquet"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if OF_ONE_MACHINE.search(line) and "/home/storage/crystal-cash" not in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:120]}")
    assert found == []


def test_no_module_uses_a_word_that_says_nothing() -> None:
    vague = re.compile(r"^(class|def|async def) \w*([Mm]anager|[Hh]elper|[Uu]til|[Hh]andle)")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in tracked_files()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in {"zabbix_plugins", "alert_scripts"}
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if vague.search(line.strip())
    ]
    assert found == []
