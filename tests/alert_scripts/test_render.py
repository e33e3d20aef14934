"""The mail: golden texts, a thread's headers, and hostile content that stays content."""

import re
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alert_scripts.alert import Figure
from alert_scripts.message import ZabbixKind, read_message
from alert_scripts.render import Renderer, message_id
from alert_scripts.smtp import MailSettings, check_settings
from alert_scripts.texts import EN, RU
from alert_scripts.view import many_lines, one_line, view_of
from tests.alert_scripts.conftest import note
from zabbix_plugins.errors import BadConfiguration

GOLDEN = Path(__file__).with_name("golden")
NOW = 1_795_529_000_000
LANGUAGES: tuple[Literal["en", "ru"], ...] = ("en", "ru")


def mail_of(kind: ZabbixKind, language: Literal["en", "ru"] = "en", /, **changed: str) -> EmailMessage:
    renderer = Renderer(MailSettings(language=language, zone="Europe/Moscow", sender="tillwatch@example.com"))
    alert = read_message(note(kind, **changed))
    return renderer.mail(
        alert,
        recipient="hotline@example.com",
        subject=f"[Tillwatch] {changed.get('EVENT_NAME', 'Loyalty')}",
        message_id="<own@example.com>",
        anchor="<first@example.com>",
        now=NOW,
    )


def body(mail: EmailMessage, kind: Literal["plain", "html"]) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["problem", "update", "recovery"])
def test_mails_read_as_their_golden_texts(kind: ZabbixKind, language: Literal["en", "ru"], golden_write: bool) -> None:
    golden = GOLDEN / f"{kind}.{language}.txt"
    text = body(mail_of(kind, language), "plain")
    if golden_write:
        golden.write_text(text, encoding="utf-8")
    assert text == golden.read_text(encoding="utf-8")


