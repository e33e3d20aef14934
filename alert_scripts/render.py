"""Writes the mail: HTML and plain text from the templates in `mail/`, headers that hold a thread together.

Problem, update and recovery have the same subject; updates and recoveries name the first message of their thread in
In-Reply-To and References, which Outlook and Gmail both need to show them together.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

import css_inline
import jinja2

from alert_scripts.alert import Alert
from alert_scripts.smtp import MailSettings
from alert_scripts.texts import TEXTS
from alert_scripts.view import View, one_line, view_of

_SEVERE = 4


class Renderer:
    """Holds the compiled templates; made once by whoever sends."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings
        templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(Path(__file__).with_name("mail")),
            autoescape=jinja2.select_autoescape(["html.j2"]),
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._html = templates.get_template("hotline.html.j2")
        self._text = templates.get_template("hotline.txt.j2")
        self._inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True)

    def html(self, view: View) -> str:
        """The HTML body, styles inlined."""
        return self._inliner.inline(self._html.render(view=view))

    def text(self, view: View) -> str:
        """The plain text body."""
        return self._text.render(view=view).strip() + "\n"

    def mail(
        self, alert: Alert, *, recipient: str, subject: str, message_id: str, anchor: str, now: int
    ) -> EmailMessage:
        """The whole message. `anchor`: Message-ID of the first message of the thread; `now`: milliseconds UTC."""
        settings = self._settings
        view = view_of(alert, TEXTS[settings.language], settings.zone)
        mail = EmailMessage()
        mail["Subject"] = one_line(subject)
        mail["From"] = Address(one_line(settings.brand, 60), addr_spec=settings.sender)
        mail["To"] = Address(addr_spec=recipient)
        mail["Date"] = format_datetime(datetime.fromtimestamp(now / 1000, UTC))
        mail["Message-ID"] = message_id
        if message_id != anchor:
            mail["In-Reply-To"] = anchor
            mail["References"] = anchor
        mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday answer, please
        mail["X-Auto-Response-Suppress"] = "All"  # the same for Exchange
        mail["Content-Language"] = settings.language
        if alert.kind == "problem" and alert.severity >= _SEVERE:
            mail["Importance"] = "high"
        mail["X-Tillwatch-Event"] = one_line(f"{alert.instance}/{alert.event}/{alert.kind}")
        mail.set_content(self.text(view))
        mail.add_alternative(self.html(view), subtype="html")
        return mail


def message_id(digest: str, sender: str) -> str:
    """The Message-ID of a message, from its identity's digest: the same each time it is sent."""
    return f"<{digest}@{sender.rpartition('@')[2]}>"
