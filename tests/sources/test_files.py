"""Following journals, named by phenomenon. Each test reads whole lines, as a reader would."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
from pathlib import Path

import msgspec
import pytest

from zabbix_plugins.errors import BadConfiguration
from zabbix_plugins.model.journal import Origin
from zabbix_plugins.sources.files import FollowedJournals, Journal
from zabbix_plugins.sources.generations import JournalState, base_name
from zabbix_plugins.sources.patterns import JournalPattern

ORIGIN = Origin(chain="m")


class Reading:
    """A reader of whole lines on top of followed journals; can be dropped and restored from its last commit."""

    def __init__(self, folder: Path, text: str = "{store}/{pos}/root.log*") -> None:
        self.pattern = JournalPattern.compile(f"{folder}/{text}", ORIGIN)
        self.committed: dict[str, bytes] = {}
        self.lines: list[bytes] = []
        self.kept = 0
        self.notices: list[str] = []
        self.restart()

    def restart(self) -> None:
        """As after a kill: what was read since the last commit is forgotten."""
        del self.lines[self.kept :]
        self.journals = FollowedJournals("f", self.pattern)
        states = {name: msgspec.msgpack.decode(each, type=JournalState) for name, each in self.committed.items()}
        self.journals.restore(states)
        self.moved: dict[str, Journal] = {}

    def look(self, *, chunk: int = 1 << 20, commit: bool = True) -> list[bytes]:
        """One pass; returns the lines that were new."""
        before = len(self.lines)
        for journal in self.journals.poll(1_000):
            while (given := self.journals.next_chunk(journal, chunk)) is not None:
                end = len(given.data) if given.ended else given.data.rfind(b"\n") + 1
                self.lines += given.data[:end].split(b"\n")[: given.data[:end].count(b"\n")]
                if given.ended and not given.data.endswith(b"\n"):
                    self.lines.append(b"PARTIAL " + given.data.rpartition(b"\n")[2])
                self.journals.advance(journal, given, end)
                self.moved[journal.name] = journal
                if end == 0:
                    break
        self.notices += [notice.kind for notice in self.journals.take_notices()]
        if commit:
            for name, journal in self.moved.items():
                self.committed[name] = msgspec.msgpack.encode(self.journals.state(journal))
            self.kept = len(self.lines)
        return self.lines[before:]

    def settle(self) -> list[bytes]:
        """Passes until nothing comes any more (a rotation may need a few)."""
        return [line for _ in range(5) for line in self.look()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "1001" / "3" / "root.log"
    path.parent.mkdir(parents=True)
    return path


def append(path: Path, *lines: str) -> None:
    with path.open("ab") as file:
        file.writelines(f"{line}\n".encode() for line in lines)


def test_a_growing_file_is_read_once_and_its_place_comes_from_the_path(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a", "b")
    assert reading.look() == [b"a", b"b"]
    assert reading.look() == []
    append(log, "c")
    (journal,) = reading.journals.poll(0)
    assert journal.origin == Origin(chain="m", store="1001", pos="3")
    assert reading.look() == [b"c"]


def test_a_partial_last_line_waits_for_its_end(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    log.write_bytes(b"a\nb")
    assert reading.look() == [b"a"]
    assert reading.look() == []
    with log.open("ab") as file:
        file.write(b"b\n")
    assert reading.look() == [b"bb"]


def test_rotation_by_rename_finishes_the_old_file_first(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a")
    reading.look()
    append(log, "b")
    log.rename(log.with_name("root.log.1"))
    append(log, "c")
    assert reading.settle() == [b"b", b"c"]


def test_several_rotations_during_an_absence_are_read_in_order(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a")
    reading.look()
    for number, line in enumerate(("b", "c", "d")):
        append(log, f"{line}1")
        for old in range(number, 0, -1):
            log.with_name(f"root.log.{old}").rename(log.with_name(f"root.log.{old + 1}"))
        log.rename(log.with_name("root.log.1"))
    append(log, "e")
    reading.restart()
    assert reading.settle() == [b"b1", b"c1", b"d1", b"e"]


def test_copy_truncate_reads_the_rest_from_the_copy(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a")
    reading.look()
    append(log, "b")
    shutil.copyfile(log, log.with_name("root.log.1"))
    os.truncate(log, 0)
    append(log, "c")
    assert reading.settle() == [b"b", b"c"]


def test_a_copy_beside_its_original_is_the_same_file(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a", "b")
    reading.look()
    shutil.copyfile(log, log.with_name("root.log.1"))
    assert reading.settle() == []
    append(log, "c")
    assert reading.settle() == [b"c"]


def test_a_truncated_file_goes_on_from_where_it_was_cut(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a" * 2999, "bbbb", "cccc")
    reading.look()
    os.truncate(log, 3000)
    assert reading.settle() == []
    append(log, "dddd")
    assert reading.settle() == [b"dddd"]
    assert "truncated" in reading.notices


def test_bytes_rewritten_behind_our_back_are_noticed_and_read_again(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    head = "x" * 3000
    append(log, head, "old")
    reading.look()
    os.truncate(log, 3001)
    append(log, "new", "more")
    assert reading.settle() == [head.encode(), b"new", b"more"]
    assert "rewritten" in reading.notices


def test_a_file_that_goes_and_comes_back_is_not_read_again(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a")
    reading.look()
    log.rename(tmp_path / "away")
    assert reading.settle() == []
    (tmp_path / "away").rename(log)
    append(log, "b")
    assert reading.settle() == [b"b"]


def test_a_reused_inode_is_another_file(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "first " * 40)
    reading.look()
    os.truncate(log, 0)  # same inode, other content, and longer than before
    append(log, "other " * 60)
    assert reading.settle() == [b"other " * 60]


def test_a_journal_that_rolled_faster_than_we_were_away_is_a_loss_that_is_said(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    append(log, "a")
    reading.look()
    log.unlink()
    append(log, "x" * 50)
    reading.restart()
    assert reading.settle() == [b"x" * 50]
    assert "lost" in reading.notices


def test_permission_denied_is_counted_once_and_explained(tmp_path: Path, log: Path) -> None:
    """In a child that becomes another user: root may read everything."""
    append(log, "a")
    log.chmod(0o600)
    for folder in (tmp_path, *tmp_path.parents[:2], log.parent.parent, log.parent):
        folder.chmod(folder.stat().st_mode | 0o055)
    if os.geteuid() != 0:
        pytest.fail("this test needs root, to become another user")
    child = os.fork()
    if child == 0:
        os.setgid(65534)
        os.setuid(65534)
        reading = Reading(tmp_path)
        reading.look()
        denied = (reading.journals.unreachable, reading.notices)
        os._exit(0 if denied == (1, ["unreachable"]) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_folder_in_place_of_a_file_and_nul_bytes_do_no_harm(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    log.with_name("root.log.2").mkdir()
    log.write_bytes(b"a\n\0\0\0\0\nb\n")
    assert reading.settle() == [b"a", b"\0\0\0\0", b"b"]


def test_a_rotated_file_without_a_last_line_end_is_handed_over_as_ended(tmp_path: Path, log: Path) -> None:
    reading = Reading(tmp_path)
    log.write_bytes(b"a\nhalf")
    reading.look()
    log.rename(log.with_name("root.log.1"))
    append(log, "b")
    assert reading.settle() == [b"PARTIAL half", b"b"]


@pytest.mark.parametrize("how", [["-a"], ["-a", "--inplace"], ["-a", "--inplace", "--append"]])
def test_rsync_in_its_ways_of_writing(tmp_path: Path, how: list[str]) -> None:
    assert shutil.which("rsync"), "rsync is needed: apt-get install rsync"
    source, target = tmp_path / "pos" / "root.log", tmp_path / "here" / "1001" / "3"
    source.parent.mkdir()
    target.mkdir(parents=True)
    reading = Reading(tmp_path / "here")
    written: list[bytes] = []
    for number in range(6):
        append(source, *(f"line {number} {each}" for each in range(400)))
        written += [f"line {number} {each}".encode() for each in range(400)]
        subprocess.run(["rsync", *how, str(source), f"{target}/"], check=True)
        reading.settle()
    assert reading.lines == written


@pytest.mark.parametrize("seed", range(30))
def test_any_mixture_of_growth_rotation_and_kills_delivers_every_line_once(
    tmp_path: Path, log: Path, seed: int
) -> None:
    rng = random.Random(seed)
    reading = Reading(tmp_path)
    written: list[bytes] = []
    generations = 0
    for number in range(120):
        action = rng.random()
        if action < 0.5:
            for _ in range(rng.randrange(1, 30)):
                line = f"{seed} {number} {rng.random()}"
                append(log, line)
                written.append(line.encode())
        elif action < 0.6 and log.exists():
            for old in range(generations, 0, -1):
                log.with_name(f"root.log.{old}").rename(log.with_name(f"root.log.{old + 1}"))
            log.rename(log.with_name("root.log.1"))
            generations += 1
        elif action < 0.85:
            reading.look(chunk=rng.choice([100, 1000, 1 << 20]), commit=rng.random() < 0.7)
        else:
            reading.restart()
    reading.look()
    reading.restart()
    reading.settle()
    assert sorted(reading.lines) == sorted(written)
    assert reading.lines == written


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("root.log", "root.log"),
        ("root.log.1", "root.log"),
        ("root.log.12", "root.log"),
        ("root.log-20261124", "root.log"),
        ("root.log.2026-11-24", "root.log"),
        ("journal.jsonl", "journal.jsonl"),
        ("journal_2026-11-24T13", "journal_2026-11-24T13"),
    ],
)
def test_names_of_generations(name: str, base: str) -> None:
    assert base_name(name)[0] == base


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("relative/*.log", "not absolute"),
        ("/a/{shop}/x", "unknown"),
        ("/a/{pos}/{pos}/x", "stands twice"),
        ("/a/**", "names no files"),
    ],
)
def test_a_pattern_that_cannot_be_meant_says_why(text: str, complaint: str) -> None:
    with pytest.raises(BadConfiguration, match=complaint):
        JournalPattern.compile(text, ORIGIN)
