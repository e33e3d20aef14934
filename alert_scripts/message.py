"""The form of messages: what provisioning writes into the media type, and how it is read back.

Zabbix expands macros without any escaping, so the form must hold whatever a host name, a trigger's description or
a comment may contain. First comes the *head*: a fixed number of lines whose macros cannot hold a newline (numbers
and times); nothing that follows can change it. Then come *texts*, each below a marker line that carries the event
id; free texts of many lines stand last. If the markers are not there exactly once and in order, somebody's text
looks like one: then nothing behind the head is interpreted, and the mail shows it as it is (`Alert.rest`).

Times are expanded in the time zone of the notified Zabbix user, without saying which (Zabbix documentation, "Time
zones"): the technical user must have the time zone UTC.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import Literal

import msgspec

from alert_scripts.alert import Alert, Figure

VERSION = 1

SCRIPT_PARAMETERS = ("{ALERT.SENDTO}", "{ALERT.SUBJECT}", "{ALERT.MESSAGE}")
"""First parameters of the media type; behind them the spool folder and the name of this Zabbix instance, which must
never change: event ids are unique within an instance only."""

ZabbixKind = Literal["problem", "update", "recovery"]

HEAD: tuple[tuple[str, str], ...] = (
    ("event", "{EVENT.ID}"),
    ("action", "{ACTION.ID}"),
    ("trigger", "{TRIGGER.ID}"),
    ("severity", "{EVENT.NSEVERITY}"),
    ("created", "{DATE} {TIME}"),
    ("started", "{EVENT.DATE} {EVENT.TIME}"),
    ("recovered", "{EVENT.RECOVERY.DATE} {EVENT.RECOVERY.TIME}"),
    ("updated", "{EVENT.UPDATE.DATE} {EVENT.UPDATE.TIME}"),
)
"""(field, macros) of the head. None of these macros can hold a newline."""

ITEMS = 4

TEXTS: tuple[tuple[str, str], ...] = (
    ("host", "{HOST.HOST}"),
    ("host_name", "{HOST.NAME}"),
    ("severity_name", "{EVENT.SEVERITY}"),
    ("name", "{EVENT.NAME}"),
    ("opdata", "{EVENT.OPDATA}"),
    ("tags", "{EVENT.TAGSJSON}"),
    ("frontend", "{$ZABBIX.URL}"),
    ("trigger_url", "{TRIGGER.URL}"),
    *(
        pair
        for number in range(1, ITEMS + 1)
        for pair in ((f"item{number}", f"{{ITEM.NAME{number}}}"), (f"value{number}", f"{{ITEM.VALUE{number}}}"))
    ),
    ("update_user", "{USER.FULLNAME}"),
    ("update_action", "{EVENT.UPDATE.ACTION}"),
    ("update_message", "{EVENT.UPDATE.MESSAGE}"),
    ("description", "{TRIGGER.DESCRIPTION}"),
)
"""(field, macro) of the texts, in order; {$ZABBIX.URL} is a global macro: the frontend's address."""

SUBJECTS: dict[ZabbixKind, str] = {
    "problem": "Problem: {EVENT.NAME}",
    "update": "Updated problem: {EVENT.NAME}",
    "recovery": "Resolved: {EVENT.NAME}",
}
"""What stands in Zabbix's own list of actions; mails make their subject themselves."""

_SEVERITIES = 6
_MACRO = re.compile(r"\{[$A-Z][A-Z0-9.$]*\}")


def _marker(event: str, field: str) -> str:
    return f"--- {event} {field}"


def message_template(kind: ZabbixKind) -> str:
    """The message text of a media type for one kind of operation."""
    lines = [f"tillwatch {VERSION} {kind}", *(f"{field}={macros}" for field, macros in HEAD)]
    for field, macro in TEXTS:
        lines += [_marker("{EVENT.ID}", field), macro]
    return "\n".join(lines)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """One spool file, as the alert script writes it. `written`: milliseconds UTC by the clock of its machine."""

    format: int
    channel: str
    recipient: str
    subject: str
    message: str
    instance: str
    written: int
    cut: tuple[str, ...] = ()


