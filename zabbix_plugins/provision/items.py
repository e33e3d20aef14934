"""Items that several templates share: documents pulled by external checks, and values taken from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from zabbix_plugins.catalogue import Metric
from zabbix_plugins.provision.export import Node, Tags, heartbeat, item, jsonpath, trigger, uuid_of

POLL = "0;{$TILLWATCH.POLL}"
POLL_MACRO: Node = {
    "macro": "{$TILLWATCH.POLL}",
    "value": "s20",
    "description": "Second of every minute at which documents are read: a little after the collector's grace.",
}
DOCUMENTS_MACRO: Node = {
    "macro": "{$TILLWATCH.DOCUMENTS}",
    "value": "/var/lib/tillwatch/documents",
    "description": "Folder into which the collector publishes documents.",
}
AGE_MACRO: Node = {
    "macro": "{$TILLWATCH.DOCUMENT.AGE.MAX}",
    "value": "180",
    "description": "A document older than this, in seconds, is not believed.",
}
KEY_MACRO: Node = {
    "macro": "{$TILLWATCH.KEY}",
    "value": "",
    "description": "Id of the chain; set on the host.",
}


STATES: Node = {
    "name": "Tillwatch document",
    "mappings": [
        {"value": "0", "newvalue": "up to date"},
        {"value": "1", "newvalue": "too old"},
        {"value": "2", "newvalue": "missing"},
        {"value": "3", "newvalue": "unreadable"},
    ],
}
"""Value map of the items that say how a document is; the numbers are those of the external script."""

_STATE_SCRIPT = """var document = JSON.parse(value);
return document.error ? document.state : 0;"""


def document_key(family: str, level: str) -> str:
    """The key of the external check that prints a document."""
    key = "" if level == "total" else "{$TILLWATCH.KEY}"
    return f"tillwatch_document[{{$TILLWATCH.DOCUMENTS}},{family},{level},{key},{{$TILLWATCH.DOCUMENT.AGE.MAX}}]"


def document(template: str, permanent: str, family: str, level: str, *, priority: str) -> tuple[list[Node], Node]:
    """The master item of a family and the items that say how it is and what is wrong; the trigger on the latter."""
    key = document_key(family, level)
    master = item(
        f"{permanent}/document/{family}",
        name=f"Document: {family}",
        key=key,
        kind="EXTERNAL",
        delay=POLL,
        value_type="TEXT",
        keep=False,
        description=f"What the collector publishes for the family {family}; every value of it is taken from here.",
        tags_=[("component", "raw")],
    )
    error = item(
        f"{permanent}/error/{family}",
        name=f"Document: {family}: error",
        key=f"tillwatch.error[{family}]",
        kind="DEPENDENT",
        master=key,
        value_type="TEXT",
        description="Why there are no values. Empty while all is well.",
        steps=[{**jsonpath("$.error", "CUSTOM_VALUE"), "error_handler_params": ""}, heartbeat("10m")],
        tags_=[("component", "tillwatch")],
    )
    state = item(
        f"{permanent}/state/{family}",
        name=f"Document: {family}: state",
        key=f"tillwatch.state[{family}]",
        kind="DEPENDENT",
        master=key,
        value_type="UNSIGNED",
        valuemap=STATES["name"],
        description="Whether the document is there, can be read and is young enough.",
        steps=[{"type": "JAVASCRIPT", "parameters": [_STATE_SCRIPT]}, heartbeat("10m")],
        tags_=[("component", "tillwatch")],
    )
    error["triggers"] = [
        trigger(
            f"{permanent}/trigger/error/{family}",
            expression=f"length(last(/{template}/tillwatch.error[{family}]))>0",
            name=f"Tillwatch: No values for {family}",
            event_name=f"Tillwatch: No values for {family}: {{ITEM.LASTVALUE1}}",
            opdata="{ITEM.LASTVALUE1}",
            priority=priority,
            description="The dashboards stand still. First: is the collector running (systemctl status tillwatch, or"
            " tillwatch collect)? Can user zabbix read its documents folder?",
            tags_=[("component", "tillwatch"), ("scope", "availability")],
        )
    ]
    return [master, error, state], error["triggers"][0]


def value_maps(permanent: str) -> list[Node]:
    """The value maps of a template with documents."""
    return [{"uuid": uuid_of(f"{permanent}/valuemap/document"), **STATES}]


def windows_of(metric: Metric) -> tuple[str, ...]:
    """The windows of a metric; one empty name where it has none."""
    return metric.windows if metric.windowed else ("",)


def values(
    permanent: str,
    metrics: Sequence[Metric],
    *,
    key: Callable[[Metric, str], str],
    name: Callable[[Metric, str], str],
    tags_: Callable[[str], Tags],
    path: Callable[[Metric, str], str] | None = None,
    master: str = "",
) -> Iterator[Node]:
    """One item per metric and window: dependent ones where `path` and `master` are given, else trapper items."""
    for metric in metrics:
        for window in windows_of(metric):
            yield item(
                f"{permanent}/{metric.id}/{window}",
                name=name(metric, window),
                key=key(metric, window),
                kind="DEPENDENT" if master else "TRAP",
                master=master,
                value_type=metric.value_type.upper(),
                units=metric.unit,
                description=metric.description,
                steps=[jsonpath(path(metric, window))] if path else (),
                tags_=tags_(window),
            )


def tagged(component: str, *more: tuple[str, str]) -> Callable[[str], Tags]:
    """Tags of an item by its window."""
    return lambda window: [("component", component), *more, *((("window", window),) if window else ())]
