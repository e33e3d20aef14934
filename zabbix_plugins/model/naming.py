"""Technical names of Zabbix hosts: one rule for those who make the hosts and those who push values to them."""

from __future__ import annotations


def host_name(level: str, chain: str = "", store: str = "") -> str:
    """The technical name: "Tillwatch total", "Tillwatch chain magnolia", "Tillwatch store magnolia 1001".

    Ids have no spaces (`model.estate`), so names are unique; Zabbix allows letters, digits, spaces, dots, dashes
    and underscores in them.
    """
    return " ".join(part for part in ("Tillwatch", level, chain, store) if part)
