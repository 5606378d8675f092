"""Document → what protocols for single lines ask of it: when, from which stream, how bad, and in which words."""

import re
from typing import NamedTuple

from collector.documents.document import said, split
from collector.documents.levels import NAMES, level_of

_STREAM = b',"stream":"'
_TIME = b',"@timestamp":"'
_LEVEL = b',"level":"'  # of a trusted member: what stands in a value has its quotes escaped
_TEXT = re.compile(r'\{"message": ?"[^"\\]*(?:\\.[^"\\]*)*"\}')
_NO_TEXT = "{"


class Summary(NamedTuple):
    """`time` as it stands there ("" if it has none), `stream` is "stdout" or "stderr", `level` one of `NAMES` or "".

    `message` is what the application says: its first member that holds it, else all of `log`, as JSON.
    """

    time: str
    stream: str
    level: str
    message: str


def summary(document: bytes) -> Summary:
    """What a document says. What is none is all message."""
    try:
        log, rest = split(document)
    except ValueError:
        return Summary("", "stdout", "", document.decode(errors="replace"))
    text = log.decode(errors="replace")
    message = said(text)
    level = _member(rest, _LEVEL) if _LEVEL in rest else ""
    if level not in NAMES:
        level = level_of(text, message if _TEXT.fullmatch(text) else _NO_TEXT)
    return Summary(_member(rest, _TIME), _member(rest, _STREAM), level, message)


def _member(rest: bytes, name: bytes) -> str:
    start = rest.find(name) + len(name)
    return rest[start : rest.find(b'"', start)].decode(errors="replace") if start >= len(name) else ""
