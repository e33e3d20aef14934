"""Making one object as it should be, and nothing if it already is: look, compare, create or update."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.plan import Report

Params = dict[str, Any]


def differs(wanted: Any, found: Any) -> bool:
    """Does `found`, as the API returns it, lack anything of `wanted`? More than wanted is no difference.

    The API answers with texts where numbers were given, and adds fields of its own to objects in lists.
    """
    if isinstance(wanted, Mapping):
        if not isinstance(found, Mapping):
            return True
        return any(differs(value, found.get(key)) for key, value in wanted.items())
    if isinstance(wanted, list):
        if not isinstance(found, list) or len(found) != len(wanted):
            return True
        left = list(found)
        for value in wanted:
            for place, candidate in enumerate(left):
                if not differs(value, candidate):
                    del left[place]
                    break
            else:
                return True
        return False
    return str(wanted) != str(found)


def ensure(
    client: Client,
    report: Report,
    kind: str,
    *,
    name: str,
    id_field: str,
    search: Params,
    wanted: Params,
    select: Params | None = None,
    fixed: tuple[str, ...] = (),
    only_new: Params | None = None,
) -> str:
    """Make the object of a kind ("host", "usergroup" …) that `search` (a filter) finds be as `wanted`; its id.

    `select`: parameters of the look-up for fields that are not returned by themselves. `fixed`: fields of `wanted`
    that may be given when it is made but not later. `only_new`: more for a new object that is never compared (a
    password).
    """
    found = client.call(f"{kind}.get", {"output": "extend", "filter": search, **(select or {})}, f"looking for {name}")
    if not found:
        result = client.call(f"{kind}.create", {**wanted, **(only_new or {})}, f"making {kind} {name}")
        report.created.append(f"{kind} {name}")
        return str(next(iter(result.values()))[0])
    number = str(found[0][id_field])
    if differs(wanted, found[0]):
        changes = {key: value for key, value in wanted.items() if key not in fixed}
        client.call(f"{kind}.update", {id_field: number, **changes}, f"changing {kind} {name}")
        report.updated.append(f"{kind} {name}")
    else:
        report.unchanged += 1
    return number
