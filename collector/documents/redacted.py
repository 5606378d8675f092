"""Documents that are there already → the same without their secrets: they were made before anybody took these out.

A line is looked at as its application wrote it, as far as its document tells that. What has no secret stays as it is,
to the byte.
"""

from collections.abc import Callable, Container, Sequence
from typing import Any

import orjson

from collector.documents.document import HEAD, OF_LINES, is_document, line, split
from collector.documents.formatted import WITHHELD, Redacts
from collector.documents.json_text import log_of, message
from collector.errors import UNREADABLE
from collector.text.bounds import bounded

_ATTRIBUTES = "docker_attrs"
_ATTRS = b',"docker_attrs":['
_TIME = b'"@timestamp":"'
_OURS = frozenset({"stream", "@timestamp", "delivery_error", *OF_LINES})
Member = Callable[[str, str], str]


def redacted(
    documents: Sequence[bytes], redact: Redacts, *, member: Member | None = None, keeps: Container[str] | None = None
) -> list[bytes]:
    """The documents, each without what `redact` finds in its line and in what log-opts added to that.

    `member` gives the value of what has a name as it may be seen, as `redact.member`. `keeps` are the names of fields
    that stay as they are; None: nothing is to be found in any field.
    """
    lines = list(map(line, documents))
    suspects = redact.suspects(lines)
    around = _Around(member or redact.member, keeps)
    has_fields = keeps is not None
    return [
        _redacted(each, text, redact, around) if has_fields or number in suspects or _ATTRS in each else each
        for number, (each, text) in enumerate(zip(documents, lines, strict=True))
    ]


def _redacted(document: bytes, text: str, redact: Redacts, around: "_Around") -> bytes:
    if not is_document(document):
        return _log(document, text, redact)
    log, rest = split(document)
    return b"%b%b%b}" % (HEAD, _log(log, text, redact), around.seen(rest))


def _log(log: bytes, text: str, redact: Redacts) -> bytes:
    is_text = text != log.decode(errors="replace")
    seen = redact.broken(text) if is_text else redact.text(text)  # nobody can tell by now whether its envelope was
    if seen == text:
        return log
    if seen is None:
        return message(WITHHELD).encode()
    return (message(seen) if is_text else log_of(seen)).encode()


class _Around:
    """The members around lines, as they may be seen: they are the same from line to line, so each is looked at once."""

    def __init__(self, member: Member, keeps: Container[str] | None) -> None:
        self._member = member
        self._keeps = keeps
        self._known: dict[bytes, bytes] = {}

    def seen(self, rest: bytes) -> bytes:
        """What stands behind `log`, from the comma on."""
        start = rest.find(_TIME)
        end = rest.find(b'"', start + len(_TIME)) + 1 if start >= 0 else 0
        behind = rest[end:]
        if behind not in self._known:
            self._known[behind] = self._members(behind) if behind else b""
        return rest[:end] + self._known[behind]

    def _members(self, behind: bytes) -> bytes:
        try:
            members: dict[str, Any] = orjson.loads(b"{%b}" % behind[1:])
        except UNREADABLE:
            return behind
        made = {name: self._value(name, value) for name, value in members.items()}
        return behind if made == members else b",%b" % orjson.dumps(made)[1:-1]

    def _value(self, name: str, value: Any) -> Any:
        if name == _ATTRIBUTES and isinstance(value, list):
            return [self._attribute(str(each)) for each in value]
        is_field = self._keeps is not None and name not in self._keeps and name not in _OURS
        return bounded(self._member(name, value)) if is_field and isinstance(value, str) else value

    def _attribute(self, entry: str) -> str:
        name, sign, value = entry.partition("=")
        return bounded(f"{name}={self._member(name, value)}") if sign else entry
