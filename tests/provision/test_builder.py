"""Generated templates: what is checked in is what is built, both flavours agree, the catalogue is kept."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from zabbix_plugins.catalogue import AVAILABILITY, COLLECTOR, ERRORS, METRICS, WINDOW_END
from zabbix_plugins.provision.builder import FLAVOURS, build, generated_templates, templates
from zabbix_plugins.provision.export import uuid_of

RELEASED = Path(__file__).with_name("released_uuids.json")


def nodes(tree: Any) -> list[dict[str, Any]]:
    """Every mapping in a tree."""
    if isinstance(tree, dict):
        return [tree, *(node for value in tree.values() for node in nodes(value))]
    return [node for value in tree for node in nodes(value)] if isinstance(tree, list) else []


def uuids(text: str) -> dict[str, str]:
    """uuid → what carries it."""
    return {
        node["uuid"]: str(node.get("key") or node.get("name")) for node in nodes(yaml.safe_load(text)) if "uuid" in node
    }


def test_the_files_that_are_shipped_are_what_is_built() -> None:
    assert generated_templates() == build()


def test_every_scalar_is_quoted_so_that_zabbix_reads_texts() -> None:
    for text in build().values():
        assert all(isinstance(value, str) for node in nodes(yaml.safe_load(text)) for value in scalars(node))


def scalars(node: dict[str, Any]) -> list[Any]:
    return [value for value in node.values() if not isinstance(value, dict | list)]


def test_uuids_are_version_4_unique_and_equal_in_both_flavours() -> None:
    for name in templates():
        old, new = uuids(build()["6.0", name]), uuids(build()["7.0", name])
        assert old == new
        assert all(re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}", each) for each in old)
    every = [each for name in templates() for each in uuids(build()["6.0", name]) if each != uuid_of("group/templates")]
    assert len(every) == len(set(every))


def test_no_released_uuid_changes() -> None:
    """Zabbix keeps history by UUID. Add new ones by hand; none may go or move to another key."""
    released: dict[str, dict[str, str]] = json.loads(RELEASED.read_text())
    built = {name: uuids(build()["7.0", name]) for name in templates()}
    missing = {
        f"{name}: {uuid} {key}"
        for name, each in released.items()
        for uuid, key in each.items()
        if uuid not in built[name]
    }
    assert missing == set()


def keys_of(name: str) -> set[str]:
    return {node["key"] for node in nodes(yaml.safe_load(build()["7.0", name])) if "key" in node and "uuid" in node}


@pytest.mark.parametrize("level", ["chain", "total"])
def test_every_metric_of_the_catalogue_has_its_items_and_every_item_its_metric(level: str) -> None:
    keys = {key for key in keys_of(f"tillwatch_{level}_external.yaml") if not key.startswith("tillwatch_document[")}
    expected = {f"{metric.key}[{window}]" for metric in AVAILABILITY for window in metric.windows}
    expected |= {f"{metric.key}[{{#PART.ID}},{window}]" for metric in AVAILABILITY for window in metric.windows}
    expected |= {f"{metric.key}[{{#ERROR.CODE}},{window}]" for metric in ERRORS for window in metric.windows}
    expected |= {WINDOW_END.key, "tillwatch.parts.discovery", "tillwatch.codes.discovery"}
    expected |= {f"tillwatch.{kind}[{family}]" for kind in ("error", "state") for family in ("availability", "errors")}
    assert keys == expected


def test_stores_and_the_collector_have_the_items_of_the_catalogue() -> None:
    store = {f"{metric.key}[{window}]" for metric in AVAILABILITY for window in metric.windows} | {WINDOW_END.key}
    assert keys_of("tillwatch_store_trapper.yaml") == store
    collector = {
        key for key in keys_of("tillwatch_collector_external.yaml") if not key.startswith("tillwatch_document")
    }
    assert collector == {metric.key for metric in COLLECTOR} | {
        "tillwatch.error[collector]",
        "tillwatch.state[collector]",
    }


def test_ids_of_metrics_are_unique() -> None:
    assert len({metric.id for metric in METRICS}) == len(METRICS)


def test_texts_stay_within_the_lengths_of_zabbixs_database() -> None:
    limits = {"name": 255, "key": 2048, "expression": 2048, "recovery_expression": 2048, "event_name": 2048}
    limits |= {"opdata": 255, "tag": 255, "value": 255}
    for text in build().values():
        for node in nodes(yaml.safe_load(text)):
            for field, limit in limits.items():
                assert len(str(node.get(field, ""))) <= limit


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_lost_discovered_items_are_kept_and_never_disabled(flavour: str) -> None:
    rules = yaml.safe_load(build()[flavour, "tillwatch_chain_external.yaml"])["zabbix_export"]["templates"][0][
        "discovery_rules"
    ]
    if flavour == "7.0":
        assert [(rule["lifetime"], rule["enabled_lifetime_type"]) for rule in rules] == [("30d", "DISABLE_NEVER")] * 2
    else:  # 30d is the default of 6.0, which knows no disabling
        assert [rule.get("lifetime", "30d") for rule in rules] == ["30d"] * 2
