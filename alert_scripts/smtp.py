"""Speaks to the mail server, and understands what it says: whether trying again can help is decided here.

What matters is the answer to the message itself (RFC 5321, 4.2.5 and 4.5.3.2): until the last byte is sent nothing
has happened; when the answer to it is lost nobody knows, and the message may arrive twice if it is sent again.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Literal

import msgspec

from zabbix_plugins.errors import BadConfiguration

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}$)[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_ENCODED = SMTP.clone(cte_type="7bit", max_line_length=200)


class MailSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How mails are sent and to whom.

    `security`: none, starttls (refused servers are not used in clear) or tls. `ca_file`: certificates of an own
    authority. `password_file`: its first line is the password. `sender`: address that mails come from.
    `recipients`: what stands in "Send to" of the Zabbix media → addresses; what is not listed is an address itself.
    `language`, `zone`: of texts and times. `brand`: what subjects begin with. `timeout_seconds`: per answer.
    """

    host: str = "localhost"
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "none"
    ca_file: str = ""
    user: str = ""
    password_file: str = ""
    sender: str = "tillwatch@localhost"
    recipients: dict[str, tuple[str, ...]] = {}
    language: Literal["en", "ru"] = "en"
    zone: str = "UTC"
    brand: str = "Tillwatch"
    timeout_seconds: float = 60


class Outcome(msgspec.Struct, frozen=True):
    """What came of one message. `down`: the mail server itself cannot be used, so others need not be tried now."""

    result: Literal["sent", "temporary", "permanent", "lost"]
    reason: str
    down: bool = False


def trouble_with_address(address: str) -> str:
    """Why nobody can send to this address, empty if one can try."""
    return "" if _ADDRESS.fullmatch(address) else f"{address!r} is no mail address"


def check_settings(settings: MailSettings, where: str) -> None:
    """Raises `BadConfiguration` for what can be seen without the mail server."""
    for address in (settings.sender, *(each for group in settings.recipients.values() for each in group)):
        if trouble := trouble_with_address(address):
            raise BadConfiguration(trouble, where=where, remedy="write it as name@domain in Latin letters")
    if settings.user and not settings.password_file:
        raise BadConfiguration("key mail.user is set but mail.password_file is not", where=where, remedy="set both")
    if settings.user and settings.security == "none":
        raise BadConfiguration(
            "the password would travel in clear", where=where, remedy="set mail.security to starttls or tls"
        )


class Relay:
    """One connection to the mail server, made when first needed, kept for several messages."""

    def __init__(self, settings: MailSettings, folder: Path = Path()) -> None:
        """`folder`: where relative paths of the settings start."""
        self._settings = settings
        self._folder = folder
        self._client: smtplib.SMTP | None = None

    def send(self, message: EmailMessage, recipient: str, before_data: Callable[[], None]) -> Outcome:
        """Send one message to one address. `before_data` is called at the last moment at which nothing is sent yet.

        Raises nothing that the mail server or the network can cause; what `before_data` raises passes through.
        """
        try:
            client = self._connected()
            code, answer = client.mail(self._settings.sender)
            if code != 250:
                self.close()
                return _unusable(code, answer, self._settings)
            code, answer = client.rcpt(recipient)
            if code not in (250, 251):
                self._forget(client)
                return self._refused(code, answer)
        except smtplib.SMTPResponseException as error:
            self.close()
            return _unusable(error.smtp_code, error.smtp_error, self._settings)
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            return Outcome("temporary", _no_connection(self._settings, error), down=True)
        try:
            before_data()
        except BaseException:
            self.close()  # the mail server waits for a message that will not come
            raise
        return self._data(client, _wire(message))

    def _data(self, client: smtplib.SMTP, wire: bytes) -> Outcome:
        begun = False
        try:
            client.putcmd("data")
            code, answer = client.getreply()
            if code != 354:
                return self._refused(code, answer)
            begun = True
            client.send(wire)
            code, answer = client.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self.close()
            if begun:
                return Outcome("lost", f"the answer of the mail server was lost: {_words(error)}")
            return Outcome("temporary", _no_connection(self._settings, error), down=True)
        if code == 250:
            return Outcome("sent", _text(code, answer))
        return self._refused(code, answer)

    def _refused(self, code: int, answer: bytes) -> Outcome:
        """5xx is for good (RFC 5321, 4.2.1); everything else may pass. 421: the server is closing down."""
        if code == 421:
            self.close()
        return Outcome("permanent" if 500 <= code <= 599 else "temporary", _text(code, answer), down=code == 421)

    def _forget(self, client: smtplib.SMTP) -> None:
        """The refused message is over; a server that hangs up now takes nothing back of its refusal."""
        try:
            client.rset()
        except (OSError, smtplib.SMTPException):
            self.close()

    def _connected(self) -> smtplib.SMTP:
        if self._client is not None:
            return self._client
        settings = self._settings
        password = self._password() if settings.user else ""
        if settings.security == "tls":
            client: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout_seconds, context=self._context()
            )
        else:
            client = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout_seconds)
        self._client = client
        if settings.security == "starttls":
            client.starttls(context=self._context())
        client.ehlo_or_helo_if_needed()
        if settings.user:
            client.login(settings.user, password)
        return client

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(
            cafile=str(self._folder / self._settings.ca_file) if self._settings.ca_file else None
        )

    def _password(self) -> str:
        path = self._folder / self._settings.password_file
        try:
            return path.read_text(encoding="utf-8").split("\n")[0]
        except OSError as error:
            raise BadConfiguration(
                f"the mail password cannot be read: {error.strerror}",
                where=str(path),
                remedy="check mail.password_file",
            ) from error

    def close(self) -> None:
        """Say good-bye if the server still listens; never fails."""
        client, self._client = self._client, None
        if client is None:
            return
        try:
            client.quit()
        except (OSError, smtplib.SMTPException):
            client.close()


def _wire(message: EmailMessage) -> bytes:
    """The message as it travels: 7 bit, CRLF, dots doubled at line starts, the end mark (RFC 5321, 4.5.2)."""
    raw = message.as_bytes(policy=_ENCODED)
    return re.sub(rb"(?m)^\.", b"..", raw.removesuffix(b"\r\n")) + b"\r\n.\r\n"


def _unusable(code: int, answer: bytes | str, settings: MailSettings) -> Outcome:
    """The server refused us before it came to a message: a 5xx here is our configuration, not this message's."""
    text = _text(code, answer if isinstance(answer, bytes) else answer.encode())
    return Outcome("temporary", f"the mail server {settings.host}:{settings.port} refuses us: {text}", down=True)


def _no_connection(settings: MailSettings, error: Exception) -> str:
    return f"no connection to the mail server {settings.host}:{settings.port}: {_words(error)}"


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _text(code: int, answer: bytes) -> str:
    words = " ".join(answer.decode("utf-8", "replace").split())
    return f"{code} {words}"[:500]
