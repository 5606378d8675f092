"""Documents that are there already → the same without their secrets: what another agent made, and did not redact.

A line is looked at as its application wrote it, as far as its document tells that. What has no secret stays as it is,
to the byte.
"""

from collections.abc import Sequence

import orjson

from collector.documents.document import HEAD, line, split
from collector.documents.formatted import WITHHELD, Redacts
from collector.documents.json_text import log_of, message
from collector.errors import UNREADABLE
from collector.text.bounds import bounded

_ATTRS = b',"docker_attrs":['


def redacted(documents: Sequence[bytes], redact: Redacts) -> list[bytes]:
    """The documents, each without what `redact` finds in its line and in what log-opts added to that."""
    lines = list(map(line, documents))
    suspects = redact.suspects(lines)
    return [
        _redacted(each, text, redact) if number in suspects or _ATTRS in each else each
        for number, (each, text) in enumerate(zip(documents, lines, strict=True))
    ]


def _redacted(document: bytes, text: str, redact: Redacts) -> bytes:
    log, rest = split(document)
    return b"%b%b%b}" % (HEAD, _log(log, text, redact), _rest(rest, redact) if _ATTRS in rest else rest)


def _log(log: bytes, text: str, redact: Redacts) -> bytes:
    is_text = text != log.decode(errors="replace")
    seen = redact.broken(text) if is_text else redact.text(text)  # nobody can tell by now whether its envelope was
    if seen == text:
        return log
    if seen is None:
        return message(WITHHELD).encode()
    return (message(seen) if is_text else log_of(seen)).encode()


def _rest(rest: bytes, redact: Redacts) -> bytes:
    """The members around a line, with the values of what log-opts added as they may be seen."""
    try:
        members = orjson.loads(b"{%b}" % rest[1:])
    except UNREADABLE:
        return rest
    pairs = [str(entry).partition("=") for entry in members["docker_attrs"]]
    members["docker_attrs"] = [bounded(f"{key}{sign}{redact.member(key, value)}") for key, sign, value in pairs]
    return b",%b" % orjson.dumps(members)[1:-1]
