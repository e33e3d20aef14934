"""The deliverer against a mail server that really speaks SMTP, and misbehaves as a test says."""

import signal
import sqlite3
import ssl
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from alert_scripts.deliver import Deliverer, Pass, Policy, alone, deliver
from alert_scripts.message import Note
from alert_scripts.outbox import Outbox, Standing
from alert_scripts.smtp import MailSettings
from tests.alert_scripts.conftest import MailServer, free_port, note
from zabbix_plugins.errors import BadState, Temporary

NOW = 1_795_529_000_000
SECOND = 1000
HOUR = 3_600_000


class Place:
    """Spool and outbox of one test."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.spool.mkdir()
        self.path = folder / "outbox.sqlite"
        self.dropped = 0
        self.said: list[str] = []

    def drop(self, *notes: Note) -> None:
        """What the alert script does."""
        for each in notes:
            self.dropped += 1
            (self.spool / f"{self.dropped:04}.json").write_bytes(msgspec.json.encode(each))

    def deliverer(self, server: MailServer, policy: Policy | None = None, **settings: object) -> Deliverer:
        plain = {"host": "127.0.0.1", "port": server.port, "timeout_seconds": 5.0}
        return Deliverer(
            spool=self.spool,
            outbox=Outbox(self.path),
            settings=msgspec.convert({**plain, **settings}, MailSettings),
            policy=policy,
            say=self.said.append,
        )

    def standing(self) -> Standing:
        """The outbox as somebody else sees it."""
        with closing(Outbox(self.path)) as outbox:
            return outbox.standing()

    def rows(self, columns: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.path)) as db:
            return db.execute(f"SELECT {columns} FROM message ORDER BY id").fetchall()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_an_alert_becomes_one_mail_and_leaves_the_spool(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW) == Pass(collected=1, sent=1, more=True)
    assert deliverer.deliver_once(NOW + SECOND) == Pass()
    (mail,) = mail_server.mails
    assert mail["To"] == "hotline@example.com"
    assert list(place.spool.iterdir()) == []
    assert place.rows("state, attempts, reason") == [("sent", 1, "250 OK")]


def test_problem_update_and_recovery_are_one_thread_in_this_order(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"), note("update"), note("recovery"))
    deliverer = place.deliverer(mail_server)
    passes = [deliverer.deliver_once(NOW).sent for _ in range(4)]
    assert passes == [1, 1, 1, 0]
    problem, update, recovery = mail_server.mails
    assert problem["In-Reply-To"] is None
    for answer in (update, recovery):
        assert answer["In-Reply-To"] == answer["References"] == problem["Message-ID"]
    assert {mail["Subject"] for mail in mail_server.mails} == {
        "[Tillwatch] Magnolia: Loyalty availability is critically low (below 97 % in 5m)"
    }
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == 3


def test_a_thread_keeps_its_subject_when_the_problem_is_renamed(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"), note("recovery", EVENT_NAME="Another name"))
    deliverer = place.deliverer(mail_server)
    for _ in range(2):
        deliverer.deliver_once(NOW)
    assert [mail["Subject"] for mail in mail_server.mails] == [
        "[Tillwatch] Magnolia: Loyalty availability is critically low (below 97 % in 5m)"
    ] * 2


def test_zabbix_trying_again_after_delivery_sends_nothing_twice(place: Place, mail_server: MailServer) -> None:
    deliverer = place.deliverer(mail_server)
    for _ in range(3):
        place.drop(note("problem"))
        deliverer.deliver_once(NOW)
    assert len(mail_server.mails) == 1
    assert place.standing().counters == {"repeated": 2}


def test_send_to_of_zabbix_may_be_a_name_for_several_addresses(place: Place, mail_server: MailServer) -> None:
    place.drop(msgspec.structs.replace(note("problem"), recipient="hot-line"))
    deliverer = place.deliverer(mail_server, recipients={"hot-line": ["a@example.com", "b@example.com"]})
    assert deliverer.deliver_once(NOW).sent == 2
    assert [mail["To"] for mail in mail_server.mails] == ["a@example.com", "b@example.com"]


def test_a_recipient_that_is_no_address_is_dead_with_the_remedy(place: Place, mail_server: MailServer) -> None:
    bad = ["hot-line", "a@b\nBcc: c@d", "a b@c", "<a@b>", "я@почта"]
    place.drop(*(msgspec.structs.replace(note("problem"), recipient=each) for each in bad))
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW).sent == 0
    assert place.standing().states == {"dead": len(bad)}
    assert place.rows("reason")[0] == (
        "'hot-line' is no mail address; correct 'Send to' of the Zabbix media, or list it in mail.recipients",
    )


def test_a_message_for_another_channel_waits_for_its_own_deliverer(place: Place, mail_server: MailServer) -> None:
    place.drop(msgspec.structs.replace(note("problem"), channel="telegram", recipient="-100123"))
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW).sent == 0
    assert place.rows("channel, state") == [("telegram", "queued")]


def test_a_temporary_refusal_is_tried_again_later_and_later(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"), note("recovery"))
    mail_server.rcpt = lambda address: "451 4.7.1 Greylisted, come back"
    deliverer = place.deliverer(mail_server)
    now, tries = NOW, []
    for _ in range(9):
        assert deliverer.deliver_once(now).failed == 1
        ((next_try,), (_,)) = place.rows("next_try")
        assert isinstance(next_try, int)
        tries.append((next_try - now) // SECOND)
        assert deliverer.deliver_once(next_try - 1).failed == 0
        now = next_try
    assert tries == [15, 30, 60, 120, 240, 480, 900, 900, 900]
    assert place.rows("state, attempts, reason") == [
        ("failed", 9, "451 4.7.1 Greylisted, come back"),
        ("queued", 0, ""),
    ]
    mail_server.rcpt = lambda address: "250 OK"
    assert [deliverer.deliver_once(now).sent for _ in range(2)] == [1, 1]
    assert mail_server.mails[0]["In-Reply-To"] is None


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_permanent_refusal_is_dead_and_the_next_message_goes_out(
    place: Place, mail_server: MailServer, stage: str
) -> None:
    answers = iter(["550 5.1.1 no such mailbox", "250 OK"])
    setattr(mail_server, stage, (lambda address: next(answers)) if stage == "rcpt" else (lambda: next(answers)))
    place.drop(note("problem", EVENT_ID="1"), note("problem", EVENT_ID="2"))
    deliverer = place.deliverer(mail_server)
    done = deliverer.deliver_once(NOW)
    assert (done.dead, done.sent) == (1, 1)
    assert place.rows("state, reason") == [("dead", "550 5.1.1 no such mailbox"), ("sent", "250 OK")]
    assert mail_server.connections == 1


def test_a_recovery_is_sent_although_its_problem_was_refused(place: Place, mail_server: MailServer) -> None:
    answers = iter(["550 too bad", "250 OK"])
    mail_server.data = lambda: next(answers)
    place.drop(note("problem"), note("recovery"))
    deliverer = place.deliverer(mail_server)
    for _ in range(2):
        deliverer.deliver_once(NOW)
    assert place.rows("kind, state") == [("problem", "dead"), ("recovery", "sent")]


def test_a_lost_answer_is_unknown_counted_and_sent_again_under_the_same_id(
    place: Place, mail_server: MailServer
) -> None:
    answers = iter([None, "250 OK"])
    mail_server.data = lambda: next(answers)
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW).lost == 1
    ((state, lost),) = place.rows("state, lost")
    assert (state, lost) == ("unknown", 1)
    assert deliverer.deliver_once(NOW + 15 * SECOND).sent == 1
    first, second = mail_server.mails
    assert first["Message-ID"] == second["Message-ID"]
    assert place.standing().lost == 1


def test_a_connection_that_breaks_before_the_message_is_no_lost_answer(place: Place, mail_server: MailServer) -> None:
    answers = iter([None, "250 OK"])
    mail_server.rcpt = lambda address: next(answers)
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW) == Pass(collected=1, failed=1)
    assert deliverer.deliver_once(NOW + HOUR).sent == 1
    assert len(mail_server.mails) == 1
    assert place.standing().lost == 0


def test_a_mail_server_that_is_down_is_asked_by_one_message_not_by_all(place: Place) -> None:
    nobody = MailServer()
    nobody.port = free_port()
    place.drop(*(note("problem", EVENT_ID=str(number)) for number in range(1, 6)))
    deliverer = place.deliverer(nobody)
    assert deliverer.deliver_once(NOW) == Pass(collected=5, failed=1)
    assert deliverer.deliver_once(NOW + SECOND) == Pass()
    assert deliverer.deliver_once(NOW + 2 * SECOND).failed == 1
    assert place.standing().states == {"failed": 1, "queued": 4}
    assert place.said[0].startswith(
        f"problem 1 to hotline@example.com: not sent yet: no connection to the mail server 127.0.0.1:{nobody.port}"
    )


def test_an_hour_without_mail_server_loses_and_doubles_nothing(place: Place, mail_server: MailServer) -> None:
    port, mail_server.port = mail_server.port, free_port()
    place.drop(*(note("problem", EVENT_ID=str(number)) for number in range(1, 21)))
    down = place.deliverer(mail_server)
    for second in range(0, 3600, 20):
        assert down.deliver_once(NOW + second * SECOND).sent == 0
    mail_server.port = port
    up = place.deliverer(mail_server)
    for second in range(3600, 3700, 20):
        up.deliver_once(NOW + second * SECOND)
    assert place.standing().states == {"sent": 20}
    assert len(mail_server.mails) == 20


def test_after_three_days_a_message_is_given_up_with_the_last_reason(place: Place, mail_server: MailServer) -> None:
    mail_server.data = lambda: "452 mailbox full"
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server, Policy(give_up_hours=72))
    assert deliverer.deliver_once(NOW).failed == 1
    assert deliverer.deliver_once(NOW + 72 * HOUR).failed == 1
    assert deliverer.deliver_once(NOW + 73 * HOUR).dead == 1
    assert place.rows("state, reason") == [("dead", "given up after 72 h: 452 mailbox full")]


def test_a_mail_server_without_starttls_is_not_used_in_clear(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server, security="starttls")
    assert deliverer.deliver_once(NOW).failed == 1
    assert mail_server.mails == []
    assert "STARTTLS" in place.said[0]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(certificate, key) for localhost, signed by itself."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "own.pem", folder / "own.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    new = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    subprocess.run([*new, "-keyout", str(key), "-out", str(certificate), *subject], check=True, capture_output=True)
    return certificate, key


# with TLS from the first byte the test server itself does not know that it is encrypted, and warns
@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_and_password_reach_the_mail_server(
    place: Place, certificate: tuple[Path, Path], security: str, tmp_path: Path
) -> None:
    server, logins = MailServer(), []
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)

    def authenticate(*details: object) -> AuthResult:
        login = details[-1]
        assert isinstance(login, LoginPassword)
        logins.append((login.login, login.password))
        return AuthResult(success=login.password == b"secret")

    server.port = free_port()
    controller = Controller(
        server,
        hostname="127.0.0.1",
        port=server.port,
        authenticator=authenticate,
        auth_required=True,
        auth_require_tls=security == "starttls",
        tls_context=context if security == "starttls" else None,
        ssl_context=context if security == "tls" else None,
    )
    controller.start()
    (tmp_path / "password").write_text("secret\n")
    place.drop(note("problem"))
    stranger = place.deliverer(server, security=security)
    friend = place.deliverer(
        server,
        security=security,
        ca_file=str(certificate[0]),
        user="tillwatch",
        password_file=str(tmp_path / "password"),
    )
    assert stranger.deliver_once(NOW).failed == 1
    assert friend.deliver_once(NOW + HOUR).sent == 1
    controller.stop()
    assert "certificate verify failed" in place.said[0]
    assert logins == [(b"tillwatch", b"secret")]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\xff\x00rubbish", "not the JSON of an alert script"),
        (b'{"format": 1, "channel": "email"}', "missing required field `recipient`"),
        (msgspec.json.encode(msgspec.structs.replace(note("problem"), format=2)), "format 2 is not known here"),
        (b" " * 2_000_000, "larger than 1048576 bytes"),
    ],
    ids=["rubbish", "half", "newer", "huge"],
)
def test_a_file_that_is_no_note_is_put_aside_with_its_reason(
    place: Place, mail_server: MailServer, content: bytes, why: str
) -> None:
    (place.spool / "bad.json").write_bytes(content)
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server)
    done = deliverer.deliver_once(NOW)
    assert (done.rejected, done.sent) == (1, 1)
    aside = place.spool / "rejected"
    assert (aside / "bad.json").read_bytes() == content
    assert why in (aside / "bad.json.why").read_text()
    assert place.standing().counters == {"rejected": 1}


def test_a_link_in_the_spool_is_not_followed(place: Place, mail_server: MailServer) -> None:
    (place.spool / "link.json").symlink_to("/etc/passwd")
    deliverer = place.deliverer(mail_server)
    assert deliverer.deliver_once(NOW).rejected == 1
    assert "symbolic link" in (place.spool / "rejected" / "link.json.why").read_text()


def test_a_missing_spool_is_said_and_what_is_due_is_sent_all_the_same(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"), note("recovery"))
    deliverer = place.deliverer(mail_server)
    deliverer.deliver_once(NOW)
    place.spool.rmdir()
    with pytest.raises(Temporary, match="the spool folder is missing"):
        deliverer.deliver_once(NOW + SECOND)
    assert len(mail_server.mails) == 2


@pytest.mark.parametrize(
    ("step", "received", "lost"),
    [
        ("read", 1, 0),
        ("committed", 1, 0),
        ("unlinked", 1, 0),
        ("accepted", 1, 0),
        ("sending", 1, 1),
        ("answered", 2, 1),
        ("settled", 1, 0),
    ],
)
def test_a_killed_deliverer_loses_nothing_and_doubles_only_what_was_not_answered(
    place: Place, mail_server: MailServer, step: str, received: int, lost: int
) -> None:
    place.drop(note("problem"))
    program: list[str | Path] = [
        sys.executable,
        Path(__file__).with_name("deliver_and_die.py"),
        place.spool,
        place.path,
    ]
    for last, result in ((step, -signal.SIGKILL), ("never", 0)):
        command = [*program, str(mail_server.port), last, str(NOW + HOUR if last == "never" else NOW)]
        assert subprocess.run(command, timeout=60, check=False).returncode == result
    assert list(place.spool.iterdir()) == []
    assert place.rows("state, lost") == [("sent", lost)]
    assert len(mail_server.mails) == received
    assert len({mail["Message-ID"] for mail in mail_server.mails}) == 1


def test_two_deliverers_cannot_be_at_work(tmp_path: Path) -> None:
    lock = tmp_path / "outbox.lock"
    with (
        alone(lock),
        pytest.raises(Temporary, match="another deliverer is at work"),
        alone(lock),
    ):
        pass
    with alone(lock):
        pass


def test_an_outbox_of_a_newer_version_is_refused(place: Place) -> None:
    with closing(sqlite3.connect(place.path)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(BadState, match="the outbox has schema 99, this program knows 1"):
        Outbox(place.path)


def test_a_damaged_outbox_is_explained(place: Place) -> None:
    place.path.write_bytes(b"this is no database, " * 100)
    with pytest.raises(BadState, match="the outbox is damaged"):
        Outbox(place.path)


def test_a_locked_outbox_is_said_and_everything_stays_in_the_spool(place: Place, mail_server: MailServer) -> None:
    place.drop(note("problem"))
    deliverer = place.deliverer(mail_server)
    deliverer._outbox._db.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(place.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Temporary, match="the outbox cannot be used: database is locked"):
            deliverer.deliver_once(NOW)
    assert len(list(place.spool.iterdir())) == 1
    assert deliverer.deliver_once(NOW).sent == 1


def test_the_loop_says_what_is_wrong_goes_on_and_ends_when_told(place: Place, mail_server: MailServer) -> None:
    place.spool.rmdir()
    pauses: list[float] = []

    def wait(seconds: float) -> bool:
        pauses.append(seconds)
        if len(pauses) == 2:
            place.spool.mkdir()
            place.drop(note("problem"))
        return len(pauses) == 4

    deliver(place.deliverer(mail_server), clock=lambda: NOW, wait=wait, say=place.said.append)
    assert pauses == [5.0, 5.0, 0, 1.0]
    assert len(mail_server.mails) == 1
    assert place.said[0].endswith(
        "the spool folder is missing (make it, group writable for the user that Zabbix runs as)"
    )
