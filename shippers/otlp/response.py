"""What a server answers → how many records it rejects, and its words.

The body of every good status is read: one that is no ExportLogsServiceResponse says nothing. Some servers answer a
request in protobuf in JSON, so that is read too.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.net.http_client import one_line, words_of
from collector.net.http_node import Answer

from .wire import fields_of


class Outcome(NamedTuple):
    """How many records are rejected, nobody says which, and why; words without a number are a warning."""

    rejected: int = 0
    words: str = ""


class _Partial(Struct, rename="camel"):
    rejected_log_records: int | str = 0
    error_message: str = ""


class _Response(Struct, rename="camel"):
    partial_success: _Partial | None = None


def outcome_of(body: bytes) -> Outcome | None:
    """What a body says; None if it is no response."""
    try:
        found = _of_json(body) if body.lstrip().startswith(b"{") else _of_protobuf(body)
    except UNREADABLE:
        return None
    return found if found.rejected >= 0 else None


def status_words(answer: Answer) -> str:
    """The words of a refusal: those of a google.rpc.Status, or what else is there."""
    try:
        message = dict(fields_of(answer.body)).get(2)
        if isinstance(message, bytes) and message:
            return one_line(message.decode())
    except UNREADABLE:
        pass
    return words_of(answer)


def _of_protobuf(body: bytes) -> Outcome:
    rejected, words = 0, ""
    for number, value in fields_of(body):
        if number != 1:
            continue
        if not isinstance(value, bytes):
            raise ValueError("no response")
        for inner, each in fields_of(value):
            if inner == 1 and isinstance(each, int):
                rejected = each - (1 << 64 if each >> 63 else 0)
            elif inner == 2 and isinstance(each, bytes):
                words = each.decode()
            else:
                raise ValueError("no response")
    return Outcome(rejected, one_line(words) if words else "")


def _of_json(body: bytes) -> Outcome:
    partial = msgspec.json.decode(body, type=_Response).partial_success
    if partial is None:
        if msgspec.json.decode(body, type=dict):
            raise ValueError("no response")
        return Outcome()
    return Outcome(int(partial.rejected_log_records), one_line(partial.error_message) if partial.error_message else "")
