"""Zabbix's export format, 6.0 and 7.0: the shapes of templates, items, rules and triggers, and how they are written.

One description becomes two files (decision 10). What differs between the versions stands here and nowhere else;
facts from the frontend's C60XmlValidator and C70XmlValidator: all scalars are strings, unknown keys are errors.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

Node = dict[str, Any]
Tags = Sequence[tuple[str, str]]


def uuid_of(permanent: str) -> str:
    """The UUIDv4 (32 hex digits) that stands for a permanent id, the same in every flavour and for ever.

    Zabbix asks for version 4 and checks the bits (CApiInputValidator, validateUuid); it cannot check randomness.
    """
    return uuid.UUID(bytes=hashlib.sha256(f"tillwatch/{permanent}".encode()).digest()[:16], version=4).hex


def tags(pairs: Tags) -> list[Node]:
    """Tags as the format has them."""
    return [{"tag": tag, "value": value} for tag, value in pairs]


def jsonpath(path: str, handler: str = "DISCARD_VALUE") -> Node:
    """A JSONPath step; by default a value that is not there is no value and no error."""
    return {"type": "JSONPATH", "parameters": [path], "error_handler": handler}


def heartbeat(period: str) -> Node:
    """Discard unchanged values, but for one every `period`."""
    return {"type": "DISCARD_UNCHANGED_HEARTBEAT", "parameters": [period]}


def item(
    permanent: str,
    *,
    name: str,
    key: str,
    value_type: str,
    description: str,
    tags_: Tags,
    kind: str,
    master: str = "",
    delay: str = "0",
    units: str = "",
    valuemap: str = "",
    steps: Sequence[Node] = (),
    keep: bool = True,
) -> Node:
    """An item or item prototype. `kind`: EXTERNAL, DEPENDENT or TRAP. `keep`: store history (masters do not)."""
    text = value_type == "TEXT"
    node: Node = {"uuid": uuid_of(permanent), "name": name, "type": kind, "key": key, "delay": delay}
    node["history"] = "31d" if keep else "0"
    node["trends"] = "0" if text or not keep else "365d"
    node["value_type"] = value_type
    if units:
        node["units"] = units
    if valuemap:
        node["valuemap"] = {"name": valuemap}
    node["description"] = description
    if steps:
        node["preprocessing"] = list(steps)
    if master:
        node["master_item"] = {"key": master}
    node["tags"] = tags(tags_)
    return node


def trigger(
    permanent: str,
    *,
    expression: str,
    recovery: str = "",
    name: str,
    event_name: str,
    opdata: str,
    priority: str,
    description: str,
    tags_: Tags,
    depends: Sequence[Node] = (),
) -> Node:
    """A trigger or trigger prototype; `depends` holds name, expression and recovery of others."""
    node: Node = {"uuid": uuid_of(permanent), "expression": expression}
    if recovery:
        node["recovery_mode"] = "RECOVERY_EXPRESSION"
        node["recovery_expression"] = recovery
    node |= {"name": name, "event_name": event_name, "opdata": opdata, "priority": priority}
    node |= {"description": description, "manual_close": "YES"}
    if depends:
        node["dependencies"] = list(depends)
    node["tags"] = tags(tags_)
    return node


def dependency(of: Node) -> Node:
    """How another trigger is named in `depends`."""
    return {key: of[key] for key in ("name", "expression", "recovery_expression") if key in of}


def rule(
    permanent: str,
    *,
    name: str,
    key: str,
    master: str,
    description: str,
    steps: Sequence[Node],
    macros: Mapping[str, str],
    items: Sequence[Node],
    triggers: Sequence[Node] = (),
) -> Node:
    """A dependent low-level discovery rule. Its lifetimes are added by `written`, where the versions differ."""
    node: Node = {
        "uuid": uuid_of(permanent),
        "name": name,
        "type": "DEPENDENT",
        "key": key,
        "delay": "0",
        "lifetime": "30d",
        "description": description,
        "item_prototypes": sorted(items, key=lambda prototype: str(prototype["key"])),
    }
    if triggers:
        node["trigger_prototypes"] = list(triggers)
    node["master_item"] = {"key": master}
    node["lld_macro_paths"] = [{"lld_macro": macro, "path": path} for macro, path in sorted(macros.items())]
    node["preprocessing"] = list(steps)
    return node


class _Dumper(yaml.SafeDumper):
    """Quotes every text: unquoted, YAML reads 6.0 as a number, and Zabbix refuses it."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        return super().increase_indent(flow, False)

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    style = "|" if "\n" in value else "'"
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)

GROUP = "Templates/Tillwatch"


def written(flavour: str, template: Node, vendor_version: str) -> str:
    """A template as the YAML text of an export of Zabbix `flavour` ("6.0", "7.0")."""
    node = {key: value for key, value in template.items() if not key.startswith("_")}
    group = {"uuid": uuid_of("group/templates"), "name": GROUP}
    export: Node = {"version": flavour}
    if flavour == "6.0":
        export["groups"] = [group]
    else:
        export["template_groups"] = [group]
        place = list(node)
        node["vendor"] = {"name": "Tillwatch", "version": f"{flavour}-{vendor_version}"}
        node = {key: node[key] for key in [*place[: place.index("groups")], "vendor", *place[place.index("groups") :]]}
        node["discovery_rules"] = [_lifetimes(each) for each in node.get("discovery_rules", [])]
        if not node["discovery_rules"]:
            del node["discovery_rules"]
    export["templates"] = [node]
    if template.get("_triggers"):
        export["triggers"] = template["_triggers"]
    text: str = yaml.dump(
        {"zabbix_export": _canonical(export, _DEFAULTS[flavour])},
        Dumper=_Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1000,
    )
    return text


# What Zabbix leaves out of its own exports: defaults. Written as it writes, a file compares equal to what was
# imported from it, and a second provisioning has nothing to do.
_DEFAULTS = {
    "6.0": {("trends", "365d"), ("value_type", "UNSIGNED"), ("lifetime", "30d")},
    "7.0": {("trends", "365d"), ("value_type", "UNSIGNED"), ("history", "31d")},
}
_SORTED = {"tags": ("tag", "value"), "dependencies": ("name", "expression")}


def _canonical(node: Any, defaults: set[tuple[str, str]]) -> Any:
    """A node in the form of Zabbix's exports: without defaults and empty texts, lists of names in order."""
    if isinstance(node, list):
        return [_canonical(each, defaults) for each in node]
    if not isinstance(node, dict):
        return node
    result = {}
    for key, value in node.items():
        if value == "" or (isinstance(value, str) and (key, value) in defaults):
            continue
        if key in _SORTED:
            value = sorted(value, key=lambda each: [str(each[field]) for field in _SORTED[key]])
        result[key] = _canonical(value, defaults)
    return result


def _lifetimes(discovery: Node) -> Node:
    """7.0 would disable at once what is missing from a list; ours is left alone until it is deleted."""
    result: Node = {}
    for key, value in discovery.items():
        result[key] = value
        if key == "lifetime":
            result["enabled_lifetime_type"] = "DISABLE_NEVER"
    return result
