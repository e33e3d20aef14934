"""The deliverer: takes alerts out of the spool into the outbox, and sends what is due (design, decision 11).

Killed at any instant it loses nothing: a spool file is removed after its commit, and a message is marked as being
sent before its first byte. Sent twice is only what the mail server took without our hearing its answer; such
messages keep their Message-ID, so that mail systems that look at it show them once, and they are counted.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import msgspec

from alert_scripts.alert import Alert
from alert_scripts.message import Note, read_message
from alert_scripts.outbox import Message, NewMessage, Outbox, State
from alert_scripts.render import Renderer, message_id
from alert_scripts.smtp import MailSettings, Outcome, Relay, trouble_with_address
from alert_scripts.spool import NotANote, read_note, reject, remove_left_overs, waiting
from alert_scripts.view import subject_of
from zabbix_plugins.errors import Temporary

CHANNEL = "email"
_BATCH = 200
_PAUSE_SECONDS = 1.0
_TROUBLE_SECONDS = 5.0


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """When to try again. A message waits `first`, then twice as long each time, at most `longest`; after `give_up`
    (hours since it was queued) it is dead. A mail server that cannot be used is asked again after at most
    `server_longest`. What may have arrived is sent again as well: twice is better than never.
    """

    first_seconds: int = 15
    longest_seconds: int = 900
    server_longest_seconds: int = 60
    give_up_hours: int = 72


class Pass(msgspec.Struct, kw_only=True):
    """What one pass did, in messages; `collected` and `rejected` in spool files. `more`: there is more to do now."""

    collected: int = 0
    rejected: int = 0
    repeated: int = 0
    sent: int = 0
    failed: int = 0
    lost: int = 0
    dead: int = 0
    more: bool = False


class Checkpoint(Protocol):
    """Called with the name of a step just reached; tests end the process there."""

    def __call__(self, step: str) -> None: ...


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, which a second deliverer would also need. Raises `Temporary` if it is held."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Temporary(
            f"the lock file cannot be opened: {error.strerror}", where=str(path), remedy="check the data folder"
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Temporary(
                "another deliverer is at work", where=str(path), remedy="one is enough; end the other one first"
            ) from error
        yield
    finally:
        os.close(descriptor)


class Deliverer:
    """Owns spool and outbox while it lives; to be used inside `alone`. `say` gets one line per message settled."""

    def __init__(
        self,
        *,
        spool: Path,
        outbox: Outbox,
        settings: MailSettings,
        folder: Path = Path(),
        policy: Policy | None = None,
        say: Callable[[str], None] = lambda line: None,
        at: Checkpoint = lambda step: None,
    ) -> None:
        self._spool = spool
        self._outbox = outbox
        self._settings = settings
        self._policy = policy or Policy()
        self._renderer = Renderer(settings)
        self._relay = Relay(settings, folder)
        self._say = say
        self._at = at
        self._server_failures = 0
        self._server_not_before = 0

    def deliver_once(self, now: int) -> Pass:
        """One pass at `now` (milliseconds UTC): collect, then send what is due.

        Raises `Temporary` (spool or outbox cannot be used now; nothing is lost) and `BadConfiguration`.
        """
        done = Pass(lost=self._outbox.abandoned(now))
        trouble = self._collect(done, now)
        if now >= self._server_not_before:
            try:
                self._send(done, now)
            finally:
                self._relay.close()  # an idle connection would be closed by the server, and its next answer be 421
        if trouble is not None:
            raise trouble
        return done

    def _collect(self, done: Pass, now: int) -> Temporary | None:
        """Returns what stands in the way of some files; the others are taken, and what is due is sent."""
        try:
            paths = waiting(self._spool, _BATCH)
        except Temporary as error:
            return error
        remove_left_overs(self._spool, now)
        done.more = len(paths) == _BATCH
        trouble = None
        taken: list[Path] = []
        messages: list[NewMessage] = []
        for path in paths:
            try:
                note, raw = read_note(path)
            except NotANote as error:
                reject(path, str(error))
                self._outbox.count("rejected")
                done.rejected += 1
                self._say(f"{path.name} was put aside: {error}")
            except Temporary as error:
                trouble = error
            else:
                taken.append(path)
                messages += self._messages(note, raw)
        self._at("read")
        new = self._outbox.add(messages, now) if messages else 0
        self._at("committed")
        for path in taken:
            path.unlink(missing_ok=True)
            self._at("unlinked")
        done.collected = len(taken)
        done.repeated = len(messages) - new
        return trouble

    def _messages(self, note: Note, raw: bytes) -> list[NewMessage]:
        alert = read_message(note)
        recipients: Sequence[str] = (note.recipient,)
        if note.channel == CHANNEL:
            recipients = self._settings.recipients.get(note.recipient, recipients)
        return [self._message(note, raw, alert, recipient) for recipient in recipients]

    def _message(self, note: Note, raw: bytes, alert: Alert, recipient: str) -> NewMessage:
        identity = alert.identity(recipient)
        trouble = trouble_with_address(recipient) if note.channel == CHANNEL else ""
        return NewMessage(
            identity=identity,
            message_id=message_id(identity.digest(), self._settings.sender),
            subject=subject_of(alert, self._settings.brand),
            started=alert.started or note.written,
            written=note.written,
            note=raw,
            dead=f"{trouble}; correct 'Send to' of the Zabbix media, or list it in mail.recipients" if trouble else "",
        )

    def _send(self, done: Pass, now: int) -> None:
        for message in self._outbox.due(CHANNEL, now, _BATCH):
            outcome = self._send_one(message, now)
            self._at("answered")
            self._server_failures = self._server_failures + 1 if outcome.down else 0
            self._settle(message, outcome, done, now)
            self._at("settled")
            if outcome.down:
                self._server_not_before = now + self._server_delay()
                return
        # what waited behind a message of its own thread may be due now
        done.more = done.more or done.sent + done.dead > 0

    def _send_one(self, message: Message, now: int) -> Outcome:
        alert = read_message(msgspec.json.decode(message.note, type=Note))
        try:
            mail = self._renderer.mail(
                alert,
                recipient=message.identity.recipient,
                subject=message.subject,
                message_id=message.message_id,
                anchor=message.anchor,
                now=now,
            )
        except Exception as error:
            # a defect of ours, or content that nobody thought of: it must not hold up all other messages
            return Outcome("permanent", f"the mail could not be written: {type(error).__name__}: {error}")

        def before_data() -> None:
            self._at("accepted")
            self._outbox.sending(message.id, now)
            self._at("sending")

        return self._relay.send(mail, message.identity.recipient, before_data)

    def _settle(self, message: Message, outcome: Outcome, done: Pass, now: int) -> None:
        name = f"{message.identity.kind} {message.identity.event} to {message.identity.recipient}"
        late = now - message.queued > self._policy.give_up_hours * 3_600_000
        state: State
        if outcome.result == "sent":
            state, words = "sent", "sent"
            done.sent += 1
        elif outcome.result == "permanent" or late:
            state, words = "dead", "will never be sent"
            done.dead += 1
        elif outcome.result == "lost":
            state, words = "unknown", "perhaps sent, will be sent again"
        else:
            state, words = "failed", "not sent yet"
            done.failed += 1
        lost = outcome.result == "lost"
        done.lost += lost
        given_up = f"given up after {self._policy.give_up_hours} h: " if late and state == "dead" else ""
        reason = given_up + outcome.reason
        wait = self._server_delay() if outcome.down else self._delay(message.attempts)
        self._outbox.settle(message.id, state, reason, lost=lost, next_try=now + wait, now=now)
        self._say(f"{name}: {words}: {reason}")

    def _delay(self, attempts: int) -> int:
        return min(self._policy.longest_seconds, self._policy.first_seconds << min(attempts, 20)) * 1000

    def _server_delay(self) -> int:
        return min(self._policy.server_longest_seconds, 1 << min(self._server_failures, 10)) * 1000


def deliver(
    deliverer: Deliverer,
    *,
    clock: Callable[[], int],
    wait: Callable[[float], bool],
    say: Callable[[str], None],
) -> None:
    """Deliver until `wait(seconds)` says that it is time to end (`threading.Event.wait` fits). `clock`: ms UTC."""
    while True:
        pause = _PAUSE_SECONDS
        try:
            if deliverer.deliver_once(clock()).more:
                pause = 0
        except Temporary as error:
            say(str(error))
            pause = _TROUBLE_SECONDS
        if wait(pause):
            return
