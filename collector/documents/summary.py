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
    level = _told_level(rest) or level_of(text, message if _TEXT.fullmatch(text) else _NO_TEXT)
    return Summary(_member(rest, _TIME), _member(rest, _STREAM), level, message)


def stream_and_level(document: bytes) -> tuple[str, str]:
    """From which stream a document is, and how bad it is, as in `Summary`; "" for what it does not say, or is none."""
    try:
        log, rest = split(document)
    except ValueError:
        return "", ""
    stream = _member(rest, _STREAM)
    if told := _told_level(rest):
        return stream, told
    text = log.decode(errors="replace")
    return stream, level_of(text, said(text) if _TEXT.fullmatch(text) else _NO_TEXT)


def _told_level(rest: bytes) -> str:
    """What stands beside the line; "" if that is none."""
    level = _member(rest, _LEVEL) if _LEVEL in rest else ""
    return level if level in NAMES else ""


def _member(rest: bytes, name: bytes) -> str:
    start = rest.find(name) + len(name)
    return rest[start : rest.find(b'"', start)].decode(errors="replace") if start >= len(name) else ""
