"""A document that was refused → the same line as plain text, under the same id.

`{"log": {"message": "<line>"}, …, "delivery_error": "<type>"}`: DESIGN §3 of the project, "Refused documents".
"""

import orjson
from msgspec.structs import replace

from collector.model import Rejected, Segment

_SEAM = b',"stream":"'  # the trusted members hold no bare quote, so the last seam is the one behind `log`
_MARK = b',"delivery_error":"'


def as_text(rejected: Rejected) -> Segment:
    """The refused document with its line as plain text."""
    one = rejected.segment.part([rejected.index])
    document = one.documents[0]
    seam = document.rindex(_SEAM)
    line = document[len(b'{"log":') : seam].decode()
    if line.startswith('{"message":'):  # it was text before: it stays the text that it was
        line = str(_message(line))
    body = b'{"log":{"message":' + orjson.dumps(line) + b"}" + document[seam:-1]
    text = body + b',"delivery_error":' + orjson.dumps(rejected.type) + b"}"
    return replace(one, documents=[text], size=len(text))


def is_text(document: bytes) -> bool:
    """Whether it was turned to text before: refused again, it can only be a dead letter."""
    return _MARK in document[document.rfind(_SEAM) :]


def _message(log_json: str) -> str:
    """The text of a `log` that holds a message and nothing else; any other `log` as it stands."""
    try:
        found = orjson.loads(log_json)
    except orjson.JSONDecodeError:
        return log_json
    only = found.get("message")
    # Written by the transform, it reads the same again; an application's own JSON may hold the key twice.
    return only if isinstance(only, str) and orjson.dumps({"message": only}).decode() == log_json else log_json
