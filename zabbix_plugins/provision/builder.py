"""The template builder: catalogue in, Zabbix templates out, in the flavours 6.0 and 7.0 (design, decision 10).

`python -m zabbix_plugins.provision.builder` writes templates/generated; the files are checked in, so that a change
shows its effect in review, and a test holds them against what this makes.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from zabbix_plugins.provision.export import Node, written
from zabbix_plugins.provision.template_chain import chain_template, total_template
from zabbix_plugins.provision.template_collector import collector_template
from zabbix_plugins.provision.template_store import store_template

FLAVOURS = ("6.0", "7.0")
VERSION = "0"
"""Counts the releases of the templates; stands in `vendor` on 7.0."""


def templates() -> dict[str, Node]:
    """Every template by the name of its file."""
    return {
        "tillwatch_chain_external.yaml": chain_template(),
        "tillwatch_collector_external.yaml": collector_template(),
        "tillwatch_store_trapper.yaml": store_template(),
        "tillwatch_total_external.yaml": total_template(),
    }


def build() -> dict[tuple[str, str], str]:
    """(flavour, file name) → YAML text."""
    return {
        (flavour, name): written(flavour, template, VERSION)
        for flavour in FLAVOURS
        for name, template in templates().items()
    }


def generated_templates() -> dict[tuple[str, str], str]:
    """The templates as they are shipped: (flavour, file name) → YAML text."""
    shipped = files("tillwatch_templates") / "generated"
    return {
        (flavour, file.name): file.read_text(encoding="utf-8")
        for flavour in FLAVOURS
        for file in sorted((shipped / flavour).iterdir(), key=lambda file: file.name)
        if file.name.endswith(".yaml")
    }


def main() -> None:
    """Write all files into the source tree."""
    folder = Path(__file__).parents[2] / "templates" / "generated"
    for (flavour, name), text in build().items():
        target = folder / flavour / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(target.relative_to(folder.parent.parent))


if __name__ == "__main__":
    main()
