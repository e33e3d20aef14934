"""Reading a real Zabbix through its API: items, their history, and values joined by the end of their window."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import requests

NUMERIC = {"0": 0, "3": 3}


class Sample(msgspec.Struct, frozen=True):
    """One value of one item, with the end of its window in seconds UTC."""

    host: str
    key: str
    window_end: int
    value: float


class Api:
    """A few calls of Zabbix's JSON-RPC, on their own: nothing of what is tested is used to look at it."""

    def __init__(self, url: str, user: str = "Admin", password: str = "zabbix") -> None:
        self._url = url
        self._session = requests.Session()
        self.version: str = self.call("apiinfo.version", {})
        self._auth: str | None = None
        name = "username" if not self.version.startswith("5.") else "user"
        self._auth = self.call("user.login", {name: user, "password": password})

    def call(self, method: str, params: Any) -> Any:
        body = {"jsonrpc": "2.0", "method": method, "params": params, "id": 1}
        headers = {"Content-Type": "application/json-rpc"}
        auth = getattr(self, "_auth", None)
        if auth and self.version.startswith("6.0"):
            body["auth"] = auth
        elif auth:
            headers["Authorization"] = f"Bearer {auth}"
        answer = self._session.post(self._url, json=body, headers=headers, timeout=60).json()
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def hosts(self) -> list[dict[str, Any]]:
        """Tillwatch's hosts with their tags."""
        found: list[dict[str, Any]] = self.call(
            "host.get", {"output": ["hostid", "host"], "search": {"host": "Tillwatch"}, "selectTags": "extend"}
        )
        return found

    def items(self, hostid: str) -> list[dict[str, Any]]:
        """A host's items with key, type of value, state and error."""
        output = ["itemid", "key_", "value_type", "state", "error", "status", "type"]
        found: list[dict[str, Any]] = self.call("item.get", {"output": output, "hostids": hostid})
        return found

    def values(self, items: list[dict[str, Any]]) -> Iterator[tuple[str, int, int, float]]:
        """(key, clock, ns, value) of every stored value of numeric items."""
        for kind in ("0", "3"):
            by_id = {item["itemid"]: item["key_"] for item in items if item["value_type"] == kind}
            ids = list(by_id)
            for begin in range(0, len(ids), 200):
                params = {"output": "extend", "history": int(kind), "itemids": ids[begin : begin + 200]}
                for row in self.call("history.get", params):
                    yield by_id[row["itemid"]], int(row["clock"]), int(row["ns"]), float(row["value"])

    def samples(self, host: dict[str, Any]) -> list[Sample]:
        """Every value of a host with the end of its window.

        Pulled values are joined by the `tillwatch.window_end` that the poll of the same minute brought (values of
        one document have the very same clock; documents are polled once a minute). Pushed ones carry it as clock.
        """
        items = self.items(host["hostid"])
        rows = list(self.values(items))
        pushed = any(item["key_"] == "tillwatch.window_end" and item["type"] == "2" for item in items)
        ends = {clock // 60: int(value) for key, clock, _, value in rows if key == "tillwatch.window_end"}
        samples = []
        for key, clock, _, value in rows:
            end = clock if pushed else ends.get(clock // 60)
            if end is not None:
                samples.append(Sample(host["host"], key, end, value))
        return samples
