"""Widgets of global dashboards, said once and written as 6.0 or 7.0 wants them.

The API does not validate widget fields (Zabbix documentation, "Dashboard widget fields"): a wrong name makes a
broken widget without an error. What differs: 6.0 has 24 columns and names like `ds.hosts.0.0`, 7.0 has 72 columns,
names like `ds.0.hosts.0`, and wants a `reference` in widgets that others can listen to.
"""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

INTEGER, STRING, GROUP, HOST, ITEM = 0, 1, 2, 3, 4

GREEN, AMBER, RED = "59A859", "E8A33D", "D64E4E"
BLUE, GREY = "3E7CB1", "8A9BA8"


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """One data set of a graph: patterns of host and item names. `kind`: 0 line, 1 points, 2 staircase, 3 bar."""

    hosts: str
    items: str
    color: str
    kind: int = 0
    fill: int = 2
    width: int = 2
    right: bool = False


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """One column of top hosts: the host's name (`item` empty) or an item by name. `thresholds`: (value, colour)."""

    name: str
    item: str = ""
    thresholds: tuple[tuple[str, str], ...] = ()
    decimals: int = 0
    bar: tuple[str, str] | None = None


class Widget(msgspec.Struct, frozen=True, kw_only=True):
    """A widget in a grid of 24 columns; `fields` in the names of 6.0, as (type, name, value)."""

    type: str
    name: str
    x: int
    y: int
    width: int
    height: int
    fields: tuple[tuple[int, str, str | int], ...] = ()
    fields70: tuple[tuple[int, str, str | int], ...] | None = None
    references: bool = False
    hide_header: bool = False


_Fields = list[tuple[int, str, str | int]]


