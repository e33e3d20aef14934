"""Template "Tillwatch store": the values of one store, pushed by the collector to trapper items."""

from __future__ import annotations

from zabbix_plugins.catalogue import AVAILABILITY, WINDOW_END
from zabbix_plugins.provision.export import GROUP, Node, tags, uuid_of
from zabbix_plugins.provision.items import tagged, values


def store_template() -> Node:
    """Of one store. No triggers yet: a store's silence is judged beside its expected volume, in a family of its own."""
    template = "Tillwatch store by Zabbix trapper"
    items = values(
        "template/store",
        (WINDOW_END, *AVAILABILITY),
        key=lambda metric, window: f"{metric.key}[{window}]" if window else metric.key,
        name=lambda metric, window: f"{metric.name} ({window})" if window else metric.name,
        tags_=tagged("loyalty"),
    )
    return {
        "uuid": uuid_of("template/store"),
        "template": template,
        "name": template,
        "description": "Availability of the loyalty service in one store. The collector pushes the values of every"
        " closed minute, with the end of the minute as their time.",
        "groups": [{"name": GROUP}],
        "items": sorted(items, key=lambda each: str(each["key"])),
        "tags": tags([("class", "application"), ("target", "tillwatch"), ("target", "loyalty")]),
    }
