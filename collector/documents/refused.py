"""A document that was refused → the same line as plain text, under the same id.

`{"log": {"message": "<line>"}, …, "delivery_error": "<type>"}`: docs/specification.md, section 6.
"""

import orjson
from msgspec.structs import replace

from collector.documents.json_text import log_of
from collector.errors import UNREADABLE
from collector.model import SEAM, TEXT_MARK, Rejected, Segment, is_text

_HEAD = b'{"log":'


def as_text(rejected: Rejected) -> Segment:
    """The refused document with its line as plain text."""
    one = rejected.segment.part([rejected.index])
    document = one.documents[0]
    seam = document.rindex(SEAM)
    line = document[len(_HEAD) : seam].decode()
    if line.startswith('{"message":'):  # it was text before: it stays the text that it was
        line = str(_message(line))
    body = b'{"log":{"message":' + orjson.dumps(line) + b"}" + document[seam:-1]
    text = body + b',"delivery_error":' + orjson.dumps(rejected.type) + b"}"
    return replace(one, documents=[text], size=len(text))


def is_document(document: bytes) -> bool:
    """Whether it is of the form that `as_text` and `as_original` take."""
    return document.startswith(_HEAD) and document.find(SEAM) > 0 and document.endswith(b"}")


def as_original(document: bytes) -> bytes:
    """The document as it was before `as_text`; any other as it stands."""
    if not is_text(document):
        return document
    seam = document.rindex(SEAM)
    try:
        log = log_of(orjson.loads(document[len(_HEAD) : seam])["message"])
    except (*UNREADABLE, KeyError, TypeError, AttributeError):  # somebody else's hand
        return document
    return _HEAD + log.encode() + document[seam : document.rindex(TEXT_MARK)] + b"}"


def _message(log_json: str) -> str:
    """The text of a `log` that holds a message and nothing else; any other `log` as it stands."""
    try:
        found = orjson.loads(log_json)
    except UNREADABLE:
        return log_json
    only = found.get("message")
    # Written by the transform, it reads the same again; an application's own JSON may hold the key twice, or an object
    # as its message, which would be taken for the line when the document is made anew.
    return only if isinstance(only, str) and log_of(only) == log_json else log_json
