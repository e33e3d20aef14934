"""What provisioning is asked to make: a value, taken from settings and estate at the rim."""

from __future__ import annotations

import msgspec

from zabbix_plugins.model.estate import Estate


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that should stand on a Zabbix server.

    `documents`, `spool`: folders as zabbix_server sees them. `hotline`: address of the hot-line. `frontend`: address
    of the frontend as people reach it; it stands in mails. `instance`: a name of this Zabbix that never changes.
    `stores`: also make a host for every store.
    """

    estate: Estate
    documents: str
    spool: str
    hotline: str
    frontend: str
    instance: str = "zabbix"
    stores: bool = True


class Report(msgspec.Struct, kw_only=True):
    """What was done, as texts "kind name"."""

    version: str = ""
    created: list[str] = []
    updated: list[str] = []
    unchanged: int = 0

    def empty(self) -> bool:
        """Was there nothing to do?"""
        return not self.created and not self.updated
