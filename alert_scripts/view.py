"""What a reader of the mail sees, as plain values: the templates only arrange it. Pure.

Nothing that comes from Zabbix is trusted: one-line texts lose line breaks, control and direction-changing
characters, everything is bounded, and only http(s) addresses become links.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec

from alert_scripts.alert import Alert, Figure
from alert_scripts.texts import Texts

_LINE = 200
_TEXT = 3000
_TILES = 4

_COLOURS = ("#97AAB3", "#7499FF", "#FFC859", "#FFA059", "#E97659", "#E45959")
"""Zabbix's own severity colours, not classified to disaster (Administration, "Trigger displaying options")."""
_SOLVED = "#59DB8F"
_PLAIN = "#97AAB3"


class Link(msgspec.Struct, frozen=True):
    """An http(s) address and what stands on it."""

    words: str
    url: str


class View(msgspec.Struct, frozen=True, kw_only=True):
    """One mail. `title` and `since`: the whole message for a human. `tiles`: the numbers that matter most; `rows` and
    `measured`: (name, value). `heading`: of `text`, a text of many lines (first step, comment, raw message).
    """

    language: str
    label: str
    colour: str
    severity: str
    title: str
    since: str
    comment: str
    comment_heading: str
    tiles: tuple[Figure, ...]
    rows: tuple[Figure, ...]
    measured: tuple[Figure, ...]
    measured_heading: str
    heading: str
    text: str
    links: tuple[Link, ...]
    footer: str


def one_line(text: str, limit: int = _LINE) -> str:
    """Text without line breaks, control and direction-changing characters, cut at `limit` characters."""
    flat = " ".join("".join(_harmless(char) for char in text[: limit * 4]).split())
    return flat if len(flat) <= limit else flat[: limit - 1] + "…"


def many_lines(text: str, cut: str, limit: int = _TEXT) -> str:
    """Like `one_line`, but with its lines; `cut` is said where it was shortened."""
    lines = ["".join(_harmless(char) for char in line).rstrip() for line in text[:limit].split("\n")]
    return "\n".join(lines).strip() + (f"\n{cut}" if len(text) > limit else "")


