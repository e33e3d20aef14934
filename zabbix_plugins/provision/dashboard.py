"""The dashboard "Tillwatch: loyalty availability": does loyalty work, where not, since when, and why."""

from __future__ import annotations

from zabbix_plugins.model.naming import host_name
from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.ensure import Params, differs
from zabbix_plugins.provision.hosts import GROUP_SERVICES, GROUP_STORES, TOTAL_SHOWN, chain_shown
from zabbix_plugins.provision.plan import Plan, Report
from zabbix_plugins.provision.widgets import (
    AMBER,
    BLUE,
    GREEN,
    GREY,
    RED,
    Column,
    Series,
    Widget,
    as_api,
    big_number,
    graph,
    problems,
    top_hosts,
)

NAME = "Tillwatch: loyalty availability"
_TRAFFIC_LIGHT = (("0", RED), ("97", AMBER), ("99", GREEN))
_HITS = (("0", GREEN), ("1", AMBER), ("10", RED))


_PALETTE = (BLUE, "C97B2A", "6C5BA7", "2A9D8F", "B5548C", "7A8B2F", "4D4D4D", "9C6B4E")


def _widgets(items: dict[str, str], groups: dict[str, str], chains: list[str]) -> list[Widget]:
    numbers = [
        ("Availability, 5 minutes", "loyalty.availability[5m]", 2, _TRAFFIC_LIGHT),
        ("Availability, 1 day", "loyalty.availability[1d]", 2, _TRAFFIC_LIGHT),
        ("Transactions, 5 minutes", "loyalty.transactions[5m]", 0, ()),
        ("Hit, 5 minutes", "loyalty.hit[5m]", 0, _HITS),
    ]
    result = [
        big_number(
            Widget(type="item", name=caption, x=place * 6, y=0, width=6, height=3, hide_header=True),
            items[key],
            caption=caption,
            decimals=unit,
            thresholds=thresholds,
            arrow=unit == 2,
        )
        for place, (caption, key, unit, thresholds) in enumerate(numbers)
    ]
    result.append(
        graph(
            Widget(type="svggraph", name="Availability by chain, %", x=0, y=3, width=8, height=6),
            [
                Series(hosts=chain_shown(chain), items="Loyalty availability (1m)", color=color, fill=0)
                for chain, color in zip(chains, _PALETTE, strict=False)
            ],
            high="100",
            problems_of=chain_shown("*"),
        )
    )
    result.append(
        graph(
            Widget(type="svggraph", name="Transactions and those hit, a minute", x=8, y=3, width=8, height=6),
            [
                Series(hosts=TOTAL_SHOWN, items="Loyalty transactions (1m)", color=BLUE, fill=3),
                Series(hosts=TOTAL_SHOWN, items="Loyalty transactions hit (1m)", color=RED, fill=6),
            ],
            low="0",
        )
    )
    result.append(
        graph(
            Widget(type="svggraph", name="Critical errors, 5 minutes", x=16, y=3, width=8, height=6),
            [
                Series(hosts=TOTAL_SHOWN, items=f"LOY.{code}: * (5m)", color=color, fill=1)
                for code, color in (
                    ("TIMEOUT", RED),
                    ("5XX", AMBER),
                    ("UNANSWERED", BLUE),
                    ("OFFLINE", GREY),
                )
            ],
            low="0",
        )
    )
    columns = [
        Column(name="Service"),
        Column(name="Now, 5 min", item="Loyalty availability (5m)", thresholds=_TRAFFIC_LIGHT, decimals=2),
        Column(name="1 hour", item="Loyalty availability (1h)", thresholds=_TRAFFIC_LIGHT, decimals=2),
        Column(name="Transactions", item="Loyalty transactions (5m)"),
        Column(name="Hit", item="Loyalty transactions hit (5m)"),
    ]
    result.append(
        top_hosts(
            Widget(type="tophosts", name="Chains", x=0, y=9, width=8, height=6),
            [groups[GROUP_SERVICES]],
            columns,
            order_by=1,
            best_first=False,
            count=10,
        )
    )
    stores = [Column(name="Store"), *columns[1:]]
    result.append(
        top_hosts(
            Widget(type="tophosts", name="Stores with the lowest availability", x=8, y=9, width=8, height=6),
            [groups[GROUP_STORES]],
            stores,
            order_by=2,
            best_first=False,
            count=10,
        )
    )
    result.append(
        problems(
            Widget(type="problems", name="Open problems", x=16, y=9, width=8, height=6),
            [groups[GROUP_SERVICES], groups[GROUP_STORES]],
            count=10,
        )
    )
    return result


def ensure_dashboard(
    client: Client, report: Report, plan: Plan, services: dict[str, str], groups: dict[str, str]
) -> None:
    """Make or change the dashboard; everybody may see it."""
    found_items = client.call(
        "item.get", {"output": ["itemid", "key_"], "hostids": services[host_name("total")]}, "looking for items"
    )
    items = {item["key_"]: str(item["itemid"]) for item in found_items}
    chains = sorted(plan.estate.chain_names.values())
    wanted: Params = {
        "name": NAME,
        "private": 0,
        "display_period": 30,
        "auto_start": 1,
        "pages": [{"widgets": [as_api(widget, client.flavour) for widget in _widgets(items, groups, chains)]}],
    }
    found = client.call("dashboard.get", {"output": "extend", "filter": {"name": NAME}, "selectPages": "extend"})
    if not found:
        client.call("dashboard.create", wanted, f"making dashboard {NAME}")
        report.created.append(f"dashboard {NAME}")
    elif differs(wanted, found[0]):
        client.call("dashboard.update", {"dashboardid": found[0]["dashboardid"], **wanted}, f"changing {NAME}")
        report.updated.append(f"dashboard {NAME}")
    else:
        report.unchanged += 1


def dashboard_url(client: Client, frontend: str) -> str:
    """The address of the dashboard; the frontend's own when it was not made."""
    found = client.call("dashboard.get", {"output": ["dashboardid"], "filter": {"name": NAME}})
    if not found:
        return frontend
    return f"{frontend}zabbix.php?action=dashboard.view&dashboardid={found[0]['dashboardid']}"
