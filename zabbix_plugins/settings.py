"""Settings: one TOML file, read once at the rim and passed on as frozen values.

Unknown keys are errors, so that a misspelt one does not pass for its default. Every error is one sentence that
names the file, the key and the remedy. Paths are relative to the folder of the file.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets
from pathlib import Path
from typing import Literal

import msgspec

from alert_scripts.smtp import MailSettings, check_settings
from zabbix_plugins.errors import BadConfiguration, Temporary
from zabbix_plugins.model.dictionary import ErrorDictionary, parse_dictionary
from zabbix_plugins.model.estate import EMPTY, Estate, known_zone, parse_estate


class JournalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family of journals. `path` may hold {chain}, {store}, {pos}, * and **; what it does not say stands beside.

    `zone`: IANA time zone of stamps that have none, for stores that the estate does not know.
    """

    format: str
    path: str
    chain: str = ""
    store: str = ""
    pos: str = ""
    zone: str = "UTC"


class CollectorSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`data`: folder of the ledger and documents. `grace_seconds`: how long a minute waits for its last lines.
    `pass_seconds`: pause between two looks at the journals. `name`: who made a document.
    """

    data: str = "/var/lib/tillwatch"
    documents: str = ""
    estate: str = ""
    dictionary: str = ""
    grace_seconds: int = 12
    pass_seconds: float = 1.0
    name: str = "collector"
    language: Literal["en", "ru"] = "en"


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`key_file`: one line `key-id:base64` (0600), made on first use. `bins`: first digits of payment cards that
    serve as loyalty cards.
    """

    key_file: str = "privacy.key"
    bins: tuple[str, ...] = ()


class PushSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Zabbix servers or proxies ("host:port") that receive the values of stores; none means nothing is pushed."""

    servers: tuple[str, ...] = ()


class SpoolSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`folder`: where alert scripts drop their files; empty means `spool` in the data folder."""

    folder: str = ""


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. `folder` is where it lies; relative paths start there."""

    collector: CollectorSettings = CollectorSettings()
    journal: tuple[JournalSettings, ...] = ()
    privacy: PrivacySettings = PrivacySettings()
    push: PushSettings = PushSettings()
    spool: SpoolSettings = SpoolSettings()
    mail: MailSettings = MailSettings()
    folder: str = "."

    def path(self, text: str) -> Path:
        """A path of the file, made absolute."""
        return Path(self.folder, text).absolute()

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.path(self.collector.data)

    @property
    def documents(self) -> Path:
        """The folder of documents."""
        return self.path(self.collector.documents) if self.collector.documents else self.data / "documents"

    @property
    def spool_folder(self) -> Path:
        """The folder into which alert scripts drop their files."""
        return self.path(self.spool.folder) if self.spool.folder else self.data / "spool"


def read_text(path: Path, what: str) -> str:
    """The text of a file that a person wrote; raises `BadConfiguration` when it is not there or not UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadConfiguration(f"{what} is not UTF-8", where=str(path), remedy="save it as UTF-8") from error
    except OSError as error:
        raise BadConfiguration(
            f"{what} cannot be read: {error.strerror}", where=str(path), remedy="check the path and its permissions"
        ) from error


def load_settings(path: Path) -> Settings:
    """Read the settings file; raises `BadConfiguration` that names file, key and remedy."""
    text = read_text(path, "the settings file")
    try:
        settings = msgspec.toml.decode(text.encode(), type=Settings)
    except msgspec.ValidationError as error:
        raise BadConfiguration(
            _plain(str(error)), where=str(path), remedy="docs/configuration.md lists every key"
        ) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise BadConfiguration(f"this is not TOML: {error}", where=str(path), remedy="mend that line") from error
    for number, journal in enumerate(settings.journal, 1):
        if not known_zone(journal.zone):
            raise BadConfiguration(
                f"key journal[{number}].zone: time zone {journal.zone!r} is unknown",
                where=str(path),
                remedy="use an IANA name such as Europe/Moscow",
            )
    if not known_zone(settings.mail.zone):
        raise BadConfiguration(
            f"key mail.zone: time zone {settings.mail.zone!r} is unknown",
            where=str(path),
            remedy="use an IANA name such as Europe/Moscow",
        )
    check_settings(settings.mail, str(path))
    return msgspec.structs.replace(settings, folder=str(path.absolute().parent))


def _plain(message: str) -> str:
    """msgspec's "Expected `int`, got `str` - at `$.collector.x`" with the key in front."""
    found = re.fullmatch(r"(.*?)(?: - at `\$\.?(.*)`)?", message)
    text, key = (found[1], found[2] or "") if found else (message, "")
    unknown = re.fullmatch(r"Object contains unknown field `(.*)`", text)
    if unknown:
        return f"key {'.'.join(part for part in (key, unknown[1]) if part)} is unknown"
    return f"key {key}: {text}" if key else text


def load_estate(settings: Settings) -> Estate:
    """The estate that the settings name; an empty one when they name none."""
    if not settings.collector.estate:
        return EMPTY
    path = settings.path(settings.collector.estate)
    return parse_estate(read_text(path, "the estate file"), str(path))


def load_dictionary(own: Path | None = None) -> ErrorDictionary:
    """The error dictionary that Tillwatch ships, with the entries of `own` laid over it."""
    shipped = Path(__file__).parent / "model" / "error_dictionary.yaml"
    dictionary = parse_dictionary(shipped.read_text(encoding="utf-8"), shipped.name)
    if own is None:
        return dictionary
    return parse_dictionary(read_text(own, "the error dictionary"), str(own), base=dictionary)


def load_key(path: Path) -> tuple[str, bytes]:
    """(key id, key) of the privacy key file; made with 0600 when there is none.

    Raises `BadConfiguration` for a file that others can read or that holds no key of at least 16 bytes.
    """
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise Temporary(
            f"the privacy key cannot be made: {error.strerror}", where=str(path), remedy="make the folder writable"
        ) from error
    else:
        with os.fdopen(descriptor, "w") as file:
            file.write(f"k{secrets.token_hex(2)}:{base64.b64encode(secrets.token_bytes(32)).decode()}\n")
    if path.stat().st_mode & 0o077:
        raise BadConfiguration("the privacy key can be read by others", where=str(path), remedy=f"chmod 600 {path}")
    name, _, text = read_text(path, "the privacy key").strip().partition(":")
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        key = b""
    if not re.fullmatch(r"[A-Za-z0-9]{1,16}", name) or len(key) < 16:
        raise BadConfiguration(
            "this is no privacy key", where=str(path), remedy="one line: key-id:base64 of at least 16 bytes"
        )
    return name, key
