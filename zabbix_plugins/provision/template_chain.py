"""Templates "Tillwatch chain" and "Tillwatch total": availability and errors, of the whole and of its parts.

The chain's triggers are what the hot-line hears of. The total has none for availability: it would only repeat what
the chains say.
"""

from __future__ import annotations

from zabbix_plugins.catalogue import AVAILABILITY, ERRORS, WINDOW_END, Metric
from zabbix_plugins.provision.export import GROUP, Node, dependency, heartbeat, rule, tags, trigger, uuid_of
from zabbix_plugins.provision.items import (
    AGE_MACRO,
    DOCUMENTS_MACRO,
    KEY_MACRO,
    POLL_MACRO,
    document,
    document_key,
    tagged,
    value_maps,
    values,
)

WINDOW = "5m"

_PARTS_SCRIPT = """var document = JSON.parse(value);
if (!document.parts) {
    throw document.error || 'the document names no parts';
}
return JSON.stringify(document.parts.map(function (part) {
    return {id: part.id, name: part.name};
}));"""

_CODES_SCRIPT = """var document = JSON.parse(value);
if (!document.codes) {
    throw document.error || 'the document names no codes';
}
return JSON.stringify(document.codes.map(function (code) {
    return {code: code.code, title: code.title, owner: code.owner, critical: code.critical ? 'yes' : 'no'};
}));"""

_LOW = (
    "Customers at the till are not served by the loyalty programme: no points, no discounts.\\n"
    "First: see on the dashboard which regions and which error codes it is. One region: ask for its network. "
    "LOY.TIMEOUT, LOY.5XX or GW codes everywhere: call the duty engineer of the processing. "
    "LOY.OFFLINE: the registers have no link."
)


def _availability_macros() -> list[Node]:
    return [
        {
            "macro": "{$LOYALTY.AVAILABILITY.MIN.CRIT}",
            "value": "97",
            "description": "Availability in percent below which the hot-line is alarmed. Context: id of a region.",
        },
        {
            "macro": "{$LOYALTY.AVAILABILITY.MIN.WARN}",
            "value": "99",
            "description": "Availability in percent below which a warning is shown. Context: id of a region.",
        },
        {
            "macro": "{$LOYALTY.TRANSACTIONS.MIN}",
            "value": "10",
            "description": "So many transactions in 5 minutes are needed for a judgement. Context: id of a region.",
        },
    ]


def _low(template: str, permanent: str, level: str, part: bool, depends: list[Node]) -> Node:
    """The trigger on low availability, of a chain or (as a prototype) of its parts; `level` is WARN or CRIT."""
    inside = "{#PART.ID}," if part else ""
    context = ':"{#PART.ID}"' if part else ""
    least = f"{{$LOYALTY.AVAILABILITY.MIN.{level}{context}}}"
    enough = f"{{$LOYALTY.TRANSACTIONS.MIN{context}}}"

    def item(metric: str, window: str) -> str:
        return f"/{template}/loyalty.{metric}[{inside}{window}]"

    # 5 minutes make it sure, the last minute makes it end soon. Both are judged by their upper bounds, so that one
    # hit among few transactions is no alarm, above all not while an outage that is over still fills the 5 minutes.
    # A value that has gone stale for want of transactions neither fires nor holds a problem open.
    expression = (
        f"last({item('availability', WINDOW)})<{least}"
        f" and last({item('transactions', WINDOW)})>={enough}"
        f" and last({item('hit', WINDOW)})>0"
        f" and last({item('availability.upper', WINDOW)})<{least}"
        f" and last({item('availability.upper', '1m')})<{least}"
    )
    recovery = f"min({item('availability.upper', '1m')},#2)>={least} or last({item('transactions', WINDOW)})<{enough}"
    where = "Region {#PART.NAME}: " if part else ""
    word = "critically low" if level == "CRIT" else "low"
    priority = {("CRIT", False): "HIGH", ("CRIT", True): "AVERAGE"}.get((level, part), "WARNING")
    return trigger(
        f"{permanent}/low/{level}",
        expression=expression,
        recovery=recovery,
        name=f"{where}Availability is {word}",
        event_name=f"{where}Availability is {word} (below {least} % over {WINDOW})",
        opdata="Availability: {ITEM.LASTVALUE1}, transactions: {ITEM.LASTVALUE2}, hit: {ITEM.LASTVALUE3}",
        priority=priority,
        description=_LOW.replace("\\n", "\n"),
        tags_=[
            ("component", "loyalty"),
            ("scope", "availability"),
            *((("region", "{#PART.ID}"),) if part else ()),
        ],
        depends=depends,
    )


def _stale(template: str, permanent: str, depends: list[Node]) -> Node:
    return trigger(
        f"{permanent}/stale",
        expression=f"fuzzytime(/{template}/tillwatch.window_end,10m)=0",
        name="Tillwatch: Values are old",
        event_name="Tillwatch: Values are old (the last closed minute is over 10m ago)",
        opdata="Last closed minute: {ITEM.LASTVALUE1}",
        priority="AVERAGE",
        description="The collector publishes, but minutes are not closed: it works through a backlog, a journal"
        " cannot be read to its end, or clocks differ.",
        tags_=[("component", "tillwatch"), ("scope", "performance")],
        depends=depends,
    )


