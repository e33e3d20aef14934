"""The external check: right in every state of the collector, as user zabbix, and cheap."""

from __future__ import annotations

import json
import os
import pwd
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from zabbix_plugins.demo.programs import ensure_user
from zabbix_plugins.publish.documents import prepare_folder, publish_document

SCRIPT = Path(__file__).parents[2] / "zabbix_plugins" / "externalscripts" / "tillwatch_document"
DOCUMENT = b'{"family":"availability","windows":{"5m":{"transactions":12}}}'


@pytest.fixture
def stage() -> Iterator[Path]:
    """A folder that user zabbix can reach, with the script and a documents folder as the collector makes it."""
    ensure_user("zabbix", Path("/var/lib/zabbix"), lambda text: None)
    folder = Path(tempfile.mkdtemp(prefix="tillwatch-script-"))
    folder.chmod(0o711)
    shutil.copyfile(SCRIPT, folder / "tillwatch_document")
    (folder / "tillwatch_document").chmod(0o755)
    prepare_folder(folder / "documents")
    yield folder
    shutil.rmtree(folder)


def run(stage: Path, *arguments: str, user: str | None = "zabbix") -> tuple[str, str, int]:
    account = pwd.getpwnam(user) if user else None
    done = subprocess.run(
        [stage / "tillwatch_document", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        env={},
        user=account.pw_uid if account else None,
        group=account.pw_gid if account else None,
        extra_groups=[] if account else None,
    )
    return done.stdout, done.stderr, done.returncode


def ask(stage: Path, *, key: str = "", age: str = "180") -> dict[str, object]:
    out, err, status = run(stage, str(stage / "documents"), "availability", "total" if not key else "chain", key, age)
    assert (err, status) == ("", 0)
    found: dict[str, object] = json.loads(out)
    return found


def test_a_document_is_printed_as_it_is(stage: Path) -> None:
    publish_document(stage / "documents", "availability.total.json", DOCUMENT)
    assert ask(stage) == json.loads(DOCUMENT)


def test_a_missing_document_is_an_error_without_data(stage: Path) -> None:
    found = ask(stage, key="magnolia")
    assert (list(found), found["state"]) == (["state", "error"], 2)
    assert "availability.chain.magnolia.json is missing" in str(found["error"])


def test_a_stale_document_is_an_error_without_data(stage: Path) -> None:
    publish_document(stage / "documents", "availability.total.json", DOCUMENT)
    path = stage / "documents" / "availability.total.json"
    old = path.stat().st_mtime - 1000
    os.utime(path, (old, old))
    found = ask(stage)
    assert (list(found), found["state"]) == (["state", "error"], 1)
    assert "s old: the collector stands still" in str(found["error"])


def test_a_document_from_the_future_is_believed_since_the_clock_was_set_back(stage: Path) -> None:
    publish_document(stage / "documents", "availability.total.json", DOCUMENT)
    path = stage / "documents" / "availability.total.json"
    ahead = path.stat().st_mtime + 3600
    os.utime(path, (ahead, ahead))
    assert ask(stage) == json.loads(DOCUMENT)


def test_a_document_that_may_not_be_read_says_so(stage: Path) -> None:
    publish_document(stage / "documents", "availability.total.json", DOCUMENT)
    (stage / "documents" / "availability.total.json").chmod(0o600)
    assert "may not be read by this user" in str(ask(stage)["error"])


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["only-one"],
        ["{folder}", "../../etc/passwd", "total", "", "180"],
        ["{folder}", "availability", "chain", "../x", "180"],
        ["{folder}", "availability", "chain", "$(id)", "180"],
        ["{folder}", "availability", "chain", "a\nb", "180"],
        ["{folder}", "availability", "total", "", "soon"],
        ["{folder}", "availability", "total", "", "-1"],
        ["{folder}", "availability", "total", "", "١٢"],
        ["{folder}", ".hidden", "total", "", "180"],
        ["{folder}", "", "", "", "180"],
        ['/nowhere"\\\n', "availability", "total", "", "180"],
    ],
)
def test_bad_arguments_are_an_error_document_and_never_a_traceback(stage: Path, arguments: list[str]) -> None:
    out, err, status = run(stage, *(text.replace("{folder}", str(stage / "documents")) for text in arguments))
    assert (err, status) == ("", 0)
    assert list(json.loads(out)) == ["state", "error"]


def test_a_document_too_large_for_zabbix_or_damaged_is_an_error(stage: Path) -> None:
    publish_document(stage / "documents", "availability.total.json", b"{" + b" " * 600_000 + b"}")
    assert "larger than Zabbix takes" in str(ask(stage)["error"])
    publish_document(stage / "documents", "availability.total.json", b"")
    assert "damaged" in str(ask(stage)["error"])


def test_it_is_right_with_the_collector_alive_killed_and_cleanly_stopped(stage: Path) -> None:
    """With the real collector: a document outlives it for as long as it is young, and is then disowned."""
    store = stage / "journals" / "m" / "1001" / "1"
    store.mkdir(parents=True)
    minute = int(time.time()) // 60 * 60 - 120
    lines = [
        {"event": "receipt_opened", "time": minute * 1000, "receipt": 1},
        {"event": "card_read", "time": minute * 1000 + 1, "receipt": 1, "card": "2200000000000001"},
        {"event": "receipt_closed", "time": minute * 1000 + 2, "receipt": 1, "total": "1.00"},
    ]
    (store / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    settings = stage / "tillwatch.toml"
    settings.write_text(
        '[collector]\ndata = "."\ndocuments = "documents"\ngrace_seconds = 1\npass_seconds = 0.1\n'
        '[[journal]]\nformat = "jsonl"\npath = "journals/{chain}/{store}/{pos}/journal.jsonl*"\n'
    )
    for end in (signal.SIGKILL, signal.SIGTERM):
        command = [str(Path(sys.executable).with_name("tillwatch")), "collect", "--config", str(settings)]
        child = subprocess.Popen(command)
        try:
            until = time.monotonic() + 30
            while "windows" not in ask(stage, key="m"):
                assert time.monotonic() < until
                time.sleep(0.1)
            alive = ask(stage, key="m")
        finally:
            child.send_signal(end)
            child.wait(timeout=30)
        after = ask(stage, key="m")
        assert after["windows"] == alive["windows"]
        assert after["windows"]["1h"]["transactions"] == 1  # type: ignore[index]
        path = stage / "documents" / "availability.chain.m.json"
        old = path.stat().st_mtime - 200
        os.utime(path, (old, old))
        assert ask(stage, key="m")["state"] == 1
        for each in (stage / "documents").iterdir():
            each.unlink()
        assert ask(stage, key="m")["state"] == 2


def cpu_of(command: list[str], times: int) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    for _ in range(times):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_it_costs_at_most_three_bare_interpreters(stage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A ratio of CPU seconds within one run, in turns; not a time."""
    publish_document(stage / "documents", "availability.total.json", DOCUMENT)
    arguments = [str(stage / "documents"), "availability", "total", "", "180"]
    bare = ours = 0.0
    for _ in range(4):
        bare += cpu_of(["/usr/bin/python3", "-IS", "-c", "pass"], 10)
        ours += cpu_of([str(stage / "tillwatch_document"), *arguments], 10)
    with capsys.disabled():
        print(f"\nexternal check: {ours / 40 * 1000:.1f} ms CPU, {ours / bare:.2f} times a bare interpreter", end=" ")
    assert ours <= 3 * bare
