"""A document that was refused → the same line as plain text, under the same id, and back.

`{"log": {"message": "<line>"}, …, "delivery_error": "<type>"}`: docs/specification.md, section 6.
"""

import orjson
from msgspec.structs import replace

from collector.documents.document import HEAD, TEXT_MARK, is_text, split
from collector.documents.json_text import log_of, message
from collector.errors import UNREADABLE
from collector.model import Rejected, Segment


def as_text(rejected: Rejected) -> Segment:
    """The refused document with its line as plain text."""
    one = rejected.segment.part([rejected.index])
    log, rest = split(one.documents[0])
    line = log.decode()
    if line.startswith('{"message":'):  # it was text before: it stays the text that it was
        line = _only_message(line)
    text = b"%b%b%b%b%b}" % (HEAD, message(line).encode(), rest, TEXT_MARK[:-1], orjson.dumps(rejected.type))
    return replace(one, documents=[text], size=len(text))


def as_original(document: bytes) -> bytes:
    """The document as it was before `as_text`; any other as it stands."""
    if not is_text(document):
        return document
    try:
        log, rest = split(document)
        line = log_of(orjson.loads(log)["message"])
    except (*UNREADABLE, KeyError, TypeError, AttributeError):  # somebody else's hand
        return document
    return b"%b%b%b}" % (HEAD, line.encode(), rest[: rest.rindex(TEXT_MARK)])


def _only_message(log: str) -> str:
    """The text of a `log` that holds a message and nothing else; any other `log` as it stands."""
    try:
        found = orjson.loads(log)
    except UNREADABLE:
        return log
    only = found.get("message")
    # Written by the transform, it reads the same again; an application's own JSON may hold the key twice, or an object
    # as its message, which would be taken for the line when the document is made anew.
    return only if isinstance(only, str) and log_of(only) == log else log
