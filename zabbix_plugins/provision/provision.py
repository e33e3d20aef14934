"""Provisioning, in one readable function: everything that should stand on a server, in an order that is safe."""

from __future__ import annotations

from collections.abc import Callable

from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.dashboard import ensure_dashboard
from zabbix_plugins.provision.hosts import ensure_groups, ensure_services, ensure_stores
from zabbix_plugins.provision.hotline import ensure_hotline
from zabbix_plugins.provision.plan import Plan, Report
from zabbix_plugins.provision.templates import import_templates


def provision(client: Client, plan: Plan, say: Callable[[str], None]) -> Report:
    """Make the server as the plan says; a second run changes nothing. `say` is told each step."""
    report = Report(version=client.version_text)
    say(f"Zabbix {client.version_text}: templates")
    templates = import_templates(client, report)
    say("host groups and hosts")
    groups = ensure_groups(client, report)
    services = ensure_services(client, report, plan, groups, templates)
    if plan.stores:
        say(f"hosts of {len(plan.estate.stores)} stores")
        ensure_stores(client, report, plan, groups, templates)
    say("hot-line: media type, user, action")
    ensure_hotline(client, report, plan, groups)
    say("dashboard")
    ensure_dashboard(client, report, plan, services, groups)
    return report
