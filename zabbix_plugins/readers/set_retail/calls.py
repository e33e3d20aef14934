"""Loyalty calls in Set Retail 10's log: Loymax requests and answers over many lines, and calls that failed."""

from __future__ import annotations

import re

from zabbix_plugins.model.event import LoyaltyRequest, LoyaltyResponse
from zabbix_plugins.readers.set_retail.loymax import (
    Operation,
    failure_code,
    read_request,
    read_response,
    spoken_code,
    text_of,
)
from zabbix_plugins.readers.set_retail.state import MAX_LINES_BYTES, OTHER, WAIT, OpenCall, Records

HEADER = re.compile(rb"[0-9]{2}\.[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}[ .,]")
"""How a record begins."""

LONGEST_HEADER = 160
"""Bytes up to and with "] " behind the logger."""

_NEXT = re.compile(rb"\n(?=" + HEADER.pattern + rb"[^\n]{0,%d}?\] )" % (LONGEST_HEADER - 17))
_NOT_CODE = re.compile(r"[^A-Z0-9._-]")
_NEAR = 1 << 14
"""Most calls are shorter than this; one that is not is searched for a second time."""


def call(records: Records, begin: int, end: int, time: int, at: int) -> int:
    """`Loymax request:` or `Loymax response:` and an XML document up to its closing tag."""
    data, stop = records.data, records.stop
    if data.startswith(b"Loymax request:", begin):
        body, closing, take = begin + 15, b"</XMLRequest>", _requests
    elif data.startswith(b"Loymax response:", begin):
        body, closing, take = begin + 16, b"</XMLResponse>", _responses
    else:
        return OTHER
    first = data[body:end].strip()
    if first and not first.startswith(b"<"):
        records.unknown += 1
        return end + 1
    limit = min(stop, at + MAX_LINES_BYTES)
    close = data.find(closing, body, min(limit, at + _NEAR))
    if close < 0 and limit > at + _NEAR:
        close = data.find(closing, body, limit)
    if close < 0 or data.find(b"] ", end, close) >= 0:
        # another record begins before this one's closing tag, or the rest has not been written yet
        following = _NEXT.search(data, end, close if close >= 0 else limit)
        if following is not None:
            records.reject("truncated", at, f"a call without {closing.decode()}")
            return following.end()
        if close < 0:
            return _unfinished(records, at, limit, f"a call without {closing.decode()}")
    text = data[body:close]
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        records.reject("doctype", at, "a call with a document type; such XML is refused")
    else:
        if not text.isascii():
            records.text(text)
        take(records, text, time, at)
    return (data.find(b"\n", close, stop) + 1) or stop


def _unfinished(records: Records, at: int, limit: int, detail: str) -> int:
    """A record that goes on at the end of the chunk: wait for more, unless no more comes or it is too long."""
    if len(records.data) - at >= MAX_LINES_BYTES:
        records.reject("overlong", at, f"a record of {MAX_LINES_BYTES} bytes or more; skipped")
        return (records.data.find(b"\n", limit, records.stop) + 1) or records.stop
    if records.ended:
        records.reject("truncated", at, detail)
        return records.stop
    return WAIT


def _requests(records: Records, body: bytes, time: int, at: int) -> None:
    calls = read_request(body)
    records.unknown += not calls
    for found in calls:
        if found.card:
            records.add_card(time, at, found.card, "loyalty", found.phone)
        records.add_call(OpenCall(found.operation, found.operation_id, time))
        records.events.append(
            LoyaltyRequest(**records.place(time, at), operation=found.operation, operation_id=found.operation_id)
        )


def _responses(records: Records, body: bytes, time: int, at: int) -> None:
    answers = read_response(body)
    records.unknown += not answers
    for answer in answers:
        request = records.take_call(answer.operation_id)
        _respond(records, request, answer.operation, answer.operation_id, answer.code, answer.message, time, at)


def _respond(
    records: Records,
    request: OpenCall | None,
    operation: Operation | None,
    operation_id: str,
    code: str,
    text: str,
    time: int,
    at: int,
) -> None:
    latency = time - request.time if request is not None else -1
    records.events.append(
        LoyaltyResponse(
            **records.place(time, at),
            operation=operation or (request.operation if request is not None else "other"),
            operation_id=operation_id or (request.operation_id if request is not None else ""),
            code=code,
            latency_ms=max(latency, -1),
            message=records.masked(text),
        )
    )


def error(records: Records, begin: int, end: int, time: int, at: int, logger: str) -> int:
    """A record of level ERROR or FATAL.

    One of the loyalty modules is the answer to the last call if it, or a line of the stack trace behind it, names a
    cause; the record is waited for until then. All others are errors of the POS, named by their logger.
    """
    data, stop = records.data, records.stop
    line = data[begin:end]
    following = end + 1
    if "LOY" in logger:
        code = failure_code(line) or spoken_code(text_of(line))
        while not code:
            if following >= stop:
                if not records.ended and len(data) - at < MAX_LINES_BYTES:
                    return WAIT
                break
            if HEADER.match(data, following):
                break
            line_end = data.find(b"\n", following, stop)
            line_end = line_end if line_end >= 0 else stop
            code = failure_code(data[following:line_end])
            following = line_end + 1
        request = records.take_call("") if code else None
        if request is not None:
            _respond(records, request, None, "", code, records.text(line), time, at)
            return following
    else:
        code = ""
    records.add_error(time, at, code or f"SET.{_NOT_CODE.sub('_', logger)}"[:64], records.text(line))
    return following
