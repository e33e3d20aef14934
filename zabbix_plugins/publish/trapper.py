"""Pushing the values of stores to Zabbix trapper items (design, decision 7).

Every closed minute leaves one batch in the ledger, written in the commit that closed it; a batch goes when Zabbix
has answered for all its values. Each value carries the end of its window as its clock and a nanosecond that is a
fixed function of item key and minute: what is sent twice is the same value to Zabbix, which drops it.

Values that fail (a host or item that the server does not know yet, before its next configuration sync) are sent
again on the next round; after `GIVE_UP` rounds they are counted as failed, so that one deleted host does not
hold back the others.
"""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterable, Sequence
from queue import Empty, Queue
from threading import Event as Flag
from threading import Thread
from time import monotonic

import msgspec
from zabbix_utils import ItemValue, Sender
from zabbix_utils.exceptions import ProcessingError

from zabbix_plugins.catalogue import AVAILABILITY, WINDOW_END
from zabbix_plugins.errors import BadConfiguration, Temporary
from zabbix_plugins.ledger.ledger import Outgoing
from zabbix_plugins.metrics.availability import availability
from zabbix_plugins.model.naming import host_name
from zabbix_plugins.model.window import window_end

CHUNK = 1000
GIVE_UP = 12
REFUSED_SECONDS = 6.0
DOWN_SECONDS = 10.0
MAX_PENDING = 16
_log = logging.getLogger(__name__)
logging.getLogger("zabbix_utils").setLevel(logging.CRITICAL)  # it logs what it raises, and we say that ourselves


def nanosecond(key: str, minute: int) -> int:
    """The fixed nanosecond (0 … 999 999 999) of an item's value for a minute."""
    return zlib.crc32(f"{key} {minute}".encode()) % 1_000_000_000


def store_values(batch: Outgoing) -> list[ItemValue]:
    """The values of every store of one closed minute; unknown ones (no transactions) are left out."""
    clock = window_end(batch.minute)
    values = []
    for store in batch.stores:
        host = host_name("store", store.chain, store.store)
        values.append(
            ItemValue(host, WINDOW_END.key, str(clock), clock=clock, ns=nanosecond(WINDOW_END.key, batch.minute))
        )
        for window, counts in store.windows.items():
            stated = msgspec.to_builtins(availability(counts))
            for metric in AVAILABILITY:
                value = stated.get(metric.field)
                if value is not None:
                    key = f"{metric.key}[{window}]"
                    values.append(ItemValue(host, key, str(value), clock=clock, ns=nanosecond(key, batch.minute)))
    return values


def server_address(text: str) -> tuple[str, int]:
    """("host", port) of "host:port"; raises `BadConfiguration`."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise BadConfiguration(
            f"key push.servers: {text!r} is no address", remedy="write host:port, for example zabbix.example:10051"
        )
    return host.strip("[]"), int(port)


def send(values: Sequence[ItemValue], server: tuple[str, int]) -> list[ItemValue]:
    """Send values to one server or proxy; return those that it did not take.

    The answer counts failures but does not name them, so a chunk with failures is sent again one by one host.
    Raises `Temporary` when the server cannot be reached.
    """
    sender = Sender(server=server[0], port=server[1], timeout=20, chunk_size=CHUNK)
    failed: list[ItemValue] = []
    try:
        for begin in range(0, len(values), CHUNK):
            chunk = list(values[begin : begin + CHUNK])
            if not sender.send(chunk).failed:
                continue
            for same_host in _by_host(chunk):
                if sender.send(same_host).failed:
                    failed += same_host
    except (ProcessingError, OSError) as error:
        raise Temporary(
            f"values cannot be pushed: {error}", where=f"{server[0]}:{server[1]}", remedy="it will be tried again"
        ) from error
    return failed


def _by_host(values: Iterable[ItemValue]) -> list[list[ItemValue]]:
    hosts: dict[str, list[ItemValue]] = {}
    for value in values:
        hosts.setdefault(value.host, []).append(value)
    return list(hosts.values())


class _Pending:
    """Values of one minute that one server has not taken yet."""

    def __init__(self, minute: int, server: tuple[str, int], values: list[ItemValue]) -> None:
        self.minute, self.server, self.values = minute, server, values
        self.rounds = 0
        self.next_try = 0.0


class Pusher:
    """Sends batches in a thread of its own, so that a slow Zabbix never holds back the reading of journals.

    The collector offers batches with `offer` and learns with `done` up to which minute all have arrived. Values
    that one store's host refuses are tried again beside the next batches and hold nothing else back.
    """

    def __init__(self, servers: Sequence[tuple[str, int]]) -> None:
        self.refused = 0
        self._servers = servers
        self._batches: Queue[Outgoing] = Queue(maxsize=8)
        self._stop = Flag()
        self._offered = -1
        self._taken: list[int] = []
        self._pending: list[_Pending] = []
        self._done: Queue[int] = Queue()
        self._down_until: dict[tuple[str, int], float] = {}
        self._thread = Thread(target=self._run, name="pusher", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self) -> None:
        """End after the round that is under way; what has not arrived is offered again by the next run."""
        self._stop.set()
        self._thread.join(timeout=30)

    def offer(self, batches: Iterable[Outgoing]) -> None:
        """Queue batches that were not offered before, as far as there is room; the rest stays in the ledger."""
        for batch in batches:
            if batch.minute > self._offered and not self._batches.full():
                self._offered = batch.minute
                self._batches.put(batch)

    def done(self) -> int | None:
        """The last minute that has fully arrived (or was refused for good) since the last call, else None."""
        last = None
        while not self._done.empty():
            last = self._done.get()
        return last

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                if len(self._pending) >= MAX_PENDING:  # a server is down: the rest waits in the ledger
                    self._stop.wait(0.5)
                    raise Empty
                batch = self._batches.get(timeout=0.5)
            except Empty:
                pass
            else:
                self._taken.append(batch.minute)
                values = store_values(batch)
                self._pending += [_Pending(batch.minute, server, values) for server in self._servers]
            self._round(monotonic())

    def _round(self, now: float) -> None:
        for pending in self._pending:
            server = pending.server
            if pending.next_try > now or self._down_until.get(server, now) > now or self._stop.is_set():
                continue
            try:
                pending.values = send(pending.values, server)
            except Temporary as error:
                if server not in self._down_until:  # said once, not every ten seconds of a night
                    _log.warning("%s", error)
                self._down_until[server] = now + DOWN_SECONDS
                continue
            if self._down_until.pop(server, None) is not None:
                _log.warning("%s:%d: values are pushed again", *server)
            pending.rounds += 1
            pending.next_try = now + REFUSED_SECONDS
            if pending.values and pending.rounds >= GIVE_UP:
                self.refused += len(pending.values)
                host = pending.values[0].host
                _log.warning("%s:%d refuses %d values for good, first %s", *pending.server, len(pending.values), host)
                pending.values = []
        self._pending = [pending for pending in self._pending if pending.values]
        waiting = {pending.minute for pending in self._pending}
        while self._taken and self._taken[0] not in waiting:
            self._done.put(self._taken.pop(0))
