"""A mail server that answers as a test says, and Zabbix's way of expanding macros: without any escaping."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

import alert_scripts
from alert_scripts.message import SUBJECTS, Note, ZabbixKind, message_template

SCRIPT = Path(alert_scripts.__file__).parent / "scripts" / "hotline_email"

MACROS = {
    "{EVENT.ID}": "4711",
    "{ACTION.ID}": "7",
    "{TRIGGER.ID}": "12345",
    "{EVENT.NSEVERITY}": "4",
    "{DATE}": "2026.11.24",
    "{TIME}": "14:03:08",
    "{EVENT.DATE}": "2026.11.24",
    "{EVENT.TIME}": "14:03:05",
    "{HOST.HOST}": "Tillwatch chain magnolia",
    "{HOST.NAME}": "Magnolia",
    "{EVENT.SEVERITY}": "High",
    "{EVENT.NAME}": "Loyalty availability is critically low (below 97 % in 5m)",
    "{EVENT.OPDATA}": "Availability: 61.5 %, transactions: 1240, hit: 477",
    "{EVENT.TAGSJSON}": '[{"tag":"chain","value":"magnolia"},{"tag":"region","value":"North"}]',
    "{$ZABBIX.URL}": "https://zabbix.example.com/",
    "{ITEM.NAME1}": "Loyalty availability, upper bound (5m)",
    "{ITEM.VALUE1}": "66.2 %",
    "{TRIGGER.DESCRIPTION}": "Look at the dashboard first.\nThen call the processing.",
}

RECOVERED = {"{EVENT.RECOVERY.DATE}": "2026.11.24", "{EVENT.RECOVERY.TIME}": "14:15:05", "{TIME}": "14:15:09"}
UPDATED = {
    "{EVENT.UPDATE.DATE}": "2026.11.24",
    "{EVENT.UPDATE.TIME}": "14:10:00",
    "{TIME}": "14:10:02",
    "{USER.FULLNAME}": "Anna Petrova",
    "{EVENT.UPDATE.ACTION}": "acknowledged and commented",
    "{EVENT.UPDATE.MESSAGE}": "Processing is being restarted.",
}
OF_KIND: dict[ZabbixKind, dict[str, str]] = {"problem": {}, "update": UPDATED, "recovery": RECOVERED}


def expanded(template: str, values: dict[str, str]) -> str:
    """What Zabbix makes of a template: built-in macros without a value are *UNKNOWN*, user macros stay as they are."""
    return re.sub(
        r"\{(\$?)[A-Z0-9.]+\}",
        lambda macro: values.get(macro[0], macro[0] if macro[1] else "*UNKNOWN*"),
        template,
    )


def parameters(kind: ZabbixKind, **changed: str) -> tuple[str, str]:
    """(subject, message) of an alert; `changed`: macros by name with dots as underscores."""
    own = {f"{{{name.replace('_', '.')}}}": value for name, value in changed.items()}
    values = MACROS | OF_KIND[kind] | own
    return expanded(SUBJECTS[kind], values), expanded(message_template(kind), values)


def note(kind: ZabbixKind, **changed: str) -> Note:
    """A spool file as a value."""
    subject, message = parameters(kind, **changed)
    return Note(
        format=1,
        channel="email",
        recipient="hotline@example.com",
        subject=subject,
        message=message,
        instance="demo",
        written=1_795_528_990_000,
    )


def drop(server: SMTP) -> None:
    """Close the connection without a word."""
    assert isinstance(server.transport, asyncio.Transport)
    server.transport.abort()


class MailServer:
    """Answers by `rcpt` and `data`: a reply line, or None to drop the connection; what was accepted is in `mails`."""

    def __init__(self) -> None:
        self.rcpt: Callable[[str], str | None] = lambda address: "250 OK"
        self.data: Callable[[], str | None] = lambda: "250 OK"
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[Any]
    ) -> str:
        answer = self.rcpt(address)
        if answer is None:
            drop(server)
            return "421 gone"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answer = self.data()
        if answer is None or answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            self.raw.append(envelope.content)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        if answer is None:
            drop(server)
            return "421 gone"
        return answer


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    """A listening mail server."""
    server = MailServer()
    server.port = free_port()
    controller = Controller(server, hostname="127.0.0.1", port=server.port)
    controller.start()
    yield server
    controller.stop()
