"""A document → its line, its time, and what is made of the members around them: for outputs with forms of their own.

The members around the time are the same from line to line of a stream, so what an output makes of them (`made`) is kept
and shared: of a line, nothing is parsed but what is asked for.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from collector.documents.document import HEAD
from collector.documents.json_text import object_of
from collector.documents.levels import level_of
from collector.text.times import nanoseconds_of

_TIME = b'"@timestamp":"'
_SEAM = b',"stream":"'
_TIME_BYTES, _HEAD_BYTES = len(_TIME), len(HEAD)
_TEXT = re.compile(rb'\{"message":("[^"\\]*(?:\\.[^"\\]*)*")\}')
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")  # of a pair, perhaps alone: no text then
_REMEMBERED = 1024  # sets of members around the time: a stream has a few

T = TypeVar("T")


class Taken(NamedTuple, Generic[T]):
    """One document: `log` is the JSON of its line, `time` its `@timestamp`, `around` what was made of the rest."""

    log: bytes
    time: bytes
    around: T

    @property
    def nanoseconds(self) -> int:
        """Its time since 1970.

        Raises:
            ValueError: it is none.
        """
        return nanoseconds_of(self.time.decode())


class Apart(Generic[T]):
    """Takes documents apart. `made` gets the trusted members of a document but for `@timestamp`, in their order."""

    def __init__(self, made: Callable[[Mapping[str, Any]], T]) -> None:
        def make(before: bytes, behind: bytes) -> T:
            return made(orjson.loads(b"{%b}" % b",".join(filter(None, (before[1:-1], behind[2:])))))

        self._around = lru_cache(_REMEMBERED)(make)

    def __call__(self, document: bytes) -> Taken[T]:
        """Its parts.

        Raises:
            ValueError: it is no document.
        """
        seam = document.rfind(_SEAM)
        at = document.find(_TIME, seam)
        start = at + _TIME_BYTES
        end = document.find(b'"', start)
        if not (0 < seam < at < end and document.startswith(HEAD) and document.endswith(b"}")):
            raise ValueError("no document with a time")
        return Taken(document[_HEAD_BYTES:seam], document[start:end], self._around(document[seam:at], document[end:-1]))


def text_of(log: bytes) -> bytes | None:
    """The JSON string of a line that is text; None for one that is JSON, or that would be taken for it."""
    found = _TEXT.fullmatch(log)
    if found is None or _HALF.search(found[1]):
        return None
    text = found[1]
    return None if b"{" in text and object_of(orjson.loads(text)) is not None else text


def line_of(log: bytes) -> bytes:
    """The line as its application wrote it: text, or JSON."""
    text = text_of(log)
    return log if text is None else orjson.loads(text).encode()


def level_of_line(log: bytes, text: bytes | None) -> str:
    """The level that a line says, one of `levels.NAMES`; "" for none. `text` as `text_of` has it."""
    json = log.decode(errors="replace")
    return level_of(json, json if text is None else orjson.loads(text))