def _template(level: str, part: str) -> Node:
    template = f"Tillwatch {level} by external check"
    permanent = f"template/{level}"
    triggers = level == "chain"
    masters, no_values = document(template, permanent, "availability", level, priority="HIGH")
    error_masters, _ = document(template, permanent, "errors", level, priority="WARNING")
    availability = document_key("availability", level)
    own = values(
        permanent,
        (WINDOW_END, *AVAILABILITY),
        key=lambda metric, window: f"{metric.key}[{window}]" if window else metric.key,
        name=lambda metric, window: f"{metric.name} ({window})" if window else metric.name,
        path=lambda metric, window: f"$.windows['{window}'].{metric.field}" if window else f"$.{metric.field}",
        master=availability,
        tags_=tagged("loyalty"),
    )
    items = [*masters, *error_masters, *own]
    by_key = {node["key"]: node for node in items}
    by_key["tillwatch.window_end"]["triggers"] = [_stale(template, permanent, [dependency(no_values)])]
    critical = _low(template, permanent, "CRIT", False, [])
    low = [critical, _low(template, permanent, "WARN", False, [dependency(critical)])]
    part_critical = _low(template, f"{permanent}/part", "CRIT", True, [dependency(critical)])
    part_low = _low(template, f"{permanent}/part", "WARN", True, [dependency(each) for each in (part_critical, low[1])])
    node: Node = {
        "uuid": uuid_of(permanent),
        "template": template,
        "name": template,
        "description": f"Availability of the loyalty service and errors of a {level}, from the documents that the"
        " Tillwatch collector publishes."
        if triggers
        else "Availability of the loyalty service and errors of all chains together.",
        "groups": [{"name": GROUP}],
        "items": sorted(items, key=lambda each: str(each["key"])),
        "discovery_rules": [
            _codes_rule(permanent, level),
            _parts_rule(permanent, level, part, [part_critical, part_low] if triggers else []),
        ],
        "tags": tags([("class", "application"), ("target", "tillwatch"), ("target", "loyalty")]),
        "macros": sorted(
            [
                AGE_MACRO,
                DOCUMENTS_MACRO,
                POLL_MACRO,
                *([KEY_MACRO, *_availability_macros()] if triggers else []),
            ],
            key=lambda macro: str(macro["macro"]),
        ),
        "valuemaps": value_maps(permanent),
    }
    # a trigger that stands on several items belongs to the template's file, not to one of its items
    return node | ({"_triggers": low} if triggers else {})


def _parts_rule(permanent: str, level: str, part: str, triggers: list[Node]) -> Node:
    def path(metric: Metric, window: str) -> str:
        return f"$.parts[?(@.id == '{{#PART.ID}}')].windows['{window}'].{metric.field}.first()"

    return rule(
        f"{permanent}/parts",
        name=f"{part} discovery",
        key="tillwatch.parts.discovery",
        master=document_key("availability", level),
        description=f"Finds every {part.lower()} of the {level}.",
        steps=[{"type": "JAVASCRIPT", "parameters": [_PARTS_SCRIPT]}, heartbeat("1h")],
        macros={"{#PART.ID}": "$.id", "{#PART.NAME}": "$.name"},
        items=list(
            values(
                f"{permanent}/part",
                AVAILABILITY,
                key=lambda metric, window: f"{metric.key}[{{#PART.ID}},{window}]",
                name=lambda metric, window: f"{part} {{#PART.NAME}}: {metric.name} ({window})",
                path=path,
                master=document_key("availability", level),
                tags_=tagged("loyalty", (part.lower(), "{#PART.ID}")),
            )
        ),
        triggers=triggers,
    )


def _codes_rule(permanent: str, level: str) -> Node:
    return rule(
        f"{permanent}/codes",
        name="Error code discovery",
        key="tillwatch.codes.discovery",
        master=document_key("errors", level),
        description="Finds every code of the error dictionary, and unknown ones that registers write.",
        steps=[{"type": "JAVASCRIPT", "parameters": [_CODES_SCRIPT]}, heartbeat("1h")],
        macros={
            "{#ERROR.CODE}": "$.code",
            "{#ERROR.TITLE}": "$.title",
            "{#ERROR.OWNER}": "$.owner",
            "{#ERROR.CRITICAL}": "$.critical",
        },
        items=list(
            values(
                f"{permanent}/code",
                ERRORS,
                key=lambda metric, window: f"{metric.key}[{{#ERROR.CODE}},{window}]",
                name=lambda metric, window: f"{{#ERROR.CODE}}: {{#ERROR.TITLE}} ({window})",
                path=lambda metric, window: f"$.codes[?(@.code == '{{#ERROR.CODE}}')].counts['{window}'].first()",
                master=document_key("errors", level),
                tags_=tagged("errors", ("code", "{#ERROR.CODE}"), ("owner", "{#ERROR.OWNER}")),
            )
        ),
    )


def chain_template() -> Node:
    """Of one chain, whose parts are regions."""
    return _template("chain", "Region")


def total_template() -> Node:
    """Of all chains together."""
    return _template("total", "Chain")
