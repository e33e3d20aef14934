"""Lines per CPU second, end to end: follow, read, count, commit; against mtail on the same files in the same run.

    .venv/bin/python bench/lines.py [--minutes 30] [--stores 60] [--rounds 3]

Journals come from the simulator. `tillwatch collect --once` follows them into a new ledger and publishes documents;
mtail (Debian package "mtail") counts what it can in one shot. CPU seconds and peak memory are the kernel's, of the
whole process, the interpreter's start included; memory below this script's own cannot be told. The floor is `wc -l`
on the same files. The ledger's size is what SQLite says of each table's pages, by the spans that the table keeps.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
TILLWATCH = Path(sys.executable).with_name("tillwatch")
DIALECTS = {"jsonl": ("journal.jsonl", HERE / "jsonl.mtail"), "set-retail": ("root.log", HERE / "set-retail.mtail")}


def measured(command: list[str]) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a command; its output is thrown away."""
    with Path(os.devnull).open("wb") as nowhere:
        child = subprocess.Popen(command, stdout=nowhere, stderr=nowhere)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{command[0]} failed with status {child.returncode}: {' '.join(command)}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def settings_file(folder: Path, dialect: str) -> Path:
    path = folder / "tillwatch.toml"
    journals = folder / "simulation/journals/{chain}/{store}/{pos}" / DIALECTS[dialect][0]
    path.write_text(
        f'[collector]\ndata = "data"\nestate = "simulation/estate.csv"\n'
        f'[[journal]]\nformat = "{dialect}"\npath = "{journals}*"\n'
    )
    return path


def collect(folder: Path, settings: Path) -> tuple[float, float]:
    shutil.rmtree(folder / "data", ignore_errors=True)
    return measured([str(TILLWATCH), "collect", "--once", "--config", str(settings)])


def mtail(folder: Path, program: Path, files: list[Path]) -> tuple[float, float]:
    programs = folder / "mtail"
    programs.mkdir(exist_ok=True)
    shutil.copy(program, programs)
    logs = [argument for file in files for argument in ("--logs", str(file))]
    return measured(["mtail", "--one_shot", "--logtostderr", "--progs", str(programs), *logs])


def lines_of(file: Path) -> int:
    """Lines of a file, a little at a time: what this script once held would count as its children's memory."""
    with file.open("rb") as opened:
        return sum(block.count(b"\n") for block in iter(lambda: opened.read(1 << 16), b""))


def print_ledger(path: Path, stores: int, minutes: float) -> None:
    """Bytes of the ledger by store: what a day of trade adds, and what stays the same however long it trades."""
    with contextlib.closing(sqlite3.connect(path)) as ledger:
        size = dict(ledger.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name"))
    days = minutes / 1440
    minute_tier = size["minutes"] / stores / days / 1000
    hour_tier = size["hours"] / stores / math.ceil(minutes / 60) * 24 / 1000
    fixed = sum(size[table] for table in ("windows", "pos", "journals")) / stores / 1000
    pos_tier = size["pos_minutes"] / stores / minutes * 120 / 1000
    print(
        f"  ledger, kB a store: {minute_tier:.0f} a day in minutes (26 h kept), {hour_tier:.1f} a day in hours", end=" "
    )
    print(f"(5 weeks kept), {pos_tier:.0f} in its registers' 2 h of minutes, {fixed:.1f} in states and windows")


def bench(dialect: str, arguments: argparse.Namespace, folder: Path) -> None:
    simulate = [str(TILLWATCH), "simulate", "run", "--folder", str(folder / "simulation"), "--dialect", dialect]
    simulate += ["--stores", str(arguments.stores), "--minutes", str(arguments.minutes)]
    simulate += ["--receipts-per-minute", str(arguments.stores * 8)]
    subprocess.run(simulate, check=True, stderr=subprocess.DEVNULL)
    files = sorted((folder / "simulation/journals").rglob(DIALECTS[dialect][0] + "*"))
    lines, size = sum(map(lines_of, files)), sum(file.stat().st_size for file in files)
    print(
        f"\n{dialect}: {lines:,} lines, {size / 1e6:.0f} MB, {arguments.stores} stores, {arguments.minutes:g} minutes"
    )
    settings = settings_file(folder, dialect)
    ours, theirs, floor = [], [], []
    for _ in range(arguments.rounds):  # in turns, since machines are noisy
        ours.append(collect(folder, settings))
        theirs.append(mtail(folder, DIALECTS[dialect][1], files))
        floor.append(measured(["wc", "-l", *map(str, files)]))
    for name, runs in (("tillwatch", ours), ("mtail", theirs), ("wc -l", floor)):
        cpu = statistics.median(run[0] for run in runs)
        memory = max(run[1] for run in runs)
        print(f"  {name:10} {lines / cpu:12,.0f} lines per CPU second  {cpu:7.2f} s  {memory:6.0f} MB at most")
    ratios = [other[0] / own[0] for own, other in zip(ours, theirs, strict=True)]
    print(
        f"  mtail takes {statistics.median(ratios):.1f} times the CPU (pairs: {min(ratios):.1f} to {max(ratios):.1f})"
    )
    print_ledger(folder / "data" / "ledger.sqlite", arguments.stores, arguments.minutes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--stores", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dialect", choices=list(DIALECTS), action="append")
    arguments = parser.parse_args()
    if shutil.which("mtail") is None:
        raise SystemExit("mtail is not installed: apt-get install mtail, and try again")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} processors")
    for dialect in arguments.dialect or DIALECTS:
        with tempfile.TemporaryDirectory(prefix="tillwatch-bench-") as folder:
            bench(dialect, arguments, Path(folder))


if __name__ == "__main__":
    main()