def _harmless(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cf", "Cs", "Co", "Cn"):  # direction overrides and isolates, zero width, surrogates
        return ""
    return " " if category in ("Cc", "Zl", "Zp") else char


def subject_of(alert: Alert, brand: str) -> str:
    """The subject of an alert's thread: "[Tillwatch] Magnolia: Loyalty availability is critically low"."""
    return one_line(f"[{brand}] {_what(alert)}", 150)


def _what(alert: Alert) -> str:
    name, host = one_line(alert.name or alert.subject), one_line(alert.host_name or alert.host)
    return name if not host or host in name else f"{host}: {name}"


def view_of(alert: Alert, texts: Texts, zone: str) -> View:
    """Arrange an alert for its reader; times in `zone` (an IANA name)."""
    shown = _Times(texts, zone)
    label = {"problem": texts.problem, "update": texts.update, "recovery": texts.recovery, "text": texts.text}
    figures = _figures(alert.opdata, texts)
    heading, text = (texts.uninterpreted, alert.rest) if alert.rest else (texts.first, alert.description)
    if alert.kind in ("recovery", "update") and not alert.rest:
        text = ""  # the first mail of the thread said it
    return View(
        language=texts.language,
        label=label[alert.kind],
        colour=_SOLVED if alert.kind == "recovery" else _PLAIN if alert.kind == "text" else _COLOURS[alert.severity],
        severity="" if alert.kind == "text" else texts.severities[alert.severity],
        title=_what(alert),
        since=_since(alert, texts, shown),
        comment=many_lines(alert.update_message, texts.cut),
        comment_heading=texts.comment,
        tiles=_tiles(alert, figures, texts),
        rows=_rows(alert, figures, texts, shown),
        measured=tuple(Figure(one_line(item.name), one_line(item.value)) for item in alert.items),
        measured_heading=texts.measured,
        heading=heading if text else "",
        text=many_lines(text, texts.cut),
        links=_links(alert, texts),
        footer=" · ".join(
            part
            for part in (
                texts.footer.format(event=one_line(alert.event, 48)) if alert.kind != "text" else "Tillwatch",
                one_line(alert.instance, 64),
                texts.times.format(zone=zone),
            )
            if part
        ),
    )


class _Times:
    """Milliseconds UTC → words in one zone; empty for None."""

    def __init__(self, texts: Texts, zone: str) -> None:
        self._texts = texts
        self._zone = ZoneInfo(zone)

    def __call__(self, time: int | None) -> str:
        return "" if time is None else self._texts.date(datetime.fromtimestamp(time / 1000, self._zone))


def _since(alert: Alert, texts: Texts, shown: _Times) -> str:
    if alert.kind == "update":
        return texts.updated.format(
            who=one_line(alert.update_user, 80) or texts.someone,
            when=shown(alert.updated),
            action=texts.action(one_line(alert.update_action)) or texts.update.lower(),
        )
    if alert.kind == "recovery":
        if alert.started is None or alert.recovered is None:
            return texts.over_unknown
        began, ended = shown(alert.started), shown(alert.recovered)
        day, _, time = ended.rpartition(", ")
        return texts.over.format(
            lasted=texts.duration(alert.recovered - alert.started),
            began=began,
            ended=time if began.startswith(f"{day}, ") else ended,
        )
    if alert.kind == "problem" and alert.started is not None:
        return texts.since.format(began=shown(alert.started))
    return ""


def _figures(opdata: str, texts: Texts) -> tuple[Figure, ...]:
    """ "Availability: 61.5 %, transactions: 1240" as numbers; empty if it is not of that form throughout."""
    parts = [re.fullmatch(r"([^:]{1,40}):\s+(.{1,40})", part.strip()) for part in re.split(r"[,;]\s", one_line(opdata))]
    if not opdata or not all(parts):
        return ()
    return tuple(Figure(_capital(texts.figure(part[1].strip())), part[2]) for part in parts if part)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _tiles(alert: Alert, figures: tuple[Figure, ...], texts: Texts) -> tuple[Figure, ...]:
    lasted: tuple[Figure, ...] = ()
    if alert.kind == "recovery" and alert.started is not None and alert.recovered is not None:
        lasted = (Figure(texts.lasted, texts.duration(alert.recovered - alert.started)),)
    return (*lasted, *figures)[:_TILES]


def _rows(alert: Alert, figures: tuple[Figure, ...], texts: Texts, shown: _Times) -> tuple[Figure, ...]:
    places = {"chain": texts.chain, "region": texts.region, "store": texts.store}
    where = one_line(alert.host_name or alert.host)
    rows = [Figure(texts.where, where)]
    rows += [
        Figure(places[tag], one_line(value))
        for tag, value in alert.tags
        if tag in places and value.lower() != where.lower()
    ]
    if alert.kind != "text":
        rows.append(Figure(texts.severity, texts.severities[alert.severity]))
    rows += [Figure(texts.began, shown(alert.started)), Figure(texts.ended, shown(alert.recovered))]
    if not figures:
        rows.append(Figure(texts.measured, one_line(alert.opdata)))
    return tuple(row for row in rows if row.value)


def _links(alert: Alert, texts: Texts) -> tuple[Link, ...]:
    links = []
    if _is_address(alert.frontend) and alert.event.isdecimal() and alert.trigger.isdecimal():
        base = alert.frontend.rstrip("/")
        links.append(Link(texts.open_problem, f"{base}/tr_events.php?triggerid={alert.trigger}&eventid={alert.event}"))
    if _is_address(alert.trigger_url):
        links.append(Link(texts.more, alert.trigger_url))
    return tuple(links)


def _is_address(text: str) -> bool:
    return re.fullmatch(r"https?://[^\s<>\"'\\]{1,1000}", text) is not None
