"""Importing the generated templates, when they are not there or not the same."""

from __future__ import annotations

from typing import Any

import yaml

from zabbix_plugins.provision.builder import generated_templates
from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.plan import Report

_BOTH = {"createMissing": True, "updateExisting": True}
_ALL = {**_BOTH, "deleteMissing": True}


def _rules(client: Client) -> dict[str, Any]:
    """Import rules; an unknown key is an error, and the key of groups differs (facts: 6.2 split them)."""
    groups = {"groups": _BOTH} if client.version == (6, 0) else {"template_groups": _BOTH}
    return {
        **groups,
        "templates": _BOTH,
        "items": _ALL,
        "triggers": _ALL,
        "discoveryRules": _ALL,
        "valueMaps": _ALL,
        "graphs": _ALL,
        "templateDashboards": _ALL,
    }


def import_templates(client: Client, report: Report) -> dict[str, str]:
    """Import what differs; template name → id. What would change is asked of Zabbix itself (importcompare)."""
    rules = _rules(client)
    names = []
    for (flavour, file), text in generated_templates().items():
        if flavour != client.flavour:
            continue
        (template,) = yaml.safe_load(text)["zabbix_export"]["templates"]
        name = template["template"]
        names.append(name)
        request = {"format": "yaml", "source": text, "rules": rules}
        changes = client.call("configuration.importcompare", request, f"comparing {file}")
        if not changes:
            report.unchanged += 1
            continue
        known = client.call("template.get", {"output": ["templateid"], "filter": {"host": name}})
        client.call("configuration.import", request, f"importing {file}")
        (report.updated if known else report.created).append(f"template {name}")
    found = client.call("template.get", {"output": ["templateid", "host"], "filter": {"host": names}})
    return {template["host"]: str(template["templateid"]) for template in found}
