"""Documents → rows: the text of `log`, what stands beside it, and when; and a row → the document, byte for byte.

What stands beside `log` is nearly the same for all documents of a stream: it is kept once, as a frame. A document that
is not written as `documents.document` writes them is kept whole, with a frame of its trusted members alone.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from collector.documents import framed
from collector.errors import UNREADABLE
from collector.search import language
from collector.search.leaves import decoded, leaves, members_of, text_of

MAX_TIME = (1 << 63) - 1
"""The last nanosecond that a row can have (in the year 2262)."""

_FIRST, _LAST = b"1970", b"2262"  # years whose nanoseconds a row can have
_NO_FRACTION = 19  # characters of a time without one
_WHOLE = 255  # digits of the time of a row that is a whole document


class Frame(NamedTuple):
    """What stands beside `log`: the `stream`, and the `tail` behind the time, or else all of it as JSON."""

    stream: str
    tail: bytes

    def members(self) -> list[tuple[str, str]]:
        """Paths and values; a list has a value for each of its elements."""
        text = self.tail if not self.stream else b"{" + self.tail[self.tail[:1] == b"," :]
        found = [(path, text_of(leaf)) for path, leaf in leaves(members_of(text))]
        return [("stream", self.stream), *found] if self.stream else found


class Rows(NamedTuple):
    """Of documents: `texts` without a newline, `logs` decoded, a number for each frame, times, digits of the fractions.

    `kept` are the numbers of the documents that they are of, `refused` those of the others with the reason.
    """

    texts: list[bytes]
    logs: list[Any]
    frames: list[int]
    times: "np.ndarray[Any, np.dtype[np.int64]]"
    digits: list[int]
    kept: list[int]
    refused: list[tuple[int, str]]


def rows_of(documents: Sequence[bytes], frames: dict[Frame, int]) -> Rows:
    """Take documents apart; what `frames` does not have is added to it."""
    usual = _usual(documents, frames)
    return _one_by_one(documents, frames) if usual is None else usual


def document_of(name: str, frame: Frame, text: bytes, time: int, digits: int) -> bytes:
    """The document of a row, with its `_id` first."""
    if not frame.stream:
        return b'{"_id":%b,%b' % (orjson.dumps(name), text[1:])
    stamp = str(np.datetime64(time, "ns"))[: _NO_FRACTION + 1 + digits if digits else _NO_FRACTION]
    return framed.joined(name, text, frame.stream, stamp, frame.tail)


def log_of(frame: Frame, text: bytes) -> object:
    """The decoded `log` of a row."""
    return members_of(text).get("log") if not frame.stream else decoded(text)


def nanoseconds(text: str) -> int:
    """An `@timestamp` in nanoseconds since 1970; what lies before 1970 or beyond 2262 is moved to that bound.

    Raises:
        ValueError: it is not a time.
    """
    return min(max(0, language.nanoseconds(text)), MAX_TIME)


def _usual(documents: Sequence[bytes], frames: dict[Frame, int]) -> Rows | None:
    """Documents that are all written as usual, in a few passes over all of them; None if one is not."""
    apart = framed.framed(documents)
    if apart is None or min(apart.times) < _FIRST or max(apart.times) >= _LAST:
        return None
    texts = list(apart.logs)
    try:
        numbers = _numbered(apart.streams, apart.tails, frames)
        times = np.array(apart.times).astype("datetime64[ns]").astype(np.int64)
        logs = orjson.loads(b"[%b]" % b",\n".join(texts))
    except (*UNREADABLE, ValueError):
        return None
    if len(logs) != len(texts) or set(map(type, logs)) != {dict}:
        return None
    lengths = np.fromiter(map(len, apart.times), np.int64, len(texts))
    digits = np.maximum(0, lengths - _NO_FRACTION - 1).tolist()
    return Rows(texts, logs, numbers, times, digits, list(range(len(texts))), [])


def _numbered(streams: Sequence[bytes], tails: Sequence[bytes], frames: dict[Frame, int]) -> list[int]:
    """The number of each row's frame.

    Raises:
        ValueError: one is no JSON.
    """
    known: dict[tuple[bytes, bytes], int] = {}
    for stream, tail in set(zip(streams, tails, strict=True)):
        frame = Frame(stream.decode(), tail)
        if frame not in frames:
            frame.members()
        known[stream, tail] = frames.setdefault(frame, len(frames))
    return [known[each] for each in zip(streams, tails, strict=True)]


def _one_by_one(documents: Sequence[bytes], frames: dict[Frame, int]) -> Rows:
    """As `_usual` where documents are, else whole."""
    rows = Rows([], [], [], np.zeros(0, np.int64), [], [], [])
    times: list[int] = []
    for number, document in enumerate(documents):
        try:
            one = _usual([document], frames) or _whole(document, frames)
        except UNREADABLE as error:
            rows.refused.append((number, str(error)))
            continue
        rows.texts.extend(one.texts)
        rows.logs.extend(one.logs)
        rows.frames.extend(one.frames)
        rows.digits.extend(one.digits)
        times.append(int(one.times[0]))
        rows.kept.append(number)
    return rows._replace(times=np.array(times, np.int64))


def _whole(document: bytes, frames: dict[Frame, int]) -> Rows:
    """The row of a document that is written in another way.

    Raises:
        ValueError: it is not a JSON object with a readable `@timestamp`.
        RecursionError: it is nested too deeply to be read.
    """
    members = members_of(document)
    log = members.pop("log", None)
    time = nanoseconds(str(members.pop("@timestamp", "")))
    frame = Frame("", json.dumps(members).encode())
    text = document.strip().replace(b"\n", b" ")
    return Rows([text], [log], [frames.setdefault(frame, len(frames))], np.array([time]), [_WHOLE], [0], [])
