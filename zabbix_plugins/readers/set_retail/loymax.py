"""Loymax calls as a POS writes them into its log: XML of the POS protocol 3.2, and the failures seen instead.

What is needed are four attributes, so they are searched for and nothing is built: no parser, no entities, no
network. A document type is refused by the caller. Only operation, id, error code, message and identifier are
looked at; holder names and balances are never touched. The numbers of ErrorCode are not public: 0 is success,
any other becomes `LOYMAX.<number>`, which a user's dictionary may map by an alias, unless the message says it in
words that are known.
"""

from __future__ import annotations

import html
import re
from typing import Literal, NamedTuple

from zabbix_plugins.model.receipt import OK

Operation = Literal["balance", "calculate", "confirm", "cancel", "refund", "other"]

_OPERATIONS: dict[bytes, Operation] = {
    b"Balance": "balance",
    b"Calculate": "calculate",
    b"Confirm": "confirm",
    b"ConfirmPurchase": "confirm",
    b"PurchaseConfirm": "confirm",
    b"Cancel": "cancel",
    b"Rollback": "cancel",
    b"Refund": "refund",
    b"Return": "refund",
}

_HTTP = re.compile(rb"(?:response code|HTTP(?:/[0-9.]+)?|[Ss]tatus(?: code)?)[ :=]{1,3}([1-5][0-9]{2})\b")
_HTTP_CODES = {b"401": "LOY.AUTH_401", b"403": "LOY.AUTH_403", b"408": "LOY.TIMEOUT", b"504": "LOY.TIMEOUT"} | {
    b"429": "LOY.BUSY"
}
_NO_ANSWER = (
    b"SocketTimeoutException",
    b"timed out",
    b"ConnectException",
    b"Connection refused",
    b"Connection reset",
    b"NoRouteToHost",
    b"UnknownHost",
    b"SSLHandshake",
    b"SSLException",
)
"""Words of Java's exceptions when no answer came; the dictionary's code for all of them is LOY.TIMEOUT."""

_SPOKEN: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"(карт|card).*(не найден|not found)|(не найден|not found).*(карт|card)", "LOY.CARD_NOT_FOUND"),
        (r"(карт|card).*(заблокирован|blocked)", "LOY.CARD_BLOCKED"),
        (r"(карт|card).*(не активирован|not activated)", "LOY.CARD_NOT_ACTIVATED"),
        (r"недостаточно (бонус|балл|средств)|insufficient|not enough (bonus|points)", "LOY.INSUFFICIENT_BONUS"),
        (r"(купон|coupon).*(не найден|not found)", "LOY.COUPON_NOT_FOUND"),
        (r"(купон|coupon).*(просрочен|ист[её]к|expired)", "LOY.COUPON_EXPIRED"),
        (r"(касса|pos|терминал|terminal).*(не зарегистрирован|not registered)", "LOY.POS_NOT_REGISTERED"),
        (r"(товар|штрихкод|goods|article).*(не найден|not found)", "POS.ARTICLE_NOT_FOUND"),
    )
)
_NUMBERED = re.compile(r"[A-Za-z0-9._-]{1,32}")


class Call(NamedTuple):
    """One operation of a request. `card` is what stands in its identifier, in clear; `phone`: it is a phone."""

    operation: Operation
    operation_id: str
    card: str
    phone: bool


class Answer(NamedTuple):
    """One operation of a response. `operation` is None where the envelope alone was there; `message` in clear."""

    operation: Operation | None
    operation_id: str
    code: str
    message: str


def text_of(raw: bytes) -> str:
    """Text of a POS: UTF-8, else cp1251."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1251", "replace")


def spoken_code(message: str) -> str:
    """The dictionary's code for an error told in words, empty if the words are not known."""
    return next((code for pattern, code in _SPOKEN if pattern.search(message)), "")


def failure_code(line: bytes) -> str:
    """The dictionary's code for a failed call, from one line of its error record; empty if the line does not say."""
    for words in _NO_ANSWER:
        if words in line:
            return "LOY.TIMEOUT"
    found = _HTTP.search(line)
    if found is None:
        return ""
    return _HTTP_CODES.get(found[1]) or ("LOY.5XX" if found[1] >= b"500" else f"LOYMAX.HTTP{found[1].decode()}")


def _attribute(tag: bytes, name: bytes) -> str:
    at = tag.find(b" " + name + b'="')
    if at < 0:
        return ""
    at += len(name) + 3
    return text_of(tag[at : tag.find(b'"', at)])[:200]


def _element(body: bytes, name: bytes) -> str:
    at = body.find(b"<" + name + b">")
    if at < 0:
        return ""
    at += len(name) + 2
    end = body.find(b"<", at, at + 4096)
    return text_of(body[at:end]).strip() if end >= 0 else ""


def _operations(body: bytes, kind: bytes) -> list[tuple[Operation, bytes, bytes]]:
    """(operation, its tag, all up to the next operation) of every `<…Request …>` or `<…Response …>`."""
    found = []
    mark = kind + b" "
    at = body.find(mark)
    while at >= 0:
        begin = body.rfind(b"<", 0, at) + 1
        name = body[begin:at]
        following = body.find(mark, at + len(mark))
        if name.isalpha() and name != b"XML":
            tag = body[at : body.find(b">", at)].replace(b"\n", b" ").replace(b"\t", b" ")
            rest = body[at : following if following >= 0 else len(body)]
            found.append((_OPERATIONS.get(name, "other"), tag, rest))
        at = following
    return found


def read_request(body: bytes) -> list[Call]:
    """The operations of an `<XMLRequest>`; empty if there are none that could be understood."""
    calls = []
    for operation, tag, rest in _operations(body, b"Request"):
        card = ""
        phone = False
        at = rest.find(b"<Identifier ")
        if at >= 0:
            identifier = rest[at : rest.find(b">", at)]
            card = html.unescape(_attribute(identifier, b"Value"))
            phone = "phone" in _attribute(identifier, b"Type").lower()
        calls.append(Call(operation, _attribute(tag, b"OperationID"), card, phone))
    return calls


def read_response(body: bytes) -> list[Answer]:
    """The operations of an `<XMLResponse>`; one without operation when the envelope alone carries an error code.

    There are two levels of ErrorCode: one that is not 0 in the envelope holds for all operations in it.
    """
    operations = _operations(body, b"Response")
    head = body[: body.find(operations[0][1])] if operations else body
    envelope = _element(head, b"ErrorCode") or _attribute(head, b"ErrorCode")
    if not operations:
        message = _element(head, b"ErrorMessage") or _element(head, b"Message")
        return [_answer(None, "", envelope, message)] if envelope else []
    answers = []
    for operation, tag, rest in operations:
        own = _attribute(tag, b"ErrorCode") or _element(rest, b"ErrorCode")
        words = (_attribute(tag, name) or _element(rest, name) for name in (b"ErrorMessage", b"Message"))
        message = next(filter(None, words), "") or _element(head, b"ErrorMessage") or _element(head, b"Message")
        number = envelope if envelope not in ("", "0") else own or envelope
        answers.append(_answer(operation, _attribute(tag, b"OperationID"), number, message))
    return answers


def _answer(operation: Operation | None, operation_id: str, number: str, message: str) -> Answer:
    if number == "0":
        return Answer(operation, operation_id, OK, "")
    message = html.unescape(message)
    if not _NUMBERED.fullmatch(number):
        number = "NONE"  # it says neither success nor failure
    return Answer(operation, operation_id, spoken_code(message) or f"LOYMAX.{number.upper()}", message)
