"""Lines per CPU second, end to end: follow, read, count, commit; against mtail on the same files in the same run.

    .venv/bin/python bench/lines.py [--minutes 30] [--stores 60] [--rounds 3]

Journals come from the simulator. `tillwatch collect --once` follows them into a new ledger and publishes documents;
mtail (Debian package "mtail") counts what it can in one shot. CPU seconds and peak memory are the kernel's, of the
whole process, the interpreter's start included. The floor is `wc -l` on the same files.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
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


def bench(dialect: str, arguments: argparse.Namespace, folder: Path) -> None:
    simulate = [str(TILLWATCH), "simulate", "run", "--folder", str(folder / "simulation"), "--dialect", dialect]
    simulate += ["--stores", str(arguments.stores), "--minutes", str(arguments.minutes)]
    simulate += ["--receipts-per-minute", str(arguments.stores * 8)]
    subprocess.run(simulate, check=True, stderr=subprocess.DEVNULL)
    files = sorted((folder / "simulation/journals").rglob(DIALECTS[dialect][0] + "*"))
    data = [file.read_bytes() for file in files]
    lines, size = sum(each.count(b"\n") for each in data), sum(len(each) for each in data)
    del data
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
    ledger = sum(file.stat().st_size for file in (folder / "data").glob("ledger.sqlite*"))
    per_day = ledger / arguments.stores / arguments.minutes * 1440
    print(f"  ledger {ledger / 1e6:.1f} MB, {ledger / arguments.stores:,.0f} bytes a store for these minutes,", end=" ")
    print(f"{per_day / 1000:,.0f} kB a store and day at this rate before tiers are pruned")


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
