"""Documents that are there already → the same without their secrets: they were made before anybody took these out.

A line is looked at as its application wrote it, as far as its document tells that. What has no secret stays as it is,
to the byte.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

import orjson

from collector.documents.document import HEAD, NOT_FIELDS, is_document, line, split
from collector.documents.formatted import WITHHELD, Redacts
from collector.documents.json_text import log_of, message
from collector.errors import UNREADABLE
from collector.text.bounds import bounded

_ATTRIBUTES = "docker_attrs"
_TIME = b'"@timestamp":"'
_SEAM = b',"stream":"'
_OURS = NOT_FIELDS - {_ATTRIBUTES} | {"severity_number", "line", "sampled", "repeated"}
Member = Callable[[str, str], str]


def redacted(
    documents: Sequence[bytes], redact: Redacts, *, keeps: Container[str], member: Member | None = None
) -> list[bytes]:
    """The documents, each without what `redact` finds in its line and in the members beside that.

    These are the fields of its stream, what log-opts added, and what a format lifted out of the line. `keeps` are the
    names of those that stay as they are. `member` gives the value of what has a name as it may be seen, as
    `redact.member`.
    """
    lines = list(map(line, documents))
    suspects = redact.suspects(lines)
    around = _Around(member or redact.member, keeps)
    return [
        around.seen(_without(each, text, redact) if number in suspects else each)
        for number, (each, text) in enumerate(zip(documents, lines, strict=True))
    ]


def _without(document: bytes, text: str, redact: Redacts) -> bytes:
    if not is_document(document):
        return _log(document, text, redact)
    log, rest = split(document)
    return b"%b%b%b}" % (HEAD, _log(log, text, redact), rest)


def _log(log: bytes, text: str, redact: Redacts) -> bytes:
    is_text = text != log.decode(errors="replace")
    seen = redact.broken(text) if is_text else redact.text(text)  # nobody can tell by now whether its envelope was
    if seen == text:
        return log
    if seen is None:
        return message(WITHHELD).encode()
    return (message(seen) if is_text else log_of(seen)).encode()


class _Around:
    """The members around lines, as they may be seen: mostly the same from line to line, so each is looked at once."""

    def __init__(self, member: Member, keeps: Container[str]) -> None:
        self._member = member
        self._keeps = keeps
        self._known: dict[bytes, bytes] = {}  # by what stands behind the time

    def seen(self, document: bytes) -> bytes:
        """The document with them; itself if nothing is found in them, or if it is none."""
        start = document.find(_TIME, document.rfind(_SEAM))
        end = document.find(b'"', start + len(_TIME)) + 1
        behind = document[end:]
        if start < 0 or not behind.startswith(b","):
            return document
        if (made := self._known.get(behind)) is None:
            made = self._known[behind] = self._members(behind)
        return document if made == behind else document[:end] + made

    def _members(self, behind: bytes) -> bytes:
        try:
            members: dict[str, Any] = orjson.loads(b"{%b" % behind[1:])
        except UNREADABLE:
            return behind
        made = {name: self._value(name, value) for name, value in members.items()}
        return behind if made == members else b",%b" % orjson.dumps(made)[1:]

    def _value(self, name: str, value: Any) -> Any:
        if name == _ATTRIBUTES and isinstance(value, list):
            return [self._attribute(str(each)) for each in value]
        if name in self._keeps or name in _OURS or isinstance(value, bool) or not isinstance(value, str | int | float):
            return value
        text = str(value)
        made = bounded(self._member(name, text))
        return value if made == text else made

    def _attribute(self, entry: str) -> str:
        name, sign, value = entry.partition("=")
        return bounded(f"{name}={self._member(name, value)}") if sign else entry