def read_message(note: Note) -> Alert:
    """What a spool file says. Never fails: a message of another form becomes an alert of kind "text"."""
    lines = note.message.replace("\r\n", "\n").split("\n")
    first = re.fullmatch(r"tillwatch (\d+) (problem|update|recovery)", lines[0])
    head = _read_head(lines[1 : 1 + len(HEAD)]) if first and int(first[1]) == VERSION else None
    if first is None or head is None:
        return Alert(
            instance=note.instance,
            channel=note.channel,
            recipient=note.recipient,
            kind="text",
            subject=note.subject,
            event="text-" + hashlib.sha256(f"{note.subject}\0{note.message}".encode()).hexdigest()[:32],
            created=note.written // 60_000 * 60_000,
            rest=note.message,
        )
    body = "\n".join(lines[1 + len(HEAD) :])
    texts = _read_texts(body, head["event"])
    severity = head["severity"]
    kind: ZabbixKind = first[2]  # type: ignore[assignment]  # the pattern admits these three alone
    values = texts or {}
    return Alert(
        instance=note.instance,
        channel=note.channel,
        recipient=note.recipient,
        kind=kind,
        subject=note.subject,
        event=head["event"],
        action=head["action"],
        trigger=head["trigger"],
        severity=int(severity) if severity.isdecimal() and int(severity) < _SEVERITIES else 0,
        created=_time(head["created"]),
        started=_time(head["started"]),
        recovered=_time(head["recovered"]) if kind == "recovery" else None,
        updated=_time(head["updated"]) if kind == "update" else None,
        host=values.get("host", ""),
        host_name=values.get("host_name", ""),
        name=values.get("name", ""),
        severity_name=values.get("severity_name", ""),
        opdata=values.get("opdata", ""),
        tags=_tags(values.get("tags", "")),
        items=_items(values),
        trigger_url=values.get("trigger_url", ""),
        frontend=values.get("frontend", ""),
        update_user=values.get("update_user", "") if kind == "update" else "",
        update_action=values.get("update_action", "") if kind == "update" else "",
        update_message=values.get("update_message", "") if kind == "update" else "",
        description=values.get("description", ""),
        rest=body if texts is None else "",
    )


def _read_head(lines: list[str]) -> dict[str, str] | None:
    """None where this is not our head, or the event has no id."""
    values = {}
    for (field, macros), line in zip(HEAD, lines, strict=False):
        name, equals, value = line.partition("=")
        if name != field or not equals:
            return None
        values[field] = _expanded(value, macros)
    return values if len(values) == len(HEAD) and values["event"].isdecimal() else None


def _read_texts(body: str, event: str) -> dict[str, str] | None:
    """None where markers are missing, doubled or out of order."""
    markers = [_marker(event, field) for field, _ in TEXTS]
    lines = body.split("\n")
    places = [number for number, line in enumerate(lines) if line in set(markers)]
    if [lines[place] for place in places] != markers or places[0] != 0:
        return None
    ends = [*places[1:], len(lines)]
    return {
        field: _expanded("\n".join(lines[place + 1 : end]).strip(), macro)
        for (field, macro), place, end in zip(TEXTS, places, ends, strict=True)
    }


def _expanded(value: str, macros: str) -> str:
    """Empty where Zabbix had nothing to put: *UNKNOWN*, or the macro itself."""
    if value == macros or _MACRO.fullmatch(value) or set(value.split()) == {"*UNKNOWN*"}:
        return ""
    return value


def _time(text: str) -> int | None:
    try:
        parsed = datetime.strptime(text, "%Y.%m.%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return int(parsed.timestamp()) * 1000


def _tags(text: str) -> tuple[tuple[str, str], ...]:
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(parsed, list):
        return ()
    return tuple((str(each.get("tag", "")), str(each.get("value", ""))) for each in parsed if isinstance(each, dict))


def _items(values: dict[str, str]) -> tuple[Figure, ...]:
    pairs = ((values.get(f"item{number}", ""), values.get(f"value{number}", "")) for number in range(1, ITEMS + 1))
    return tuple(Figure(name, value) for name, value in pairs if name and value)
