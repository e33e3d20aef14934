"""Provisioning real servers: by token, after a change by hand, with what an operator added, and refused."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.history import Api
from zabbix_plugins.demo.packages import FLAVOURS, Flavour
from zabbix_plugins.demo.scene import HOTLINE, Scene

pytestmark = pytest.mark.servers

TILLWATCH = str(Path(sys.executable).with_name("tillwatch"))


def provision(scene: Scene, flavour: Flavour, *access: str, password: str = "") -> subprocess.CompletedProcess[str]:
    """The command as an admin runs it, from a folder that has nothing to do with the sources."""
    command = [TILLWATCH, "provision", "--config", str(scene.folder / "tillwatch.toml")]
    command += ["--url", scene.zabbix[flavour].url, "--hotline", f"{HOTLINE}@tillwatch.test"]
    command += ["--instance", f"demo-{flavour}", *access]
    with tempfile.TemporaryDirectory() as elsewhere:
        return subprocess.run(
            command, cwd=elsewhere, input=f"{password}\n", capture_output=True, text=True, check=False, timeout=300
        )


def token_of(api: Api, folder: Path) -> Path:
    (user,) = api.call("user.get", {"filter": {"username": "Admin"}})
    name = f"of {folder.name}"
    created = api.call("token.create", {"name": name, "userid": user["userid"]})
    (generated,) = api.call("token.generate", created["tokenids"])
    path = folder / "token"
    path.write_text(generated["token"] + "\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_by_token_the_command_finds_nothing_to_do(scene: Scene, flavour: Flavour, tmp_path: Path) -> None:
    token = token_of(Api(scene.zabbix[flavour].api_url), tmp_path)
    done = provision(scene, flavour, "--token-file", str(token))
    assert done.returncode == 0, done.stderr
    assert "0 created, 0 changed" in done.stdout


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_what_was_changed_by_hand_is_put_right_and_what_was_added_stays(scene: Scene, flavour: Flavour) -> None:
    api = Api(scene.zabbix[flavour].api_url)
    host = one(api, "host", {"filter": {"host": "Tillwatch chain magnolia"}, "selectMacros": "extend"})
    mine = {"macro": "{$LOYALTY.AVAILABILITY.MIN.CRIT}", "value": "95"}
    api.call("host.update", {"hostid": host["hostid"], "name": "Renamed", "macros": [*plain(host["macros"]), mine]})
    template = one(api, "template", {"filter": {"host": "Tillwatch chain by external check"}})
    trigger = one(
        api,
        "trigger",
        {"filter": {"description": "Availability is critically low"}, "templateids": [template["templateid"]]},
    )
    api.call("trigger.update", {"triggerid": trigger["triggerid"], "priority": 1})
    dashboard = one(api, "dashboard", {"filter": {"name": "Tillwatch: loyalty availability"}})
    api.call("dashboard.delete", [dashboard["dashboardid"]])
    done = provision(scene, flavour, "--user", "Admin", password="zabbix")
    assert done.returncode == 0, done.stderr
    assert sorted(done.stdout.splitlines()[:3]) == [
        "changed  host Tillwatch chain magnolia",
        "changed  template Tillwatch chain by external check",
        "created  dashboard Tillwatch: loyalty availability",
    ]
    again = provision(scene, flavour, "--user", "Admin", password="zabbix")
    assert "0 created, 0 changed" in again.stdout, again.stdout + again.stderr
    host = one(api, "host", {"hostids": [host["hostid"]], "selectMacros": "extend"})
    assert host["name"] == "Loyalty: Magnolia"
    assert mine in plain(host["macros"])
    assert one(api, "trigger", {"triggerids": [trigger["triggerid"]]})["priority"] == "4"


def one(api: Api, kind: str, params: dict[str, Any]) -> dict[str, Any]:
    (found,) = api.call(f"{kind}.get", {"output": "extend", **params})
    return dict(found)


def plain(macros: list[dict[str, str]]) -> list[dict[str, str]]:
    return [{"macro": macro["macro"], "value": macro["value"]} for macro in macros]


def test_a_wrong_password_a_wrong_token_and_a_wrong_address_are_one_sentence_each(scene: Scene, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("0" * 64)
    wrong = [
        provision(scene, "7.0", "--user", "Admin", password="wrong"),
        provision(scene, "7.0", "--token-file", str(token)),
        provision(scene, "7.0", "--user", "Admin", "--url", "http://127.0.0.1:9/", password="zabbix"),
    ]
    for done in wrong:
        assert done.returncode != 0
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert "http://127.0.0.1" in done.stderr
