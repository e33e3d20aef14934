"""Records of Set Retail 10's log that one line of text tells: keys, articles, errors of the POS, online and offline.

Every function takes the state, the begin and end of a message in the chunk, its time and the begin of its record;
it answers where the next record begins, WAIT or OTHER.
"""

from __future__ import annotations

import re
from decimal import Decimal

from zabbix_plugins.model.event import ArticleScanned, KeyPressed, LinkChanged
from zabbix_plugins.readers.set_retail.loymax import spoken_code
from zabbix_plugins.readers.set_retail.state import OTHER, Records

_MAX_KEYS = 512
_COMMAND = re.compile(rb"""command["']?\s*[=:]\s*["']?([A-Za-z0-9_]+)""")
_FIELD = re.compile(rb"""\b(item|count|sum)["']?\s*[=:]\s*["']?([^\s,;"'\])}]+)""")


def silent(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """Understood, and told better by what follows: what was scanned may be an article, a card or a coupon."""
    return end + 1


def key(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`eventControlKey: ControlKey {scanCode=10, command=kbdEnter}`"""
    raw = records.data[begin:end]
    name = records.keys.get(raw)
    if name is None:
        found = _COMMAND.search(raw)
        if found is None:
            return OTHER
        name = records.privacy.key(found[1].decode())
        if len(records.keys) < _MAX_KEYS:
            records.keys[raw] = name
    carry = records.carry
    records.events.append(
        KeyPressed(
            time=time,
            chain=records.chain,
            store=records.store,
            pos=records.pos,
            shift=carry.shift,
            receipt=carry.receipt,
            offset=records.base + at,
            key=name,
        )
    )
    return end + 1


def position(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`TechProcess add position: id=…, item=12345, count=1000, sum=8990, …` (count in thousandths, sum in kopecks)"""
    fields = dict(_FIELD.findall(records.data, begin, end))
    if b"item" not in fields:
        return OTHER
    carry = records.carry
    carry.by_lines += 1
    if carry.by_lines <= carry.by_events:  # a SetEvent told this article before
        return end + 1
    quantity: Decimal | None
    try:
        quantity = Decimal(fields[b"count"].decode("ascii")) / 1000
        total = Decimal(fields[b"sum"].decode("ascii")) / 100
        price = total if quantity == 1 else round(total / quantity, 2)
    except (KeyError, UnicodeDecodeError, ArithmeticError, ValueError):
        quantity = price = None
    records.events.append(
        ArticleScanned(
            time=time,
            chain=records.chain,
            store=records.store,
            pos=records.pos,
            shift=carry.shift,
            receipt=carry.receipt,
            offset=records.base + at,
            article=fields[b"item"].decode("ascii", "replace")[:64],
            quantity=quantity,
            price=price,
        )
    )
    return end + 1


def link(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`Server online mode`, `Server offline mode`: written again and again, but the change is the event."""
    raw = records.data[begin:end]
    online = raw.startswith(b"Server online")
    if not online and not raw.startswith(b"Server offline"):
        return OTHER
    if online is not records.carry.online:
        records.carry.online = online
        records.events.append(LinkChanged(**records.place(time, at), online=online))
    return end + 1


def till_error(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`TP error: Карта № […] не найдена`"""
    text = records.text(records.data[begin + len(b"TP error:") : end])
    records.add_error(time, at, spoken_code(text) or "SET.TP_ERROR", text)
    return end + 1
