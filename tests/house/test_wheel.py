"""The wheel, installed into an empty environment: what a user gets has everything in it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of a new environment that has the wheel and its dependencies, and no source tree near."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "build", "*.egg-info", "__pycache__", ".*_cache")
    )
    command = [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder / "dist"), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    (wheel,) = (folder / "dist").glob("tillwatch-*.whl")
    shutil.rmtree(source)
    venv.create(folder / "env", with_pip=True)
    bin_ = folder / "env" / "bin"
    subprocess.run([bin_ / "pip", "install", "--quiet", str(wheel)], check=True, timeout=600)
    return bin_


def test_the_installed_command_reports_a_journal_from_another_folder(installed: Path, tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    journal.write_text(
        '{"event":"receipt_opened","time":1700000000000,"chain":"m","store":"1","pos":"1","shift":1,"receipt":1}\n'
        '{"event":"card_read","time":1700000001000,"chain":"m","store":"1","pos":"1","card":"2200000000000001"}\n'
        '{"event":"receipt_closed","time":1700000002000,"chain":"m","store":"1","pos":"1","shift":1,"receipt":1}\n'
    )
    done = subprocess.run(
        [installed / "tillwatch", "report", "--json", str(journal)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"transactions":1' in done.stdout.replace(" ", "")


def test_templates_scripts_and_dictionary_travel_with_the_wheel(installed: Path, tmp_path: Path) -> None:
    out = tmp_path / "export"
    subprocess.run([installed / "tillwatch", "export", str(out)], cwd=tmp_path, check=True, capture_output=True)
    names = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    for needed in ("externalscripts/tillwatch_document", "alertscripts/hotline_email"):
        assert needed in names
    for flavour in ("6.0", "7.0"):
        assert any(name.startswith(f"templates/{flavour}/") and name.endswith(".yaml") for name in names)
