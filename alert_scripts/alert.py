"""One alert of Zabbix as a value, and its identity: what makes two alerts the same (design, decision 11)."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

Kind = Literal["problem", "update", "recovery", "text"]


class Figure(msgspec.Struct, frozen=True):
    """One number of the mail: its name and its value with the unit, as Zabbix writes them."""

    name: str
    value: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Two alerts with the same identity are one: the second is dropped (Zabbix tried again).

    `update`: time and text hash of an update, else empty. `step`: action and escalation step; Zabbix has no macro
    for the step, so it is the time at which the alert was made. `recipient`: the address a message goes to.
    """

    instance: str
    event: str
    kind: Kind
    update: str
    step: str
    channel: str
    recipient: str

    def digest(self) -> str:
        """A name for this message that never changes: 32 hexadecimal digits."""
        return hashlib.sha256("\0".join(msgspec.structs.astuple(self)).encode()).hexdigest()[:32]


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """What Zabbix said, all of it. Times are milliseconds UTC, None where Zabbix gave none.

    `kind` "text": a message that is not in Tillwatch's own form (Zabbix's test button, a changed template); it has
    `subject` and `rest` alone. `rest`: text that could not be told apart into fields, shown as it is.
    `severity`: 0 (not classified) to 5 (disaster). `tags`: in Zabbix's order.
    """

    instance: str
    channel: str
    recipient: str
    kind: Kind
    subject: str
    event: str
    action: str = ""
    trigger: str = ""
    severity: int = 0
    created: int | None = None
    started: int | None = None
    recovered: int | None = None
    updated: int | None = None
    host: str = ""
    host_name: str = ""
    name: str = ""
    severity_name: str = ""
    opdata: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    items: tuple[Figure, ...] = ()
    trigger_url: str = ""
    frontend: str = ""
    update_user: str = ""
    update_action: str = ""
    update_message: str = ""
    description: str = ""
    rest: str = ""

    def identity(self, recipient: str) -> Identity:
        """The identity of the message that tells this alert to `recipient`."""
        update = ""
        if self.kind == "update":
            said = "\0".join((self.update_user, self.update_action, self.update_message, self.rest))
            update = f"{self.updated or 0}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"
        return Identity(
            instance=self.instance,
            event=self.event,
            kind=self.kind,
            update=update,
            step=f"{self.action}@{self.created or 0}",
            channel=self.channel,
            recipient=recipient,
        )
