"""The alert script, run as Zabbix runs it: a file of its own, by the system's Python."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from alert_scripts.spool import read_note, waiting
from tests.alert_scripts.conftest import SCRIPT, parameters


@pytest.fixture
def script(tmp_path: Path) -> Path:
    copy = tmp_path / "alertscripts" / "hotline_email"
    copy.parent.mkdir()
    shutil.copy(SCRIPT, copy)
    return copy


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


def run(script: Path, *arguments: str | bytes | Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([script, *arguments], capture_output=True, env={}, timeout=40, check=False)


HOSTILE = [
    'quotes " \' and \\ backslashes \\" \\u0041',
    "two\nlines\r\nand\ttab and \x1b[31m escape \x7f",
    "<script>alert(1)</script> $(id) `id` ; rm -rf / # %s {0} {{ x }}",
    "Магазин №7 — 日本 🛒 \u202eexe.gpj",
    "--recipient=x",
    "",
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_whatever_the_message_holds_arrives_as_it_was(script: Path, spool: Path, text: str) -> None:
    result = run(script, "hotline@example.com", text[:4000], text, spool, "demo")
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    (path,) = waiting(spool, 10)
    found, raw = read_note(path)
    assert (found.channel, found.recipient, found.subject, found.message, found.instance, found.cut) == (
        "email",
        "hotline@example.com",
        text[:4000],
        text,
        "demo",
        (),
    )
    assert json.loads(raw)["format"] == 1
    assert list(spool.iterdir()) == [path]


def test_bytes_that_are_not_utf8_are_replaced_and_the_rest_arrives(script: Path, spool: Path) -> None:
    assert run(script, "a@b", "s", b"caf\xe9!", spool, "demo").returncode == 0
    assert read_note(waiting(spool, 10)[0])[0].message == "caf\ufffd!"


def test_zabbix_trying_again_makes_no_second_file(script: Path, spool: Path) -> None:
    subject, message = parameters("problem")
    for _ in range(3):
        assert run(script, "a@b", subject, message, spool, "demo").returncode == 0
    assert len(waiting(spool, 10)) == 1
    for arguments in (("c@d", subject, message), ("a@b", subject, message + " "), ("a@b", subject + " ", message)):
        run(script, *arguments, spool, "demo")
    assert len(waiting(spool, 10)) == 4


def test_what_is_too_long_is_cut_and_that_is_said(script: Path, spool: Path) -> None:
    assert run(script, "a@b", "s" * 5000, "text", spool, "demo").returncode == 0
    found, _ = read_note(waiting(spool, 10)[0])
    assert (len(found.subject), found.cut) == (4096, ("subject",))


def test_the_file_can_be_read_by_its_group_and_by_nobody_else(script: Path, spool: Path) -> None:
    run(script, "a@b", "s", "m", spool, "demo")
    assert waiting(spool, 10)[0].stat().st_mode & 0o777 == 0o640


def test_the_channel_is_the_name_that_the_script_is_called_by(script: Path, spool: Path) -> None:
    telegram = script.rename(script.with_name("telegram_alert"))
    assert run(telegram, "-100123", "s", "m", spool, "demo").returncode == 0
    assert read_note(waiting(spool, 10)[0])[0].channel == "telegram"


def test_the_spool_is_found_missing(script: Path, tmp_path: Path) -> None:
    result = run(script, "a@b", "s", "m", tmp_path / "nowhere", "demo")
    assert result.returncode == 1
    assert result.stderr.startswith(f"tillwatch: spool folder {tmp_path}/nowhere is missing; make it".encode())
    assert result.stderr.count(b"\n") == 1


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")
def test_a_spool_that_is_not_writable_is_explained(script: Path, spool: Path) -> None:
    for folder in (spool, *spool.parents):  # pytest's own folders are closed to others
        if folder.is_relative_to("/tmp") and folder != Path("/tmp"):
            folder.chmod(0o755)
    result = subprocess.run(
        [script, "a@b", "s", "m", spool, "demo"],
        capture_output=True,
        user=65534,
        group=65534,
        extra_groups=[],
        check=False,
    )
    assert result.returncode == 1
    assert b"is not writable for this user; give its group the right to write" in result.stderr
    assert list(spool.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), b"5 parameters are needed, not 0"),
        (("a", "b", "c", "/tmp"), b"5 parameters are needed, not 4"),
        ((" ", "b", "c", "/tmp", "demo"), b"the media has no recipient"),
    ],
)
def test_wrong_parameters_are_explained(script: Path, arguments: tuple[str, ...], complaint: bytes) -> None:
    result = run(script, *arguments)
    assert result.returncode == 1
    assert complaint in result.stderr


def test_another_name_of_the_script_is_explained(script: Path, spool: Path) -> None:
    result = run(script.rename(script.with_name("mailer")), "a", "b", "c", spool, "demo")
    assert b"the script is called mailer; rename it to one of hotline_email, telegram_alert" in result.stderr


def test_a_full_disk_is_an_error_and_leaves_nothing_behind(script: Path, spool: Path) -> None:
    limited: list[str | Path] = [
        "/bin/sh",
        "-c",
        'ulimit -f 1; trap "" XFSZ; exec "$0" "$@"',
        script,
        "a@b",
        "s",
        "x" * 90_000,
    ]
    result = subprocess.run([*limited, spool, "demo"], capture_output=True, check=False)
    assert result.returncode == 1
    assert result.stderr.endswith(b"; Zabbix will try again\n")
    assert list(spool.iterdir()) == []


def test_the_script_imports_nothing_but_a_few_modules_of_python(script: Path) -> None:
    source = script.read_text()
    assert source.startswith("#!/usr/bin/python3 -IS\n")
    assert [line for line in source.splitlines() if line.startswith(("import", "from"))] == [
        "import hashlib",
        "import os",
        "import sys",
        "import time",
    ]