def graph(widget: Widget, series: list[Series], *, low: str = "", high: str = "", problems_of: str = "") -> Widget:
    """A widget with the fields of an SVG graph. `low`, `high`: ends of the left axis."""
    fields: dict[str, _Fields] = {"6.0": [], "7.0": []}
    for place, each in enumerate(series):
        values: list[tuple[int, str, str | int]] = [
            (STRING, "color", each.color),
            (INTEGER, "type", each.kind),
            (INTEGER, "width", each.width),
            (INTEGER, "fill", each.fill),
            (INTEGER, "axisy", 1 if each.right else 0),
        ]
        for flavour in fields:
            old = flavour == "6.0"
            fields[flavour] += [
                (STRING, f"ds.hosts.{place}.0" if old else f"ds.{place}.hosts.0", each.hosts),
                (STRING, f"ds.items.{place}.0" if old else f"ds.{place}.items.0", each.items),
                *((kind, f"ds.{n}.{place}" if old else f"ds.{place}.{n}", value) for kind, n, value in values),
            ]
            if not old:
                fields[flavour].append((INTEGER, f"ds.{place}.dataset_type", 1))
    axes: _Fields = [] if any(each.right for each in series) else [(INTEGER, "righty", 0)]
    lines = min(3, (len(series) + 1) // 2)
    common: _Fields = [
        (INTEGER, "graph_time", 1),
        (STRING, "time_from", "now-1h"),
        (STRING, "time_to", "now"),
        (INTEGER, "legend_lines", lines),
        *axes,
    ]
    common70: _Fields = [
        (STRING, "time_period.from", "now-1h"),
        (STRING, "time_period.to", "now"),
        (INTEGER, "legend_lines", lines),
        (INTEGER, "legend_columns", 2),
        *axes,
    ]
    ends: _Fields = [*(((STRING, "lefty_min", low),) if low else ()), *(((STRING, "lefty_max", high),) if high else ())]
    trouble: dict[str, _Fields] = {"6.0": [], "7.0": []}
    if problems_of:
        shared: _Fields = [(INTEGER, "show_problems", 1), (INTEGER, "graph_item_problems", 0)]
        trouble["6.0"] = [*shared, (STRING, "problemhosts.0", problems_of)]
        trouble["7.0"] = [*shared, (STRING, "problemhosts.0", problems_of)]
    return msgspec.structs.replace(
        widget,
        type="svggraph",
        fields=tuple(fields["6.0"] + common + ends + trouble["6.0"]),
        fields70=tuple(fields["7.0"] + common70 + ends + trouble["7.0"]),
        references=True,
    )


def top_hosts(
    widget: Widget, groups: list[str], columns: list[Column], *, order_by: int, best_first: bool, count: int
) -> Widget:
    """A widget with the fields of top hosts, of the hosts in `groups`, ordered by a column."""
    old: _Fields = [(GROUP, "groupids", group) for group in groups]
    new: _Fields = [(GROUP, f"groupids.{place}", group) for place, group in enumerate(groups)]
    for place, column in enumerate(columns):
        values: _Fields = [
            (STRING, "name", column.name),
            (INTEGER, "data", 1 if column.item else 2),
            *(((STRING, "item", column.item),) if column.item else ()),
            (INTEGER, "aggregate_function", 0),
            (STRING, "base_color", ""),
        ]
        if column.item:
            values += [(INTEGER, "display", 2 if column.bar else 1), (INTEGER, "history", 1)]
        if column.bar:
            values += [(STRING, "min", column.bar[0]), (STRING, "max", column.bar[1])]
        old += [(kind, f"columns.{name}.{place}", value) for kind, name, value in values]
        if column.item:
            old.append((STRING, f"columns.timeshift.{place}", ""))
            new.append((INTEGER, f"columns.{place}.decimal_places", column.decimals))
        new += [(kind, f"columns.{place}.{name}", value) for kind, name, value in values]
        for number, (value, color) in enumerate(column.thresholds):
            old += [
                (STRING, f"columnsthresholds.color.{place}.{number}", color),
                (STRING, f"columnsthresholds.threshold.{place}.{number}", value),
            ]
            new += [
                (STRING, f"columnsthresholds.{place}.color.{number}", color),
                (STRING, f"columnsthresholds.{place}.threshold.{number}", value),
            ]
    order: _Fields = [(INTEGER, "order", 2 if best_first else 3), (INTEGER, "column", order_by)]
    return msgspec.structs.replace(
        widget,
        type="tophosts",
        fields=(*old, *order, (INTEGER, "count", count)),
        fields70=(*new, *order, (INTEGER, "show_lines", count)),
        references=True,
    )


def big_number(
    widget: Widget,
    item: str,
    *,
    caption: str,
    decimals: int,
    thresholds: tuple[tuple[str, str], ...] = (),
    arrow: bool = False,
) -> Widget:
    """A widget that shows one item's value, large. Thresholds colour its background on 7.0 (6.0 has none).

    `arrow`: show whether it rose (green) or fell (red), for values of which more is better.
    """
    shown = (1, 2, 4) if arrow else (1, 2)
    common: _Fields = [
        (INTEGER, "adv_conf", 1),
        (STRING, "description", caption),
        (INTEGER, "desc_size", 13),
        (INTEGER, "desc_v_pos", 2),
        (INTEGER, "decimal_places", decimals),
        (INTEGER, "decimal_size", 45),
        (INTEGER, "value_size", 55),
        (INTEGER, "value_bold", 1),
        (INTEGER, "units_size", 30),
    ]
    old: _Fields = [(ITEM, "itemid", item), *((INTEGER, "show", number) for number in shown), *common]
    new: _Fields = [
        (ITEM, "itemid.0", item),
        *((INTEGER, f"show.{place}", number) for place, number in enumerate(shown)),
        *common[1:],
    ]
    for place, (value, color) in enumerate(thresholds):
        new += [(STRING, f"thresholds.{place}.color", color), (STRING, f"thresholds.{place}.threshold", value)]
    return msgspec.structs.replace(widget, type="item", fields=tuple(old), fields70=tuple(new))


def problems(widget: Widget, groups: list[str], *, count: int) -> Widget:
    """A widget with the open problems of the hosts in `groups`."""
    common: _Fields = [
        (INTEGER, "show", 3),
        (INTEGER, "show_opdata", 2),  # with the problem's name: a column of its own squeezes the others
        (INTEGER, "show_lines", count),
        (INTEGER, "show_timeline", 0),
        (INTEGER, "sort_triggers", 4),
    ]
    return msgspec.structs.replace(
        widget,
        type="problems",
        fields=(*((GROUP, "groupids", group) for group in groups), *common),
        fields70=(*((GROUP, f"groupids.{place}", group) for place, group in enumerate(groups)), *common),
        references=True,
    )


def as_api(widget: Widget, flavour: str) -> dict[str, Any]:
    """A widget as `dashboard.create` takes it."""
    wide = 1 if flavour == "6.0" else 3
    fields = list(widget.fields if flavour == "6.0" or widget.fields70 is None else widget.fields70)
    if flavour == "7.0" and widget.references:
        fields.append((STRING, "reference", _reference(widget.name)))
    return {
        "type": widget.type,
        "name": widget.name,
        "x": widget.x * wide,
        "y": widget.y,
        "width": widget.width * wide,
        "height": widget.height,
        "view_mode": 1 if widget.hide_header else 0,
        "fields": [{"type": kind, "name": name, "value": value} for kind, name, value in fields],
    }


def _reference(name: str) -> str:
    """Five capital letters that are the same in every run."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:5])
    return "".join(chr(65 + number // 26**place % 26) for place in range(5))
