"""Hosts: one for the total, one per chain, one per store, each with its template, tags and macros."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zabbix_plugins.model.naming import host_name
from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.ensure import Params, differs, ensure
from zabbix_plugins.provision.plan import Plan, Report

BATCH = 200
GROUP_SERVICES = "Tillwatch/Services"
GROUP_STORES = "Tillwatch/Stores"

# 6.0 runs external checks only on hosts that have an interface, whatever its address.
_INTERFACE = {"type": 1, "main": 1, "useip": 1, "ip": "127.0.0.1", "dns": "", "port": "10050"}


def _tags(**values: str) -> list[dict[str, str]]:
    return [{"tag": tag, "value": value} for tag, value in values.items()]


TOTAL_SHOWN = "Loyalty"
"""The visible name of the host of all chains; those of chains begin with it."""


def chain_shown(name: str) -> str:
    """The visible name of a chain's host: "Loyalty: Magnolia"."""
    return f"{TOTAL_SHOWN}: {name}"


def ensure_groups(client: Client, report: Report) -> dict[str, str]:
    """Host groups by name → id."""
    return {
        name: ensure(
            client, report, "hostgroup", name=name, id_field="groupid", search={"name": name}, wanted={"name": name}
        )
        for name in (GROUP_SERVICES, GROUP_STORES)
    }


def ensure_services(
    client: Client, report: Report, plan: Plan, groups: dict[str, str], templates: dict[str, str]
) -> dict[str, str]:
    """The hosts of the total and of every chain: technical name → id."""
    rows: list[tuple[str, str, list[str], dict[str, str]]] = [
        (
            host_name("total"),
            TOTAL_SHOWN,
            ["Tillwatch total by external check", "Tillwatch collector by external check"],
            {"service": "tillwatch", "level": "total"},
        )
    ]
    for chain, name in sorted(plan.estate.chain_names.items()):
        tags = {"service": "tillwatch", "level": "chain", "chain": chain}
        rows.append((host_name("chain", chain), chain_shown(name), ["Tillwatch chain by external check"], tags))
    result = {}
    for host, shown, names, tags in rows:
        macros = [{"macro": "{$TILLWATCH.DOCUMENTS}", "value": plan.documents}]
        if "chain" in tags:
            macros.append({"macro": "{$TILLWATCH.KEY}", "value": tags["chain"]})
        wanted: Params = {
            "host": host,
            "name": shown,
            "groups": [{"groupid": groups[GROUP_SERVICES]}],
            "templates": [{"templateid": templates[name]} for name in names],
            "tags": _tags(**tags),
            "macros": macros,
            "interfaces": [_INTERFACE],
        }
        result[host] = _ensure_host(client, report, wanted)
    return result


def _select(client: Client) -> Params:
    groups = "selectGroups" if client.version == (6, 0) else "selectHostGroups"
    return {
        groups: ["groupid"],
        "selectParentTemplates": ["templateid"],
        "selectTags": ["tag", "value"],
        "selectMacros": ["macro", "value"],
        "selectInterfaces": list(_INTERFACE),
    }


def _as_wanted(found: dict[str, Any]) -> dict[str, Any]:
    """A host as it is returned, with the names that it is made with."""
    return {
        **found,
        "groups": found.get("groups", found.get("hostgroups", [])),
        "templates": found.get("parentTemplates", []),
    }


def _ensure_host(client: Client, report: Report, wanted: Params) -> str:
    name = wanted["host"]
    found = client.call("host.get", {"output": ["hostid", "host", "name"], "filter": {"host": name}, **_select(client)})
    if not found:
        result = client.call("host.create", wanted, f"making host {name}")
        report.created.append(f"host {name}")
        return str(result["hostids"][0])
    number = str(found[0]["hostid"])
    own = [macro for macro in found[0]["macros"] if macro["macro"] in {each["macro"] for each in wanted["macros"]}]
    others = [macro for macro in found[0]["macros"] if macro not in own]
    if differs(wanted, {**_as_wanted(found[0]), "macros": own}):
        # macros that an operator added to the host, thresholds above all, stay
        changes = {key: value for key, value in wanted.items() if key != "interfaces"}
        changes["macros"] = [*wanted["macros"], *others]
        client.call("host.update", {"hostid": number, **changes}, f"changing host {name}")
        report.updated.append(f"host {name}")
    else:
        report.unchanged += 1
    return number


def _store_hosts(plan: Plan, groups: dict[str, str], templates: dict[str, str]) -> Iterator[Params]:
    estate = plan.estate
    for (chain, store), each in sorted(estate.stores.items()):
        shown = each.name if store in each.name else f"{store} {each.name}".strip()
        inventory = {}
        if each.latitude is not None and each.longitude is not None:
            inventory = {"location_lat": f"{each.latitude:.6f}"[:16], "location_lon": f"{each.longitude:.6f}"[:16]}
        yield {
            "host": host_name("store", chain, store),
            "name": f"{estate.chain_names[chain]} {shown}"[:128],
            "groups": [{"groupid": groups[GROUP_STORES]}],
            "templates": [{"templateid": templates["Tillwatch store by Zabbix trapper"]}],
            "tags": _tags(service="tillwatch", level="store", chain=chain, region=each.region, store=store),
            "inventory_mode": 0,
            "inventory": inventory,
        }


def ensure_stores(
    client: Client, report: Report, plan: Plan, groups: dict[str, str], templates: dict[str, str]
) -> None:
    """A host for every store, made in batches (the API makes some 275 a second)."""
    params = {"output": ["hostid", "host", "name"], "groupids": [groups[GROUP_STORES]], **_select(client)}
    params["selectInventory"] = ["location_lat", "location_lon"]
    known = {host["host"]: host for host in client.call("host.get", params)}
    new: list[Params] = []
    for wanted in _store_hosts(plan, groups, templates):
        found = known.get(wanted["host"])
        if found is None:
            new.append(wanted)
            continue
        same = {**_as_wanted(found), "inventory_mode": 0, "inventory": found.get("inventory") or {}}
        if differs(wanted, same):
            client.call("host.update", {"hostid": found["hostid"], **wanted}, f"changing host {wanted['host']}")
            report.updated.append(f"host {wanted['host']}")
        else:
            report.unchanged += 1
    for begin in range(0, len(new), BATCH):
        batch = new[begin : begin + BATCH]
        client.call("host.create", batch, f"making hosts of stores from {batch[0]['host']} on")
        report.created += [f"host {host['host']}" for host in batch]
