"""Template "Tillwatch collector": how Tillwatch itself is doing."""

from __future__ import annotations

from zabbix_plugins.catalogue import COLLECTOR
from zabbix_plugins.provision.export import GROUP, Node, tags, trigger, uuid_of
from zabbix_plugins.provision.items import (
    AGE_MACRO,
    DOCUMENTS_MACRO,
    POLL_MACRO,
    document,
    document_key,
    tagged,
    value_maps,
    values,
)

TEMPLATE = "Tillwatch collector by external check"


def _triggers() -> dict[str, Node]:
    """By the key of the item each stands on."""
    return {
        "tillwatch.unreachable": trigger(
            "template/collector/trigger/unreachable",
            expression=f"min(/{TEMPLATE}/tillwatch.unreachable,#5)>0",
            name="Tillwatch: Journals cannot be read",
            event_name="Tillwatch: Journals cannot be read (for 5 minutes)",
            opdata="Journals: {ITEM.LASTVALUE1}",
            priority="WARNING",
            description="The collector's log names them and says why: mostly permissions, or storage that is gone.",
            tags_=[("component", "tillwatch"), ("scope", "availability")],
        ),
        "tillwatch.lag_seconds": trigger(
            "template/collector/trigger/lag",
            expression=f"min(/{TEMPLATE}/tillwatch.lag_seconds,#5)>{{$TILLWATCH.LAG.MAX}}",
            name="Tillwatch: Collector lags behind",
            event_name="Tillwatch: Collector lags behind (over {$TILLWATCH.LAG.MAX} s for 5 minutes)",
            opdata="Lag: {ITEM.LASTVALUE1}",
            priority="WARNING",
            description="Values come late: a backlog is being read, or the machine is too busy.",
            tags_=[("component", "tillwatch"), ("scope", "performance")],
        ),
        "tillwatch.unknown_stores": trigger(
            "template/collector/trigger/unknown_stores",
            expression=f"last(/{TEMPLATE}/tillwatch.unknown_stores)>0",
            name="Tillwatch: Stores trade that stand in no estate file",
            event_name="Tillwatch: Stores trade that stand in no estate file",
            opdata="Stores: {ITEM.LASTVALUE1}",
            priority="INFO",
            description="They are counted in their chain under the region UNKNOWN. Add them to the estate file.",
            tags_=[("component", "tillwatch"), ("scope", "notice")],
        ),
    }


def collector_template() -> Node:
    """Of one collector."""
    permanent = "template/collector"
    masters, _ = document(TEMPLATE, permanent, "collector", "total", priority="AVERAGE")
    own = values(
        permanent,
        COLLECTOR,
        key=lambda metric, window: metric.key,
        name=lambda metric, window: metric.name,
        path=lambda metric, window: f"$.{metric.field}",
        master=document_key("collector", "total"),
        tags_=tagged("tillwatch"),
    )
    items = [*masters, *own]
    triggers = _triggers()
    for each in items:
        if each["key"] in triggers:
            each["triggers"] = [triggers[each["key"]]]
    return {
        "uuid": uuid_of(permanent),
        "template": TEMPLATE,
        "name": TEMPLATE,
        "description": "The health of a Tillwatch collector: what it reads, rejects and recognises as read before.",
        "groups": [{"name": GROUP}],
        "items": sorted(items, key=lambda each: str(each["key"])),
        "tags": tags([("class", "application"), ("target", "tillwatch")]),
        "macros": sorted(
            [
                AGE_MACRO,
                DOCUMENTS_MACRO,
                POLL_MACRO,
                {
                    "macro": "{$TILLWATCH.LAG.MAX}",
                    "value": "120",
                    "description": "Seconds after its end that a minute may be closed at the latest.",
                },
            ],
            key=lambda macro: str(macro["macro"]),
        ),
        "valuemaps": value_maps(permanent),
    }
