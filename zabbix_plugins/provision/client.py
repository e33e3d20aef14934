"""A thin client of Zabbix's API over pyzabbix, for provisioning.

pyzabbix is given a `requests.Session` (proxies, certificates of corporate networks) and a time limit; its `with`
is never used, because it swallows the API's errors. Errors are told in full, with what was being done.
"""

from __future__ import annotations

from typing import Any

import msgspec
import requests
from pyzabbix.api import ZabbixAPI, ZabbixAPIException

from zabbix_plugins.errors import BadConfiguration, Permanent, Temporary

TIMEOUT_SECONDS = 120


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a frontend: `token`, or `user` and `password`. `ca_file`: certificates of an own authority."""

    url: str
    token: str = ""
    user: str = ""
    password: str = ""
    ca_file: str = ""


class Client:
    """One signed-in connection. `version` is (6, 0) or (7, 0); other versions are refused."""

    def __init__(self, access: Access) -> None:
        if not access.token and not (access.user and access.password):
            raise BadConfiguration("neither a token nor user and password are given", remedy="give --token or --user")
        session = requests.Session()
        if access.ca_file:
            session.verify = access.ca_file
        self._where = access.url
        try:
            # it asks the version, by which it signs in with "user" or "username", in the body or in a header
            self._api = ZabbixAPI(access.url, session=session, timeout=TIMEOUT_SECONDS)
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(error) from error
        text = str(self.call("apiinfo.version"))
        major, minor = (int(part) for part in text.split(".")[:2])
        self.version = (major, minor)
        self.version_text = text
        if self.version not in ((6, 0), (7, 0)):
            raise Permanent(
                f"this is Zabbix {text}; Tillwatch provisions 6.0 and 7.0",
                where=access.url,
                remedy="import the templates by hand (tillwatch export)",
            )
        self._sign_in(access)

    @property
    def flavour(self) -> str:
        """Which templates fit: "6.0" or "7.0"."""
        return f"{self.version[0]}.{self.version[1]}"

    def _sign_in(self, access: Access) -> None:
        try:
            if access.token:
                self._api.login(api_token=access.token)
            else:
                self._api.login(access.user, access.password)
        except ZabbixAPIException as error:
            raise BadConfiguration(
                f"Zabbix refuses the sign-in: {_text(error)}", where=access.url, remedy="check token or password"
            ) from error
        except requests.RequestException as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> Temporary:
        return Temporary(
            f"the API cannot be reached: {error}", where=self._where, remedy="check the address; try again"
        )

    def call(self, method: str, params: Any = None, doing: str = "") -> Any:
        """The result of one API method. Raises `Permanent` with Zabbix's own words, `Temporary` without an answer."""
        try:
            return self._api.do_request(method, {} if params is None else params)["result"]
        except ZabbixAPIException as error:
            what = f"{doing}: " if doing else ""
            raise Permanent(f"{what}{method}: {_text(error)}", where=self._where) from error
        except (requests.RequestException, ValueError) as error:
            raise self._unreachable(error) from error


def _text(error: ZabbixAPIException) -> str:
    details = getattr(error, "error", None)
    if isinstance(details, dict):
        return " ".join(str(details.get(key, "")) for key in ("message", "data")).strip()
    return str(error)
