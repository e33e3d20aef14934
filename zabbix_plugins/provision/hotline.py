"""The way to the hot-line: media type, technical user, action (design, decision 11).

Zabbix notifies one technical user once per event; who is told, by which channel, is Tillwatch's routing.
"""

from __future__ import annotations

import secrets

from alert_scripts.message import SCRIPT_PARAMETERS, SUBJECTS, ZabbixKind, message_template
from zabbix_plugins.provision.client import Client
from zabbix_plugins.provision.ensure import Params, ensure
from zabbix_plugins.provision.hosts import GROUP_SERVICES, GROUP_STORES
from zabbix_plugins.provision.plan import Plan, Report

MEDIA_TYPE = "Tillwatch hot-line email"
USER = "tillwatch-hotline"
USER_GROUP = "Tillwatch"
ACTION = "Tillwatch: tell the hot-line"
FROM_SEVERITY = 3  # Average
_SCRIPT = 1

_EVENT_SOURCE = 0
_OPERATION_MODES: dict[ZabbixKind, int] = {"problem": 0, "recovery": 1, "update": 2}


def _media_type(plan: Plan, client: Client) -> Params:
    parameters = [*SCRIPT_PARAMETERS, plan.spool, plan.instance]
    wanted: Params = {
        "name": MEDIA_TYPE,
        "type": _SCRIPT,
        "status": 0,  # on 7.0 a new media type is disabled
        "exec_path": "hotline_email",
        "maxsessions": 0,
        "maxattempts": 3,
        "attempt_interval": "10s",
        "message_templates": [
            {
                "eventsource": _EVENT_SOURCE,
                "recovery": mode,
                "subject": SUBJECTS[kind],
                "message": message_template(kind),
            }
            for kind, mode in _OPERATION_MODES.items()
        ],
    }
    if client.version == (6, 0):
        wanted["exec_params"] = "".join(f"{parameter}\n" for parameter in parameters)
    else:
        wanted["parameters"] = [{"sortorder": place, "value": value} for place, value in enumerate(parameters)]
    return wanted


def ensure_hotline(client: Client, report: Report, plan: Plan, groups: dict[str, str]) -> None:
    """Media type, user group, technical user, action, and the global macro that mails take the address from."""
    _ensure_macro(client, report, "{$ZABBIX.URL}", plan.frontend.rstrip("/"))
    media_type = ensure(
        client,
        report,
        "mediatype",
        name=MEDIA_TYPE,
        id_field="mediatypeid",
        search={"name": MEDIA_TYPE},
        wanted=_media_type(plan, client),
        select={"selectMessageTemplates": "extend"},
    )
    rights = "rights" if client.version == (6, 0) else "hostgroup_rights"
    user_group = ensure(
        client,
        report,
        "usergroup",
        name=USER_GROUP,
        id_field="usrgrpid",
        search={"name": USER_GROUP},
        wanted={
            "name": USER_GROUP,
            "gui_access": 3,  # no frontend: this user is only ever sent to
            rights: [{"id": groups[name], "permission": 2} for name in (GROUP_SERVICES, GROUP_STORES)],
        },
        select={"selectRights" if rights == "rights" else "selectHostGroupRights": "extend"},
    )
    user = _ensure_user(client, report, plan, media_type, user_group)
    _ensure_action(client, report, groups, media_type, user)


def _ensure_macro(client: Client, report: Report, macro: str, value: str) -> None:
    found = client.call("usermacro.get", {"output": "extend", "globalmacro": True, "filter": {"macro": macro}})
    if not found:
        client.call("usermacro.createglobal", {"macro": macro, "value": value}, f"making macro {macro}")
        report.created.append(f"macro {macro}")
    elif found[0]["value"] != value:
        change = {"globalmacroid": found[0]["globalmacroid"], "value": value}
        client.call("usermacro.updateglobal", change, f"changing macro {macro}")
        report.updated.append(f"macro {macro}")
    else:
        report.unchanged += 1


def _ensure_user(client: Client, report: Report, plan: Plan, media_type: str, user_group: str) -> str:
    role = client.call("role.get", {"output": ["roleid"], "filter": {"type": 1}, "sortfield": "roleid"})[0]["roleid"]
    media = {
        "mediatypeid": media_type,
        "sendto": plan.hotline,
        "active": 0,
        "severity": 63,
        "period": "1-7,00:00-24:00",
    }
    return ensure(
        client,
        report,
        "user",
        name=USER,
        id_field="userid",
        search={"username": USER},
        wanted={
            "username": USER,
            "name": "Tillwatch",
            "surname": "hot-line",
            "roleid": role,
            "timezone": "UTC",  # messages carry times in the user's zone without saying which
            "usrgrps": [{"usrgrpid": user_group}],
            "medias": [media],
        },
        select={"selectMedias": "extend", "selectUsrgrps": ["usrgrpid"]},
        only_new={"passwd": secrets.token_urlsafe(24)},
    )


def _ensure_action(client: Client, report: Report, groups: dict[str, str], media_type: str, user: str) -> None:
    def send() -> Params:
        return {
            "operationtype": 0,
            "opmessage_usr": [{"userid": user}],
            "opmessage": {"default_msg": 1, "mediatypeid": media_type},
        }

    def tell_all(kind: int) -> Params:
        return {"operationtype": kind, "opmessage": {"default_msg": 1}}

    conditions = [
        {"conditiontype": 0, "operator": 0, "value": groups[GROUP_SERVICES]},
        {"conditiontype": 0, "operator": 0, "value": groups[GROUP_STORES]},
        {"conditiontype": 4, "operator": 5, "value": str(FROM_SEVERITY)},
    ]
    ensure(
        client,
        report,
        "action",
        name=ACTION,
        id_field="actionid",
        search={"name": ACTION},
        wanted={
            "name": ACTION,
            "eventsource": _EVENT_SOURCE,
            "status": 0,
            "esc_period": "1h",
            "filter": {"evaltype": 0, "conditions": conditions},
            "operations": [{**send(), "esc_step_from": 1, "esc_step_to": 1, "esc_period": "0"}],
            "recovery_operations": [tell_all(11)],
            "update_operations": [tell_all(12)],
        },
        select={
            "selectFilter": "extend",
            "selectOperations": "extend",
            "selectRecoveryOperations": "extend",
            "selectUpdateOperations": "extend",
        },
        fixed=("eventsource",),
    )