class Seen(HTMLParser):
    """Elements, links and the text of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in ("href", "src", "background")]

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> Seen:
    page = Seen()
    page.feed(html)
    return page


@pytest.mark.parametrize("kind", ["problem", "update", "recovery"])
def test_html_and_text_say_the_same(kind: ZabbixKind) -> None:
    mail = mail_of(kind)
    html = " ".join(seen(body(mail, "html")).text.split())
    for line in body(mail, "plain").splitlines():
        words = re.split(r": (?!Loyalty)", line.strip().removesuffix(":"), maxsplit=1)
        for word in words:
            if not word.startswith(("http", "--", "PROBLEM", "UPDATE", "RESOLVED")):
                assert word in html, (kind, word)


def test_the_numbers_stand_on_top() -> None:
    view = view_of(read_message(note("problem")), EN, "UTC")
    assert view.tiles == (Figure("Availability", "61.5 %"), Figure("Transactions", "1240"), Figure("Hit", "477"))
    assert view.title == "Magnolia: Loyalty availability is critically low (below 97 % in 5m)"
    assert view.since == "Since 24 Nov 2026, 14:03."


def test_a_recovery_says_how_long_it_lasted() -> None:
    alert = read_message(note("recovery"))
    assert view_of(alert, EN, "UTC").since == "This is over. It lasted 12 min, from 24 Nov 2026, 14:03 to 14:15."
    assert view_of(alert, RU, "Asia/Yekaterinburg").since == (
        "Проблема закончилась. Длилась 12 мин, с 24 ноября 2026, 19:03 до 19:15."
    )
    midnight = msgspec.structs.replace(alert, started=NOW - 86_400_000)
    assert "from 23 Nov 2026, 14:03 to 24 Nov 2026, 14:15" in view_of(midnight, EN, "UTC").since


def test_operational_data_of_another_form_is_shown_as_it_is() -> None:
    view = view_of(read_message(note("problem", EVENT_OPDATA="all red")), EN, "UTC")
    assert view.tiles == ()
    assert Figure("Measured", "all red") in view.rows


@pytest.mark.parametrize(
    ("milliseconds", "words"),
    [
        (0, "0 s"),
        (-5, "0 s"),
        (59_000, "59 s"),
        (60_000, "1 min"),
        (61_000, "1 min 1 s"),
        (3_600_000, "1 h"),
        (3_661_000, "1 h 1 min"),
        (90_000_000, "1 d 1 h"),
    ],
)
def test_durations_name_their_two_largest_units(milliseconds: int, words: str) -> None:
    assert EN.duration(milliseconds) == words


def test_a_thread_is_held_together_by_headers() -> None:
    mail = mail_of("recovery")
    assert (mail["Message-ID"], mail["In-Reply-To"], mail["References"]) == (
        "<own@example.com>",
        "<first@example.com>",
        "<first@example.com>",
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert message_id("ab12", "tillwatch@example.com") == "<ab12@example.com>"


ELEMENTS = {"html", "head", "meta", "title", "style", "body", "div", "table", "tbody", "tr", "td"} | {
    "span",
    "h1",
    "h2",
    "p",
    "br",
    "a",
}
HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "a\nBcc: everybody@example.com\n\n<p>body",
    "a\r\nBcc: everybody@example.com\r\n\r\nbody",
    "{{ 7 * 7 }} {% raw %} {# x #}",
    "</title></style></td></table><a href='javascript:alert(1)'>x</a>",
    "gnp.exe\u202e and \u2066isolates\u2069 \u200b",
    "\x00\x07\x1b[31m\x85\u2028\u2029",
    "x" * 100_000,
    "я" * 5_000,
    ".\n..\n.",
]


@pytest.mark.parametrize("macro", ["HOST_NAME", "EVENT_NAME", "EVENT_OPDATA", "TRIGGER_DESCRIPTION", "TRIGGER_URL"])
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_content_stays_content(macro: str, text: str) -> None:
    mail = mail_of("problem", **{macro: text})
    raw = mail.as_bytes(policy=SMTP.clone(cte_type="7bit"))
    assert b"\nBcc:" not in raw
    assert max(len(line) for line in raw.splitlines()) < 998
    assert len(raw) < 150_000
    page = seen(body(mail, "html"))
    assert page.elements <= ELEMENTS
    assert not {name for name in page.attributes if name.startswith("on")}
    assert all(link.startswith("https://zabbix.example.com/tr_events.php?") for link in page.links)
    for part in (mail["Subject"], page.text):
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\x00\x1b]", part)


@given(st.text(max_size=300))
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1
    assert len(one_line("x" * 500 + text)) == 200


def test_long_texts_are_cut_and_that_is_said() -> None:
    assert many_lines("line\n" * 5000, "… (shortened)").endswith("line\n… (shortened)")
    assert many_lines("a\nb\n", "cut") == "a\nb"


def test_only_web_addresses_become_links() -> None:
    hostile = {"$ZABBIX_URL": "javascript:alert(1)", "TRIGGER_URL": 'https://ok.example.com/"onclick='}
    assert seen(body(mail_of("problem", **hostile), "html")).links == []
    assert seen(body(mail_of("problem", TRIGGER_URL="https://wiki.example.com/a?b=c&d"), "html")).links == [
        "https://zabbix.example.com/tr_events.php?triggerid=12345&eventid=4711",
        "https://wiki.example.com/a?b=c&d",
    ]


def test_mails_can_be_read_in_the_dark_and_on_a_phone() -> None:
    html = body(mail_of("problem"), "html")
    assert "@media (prefers-color-scheme: dark)" in html
    assert "@media (max-width: 480px)" in html
    assert "http://" not in html
    assert "src=" not in html


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        (MailSettings(sender="nobody"), "'nobody' is no mail address"),
        (MailSettings(recipients={"hot-line": ("a b@c",)}), "'a b@c' is no mail address"),
        (MailSettings(user="me"), "mail.password_file is not"),
        (MailSettings(user="me", password_file="x"), "the password would travel in clear"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: MailSettings, complaint: str) -> None:
    with pytest.raises(BadConfiguration, match=re.escape(complaint)):
        check_settings(settings, "tillwatch.toml")
