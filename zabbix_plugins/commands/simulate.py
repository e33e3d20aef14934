"""`tillwatch simulate`: a chain of stores that trades, and faults to plant in it."""

from __future__ import annotations

import signal
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from zabbix_plugins.commands.collect import milliseconds
from zabbix_plugins.simulator import faults
from zabbix_plugins.simulator.dialects import DIALECTS
from zabbix_plugins.simulator.run import SimulationSettings, run, run_fast

DEMO_FOLDER = Path("/var/lib/tillwatch-demo/simulation")

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_FOLDER,
    show_default=True,
    help="Where the simulation lives.",
)


@click.group()
def simulate() -> None:
    """Simulate a chain of stores, and the faults that befall it."""


@simulate.command("run")
@FOLDER
@click.option("--stores", default=24, show_default=True)
@click.option("--receipts-per-minute", default=180.0, show_default=True, help="Of all stores together.")
@click.option("--profile", type=click.Choice(["flat", "shop"]), default="flat", show_default=True)
@click.option("--dialect", type=click.Choice(list(DIALECTS)), multiple=True, help="Per chain, in their order.")
@click.option("--seed", default=1, show_default=True)
@click.option("--warm-up", default=0, help="In real time, begin so many minutes ago.")
@click.option("--from", "start", type=click.DateTime(), help="Begin at this UTC time, as fast as possible.")
@click.option("--minutes", type=float, help="So many minutes of trade, as fast as possible, then end.")
def simulate_run(
    folder: Path,
    stores: int,
    receipts_per_minute: float,
    profile: str,
    dialect: tuple[str, ...],
    seed: int,
    warm_up: int,
    start: datetime | None,
    minutes: float | None,
) -> None:
    """Trade in real time until stopped; with --minutes as fast as possible."""
    settings = SimulationSettings(
        folder=folder,
        seed=seed,
        stores=stores,
        receipts_per_minute=receipts_per_minute,
        profile="shop" if profile == "shop" else "flat",
        warm_up_minutes=warm_up,
        dialects=dialect or SimulationSettings(folder=folder).dialects,
    )
    if minutes is not None:
        begin = int(start.replace(tzinfo=UTC).timestamp() * 1000) if start else milliseconds() - int(minutes * 60_000)
        with Console(stderr=True).status("Trading ...") as status:
            run_fast(settings, start=begin, minutes=minutes, say=lambda done: status.update(f"Trading: minute {done}"))
        return
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run(
        settings, clock=milliseconds, wait=stop.wait, say=lambda text: click.echo(f"{time.strftime('%H:%M:%S')} {text}")
    )


@simulate.command("fault")
@click.argument("name", required=False)
@FOLDER
@click.option("--end", is_flag=True, help="End the fault instead of planting it.")
@click.option("--chain", default="", help="Only in this chain.")
@click.option("--region", default="", help="Only in this region.")
@click.option("--store", default="", help="Only in this store.")
def simulate_fault(name: str | None, folder: Path, end: bool, chain: str, region: str, store: str) -> None:
    """Plant the fault NAME, or end it; without NAME, list faults."""
    if name is None:
        there = {fault.name for fault in faults.planted(folder)}
        for known, words in faults.FAULTS.items():
            click.echo(f"{'* ' if known in there else '  '}{known:16} {words}")
    elif end:
        number = faults.end(folder, name)
        click.echo(f"{name} ended" if number else f"{name} was not planted")
    else:
        faults.plant(folder, faults.Fault(name=name, chain=chain, region=region, store=store))
        click.echo(f"{name} planted; end it with: tillwatch simulate fault --end {name}")
