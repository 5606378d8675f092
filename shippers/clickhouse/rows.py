"""Documents → rows in the format JSONEachRow, with the columns that are asked for.

What a row has of its stream stays the same from line to line, and is encoded once. No value of a line can be refused by
a column of the type String: `log` is the text of the JSON object, whatever is in it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache

import msgspec
import orjson

from collector.documents import document, levels
from collector.documents.ids import digest
from collector.errors import UNREADABLE
from collector.files import gzip
from collector.model import Batch, Segment

COLUMNS = ("id", "timestamp", "target", "container", "host", "stream", "level", "message", "log", "fields")
_OF_STREAM = ("target", "container", "host", "stream", "fields")
_REMEMBERED = 1024

_encode = msgspec.json.encode


def token_of(batch: Batch) -> str:
    """Stands for these documents in this order."""
    return digest(name for segment in batch.segments for name in segment.ids).hex()


class Rows:
    """Writes rows with these columns, in gzip where it is asked for."""

    def __init__(self, columns: Sequence[str], *, compress: bool) -> None:
        self._columns = frozenset(columns)
        self._compress = compress
        self._of_stream = lru_cache(_REMEMBERED)(self._members)

    def body(self, batch: Batch) -> bytes:
        """The body of the INSERT. For a thread."""
        text = b"".join(row for segment in batch.segments for row in self._rows(segment))
        return gzip.compress(text) if self._compress else text

    def _rows(self, segment: Segment) -> Iterator[bytes]:
        target, container = segment.stream.target, segment.stream.container
        for name, body in zip(segment.ids, segment.documents, strict=True):
            log, rest = _split(body)
            when = document.time(body)
            same = self._of_stream(target, container, rest.replace(when.encode(), b"", 1))
            own = b",".join(self._own(name, when, log, rest))
            yield b"{%b%b}\n" % (own, same if own else same[1:])

    def _own(self, name: str, when: str, log: str, rest: bytes) -> Iterator[bytes]:
        """The members that differ from line to line."""
        if "id" in self._columns:
            yield b'"id":' + _encode(name)
        if "timestamp" in self._columns:
            yield b'"timestamp":' + _encode(when)
        if "level" in self._columns:
            yield b'"level":' + _encode(_level(log, rest))
        if "message" in self._columns:
            yield b'"message":' + _encode(document.said(log))
        if "log" in self._columns:
            yield _LOG + _encode(log)

    def _members(self, target: str, container: str, rest: bytes) -> bytes:
        """The members of a stream, with a comma before each; `rest` is a document's without its time."""
        members = _trusted(rest)
        stream = members.pop("stream", "")
        members.pop("@timestamp", None)
        fields = {name: value if isinstance(value, str) else _text(value) for name, value in members.items()}
        host = fields.get("host", "")
        values = {"target": target, "container": container, "host": host, "stream": stream, "fields": fields}
        return b"".join(b"," + _encode({name: values[name]})[1:-1] for name in _OF_STREAM if name in self._columns)


_LOG = _encode("log") + b":"
_TEXT = '{"message":'  # as a line of text stands there


def _split(body: bytes) -> tuple[str, bytes]:
    """The `log` of a document, and the members behind it."""
    if not document.is_document(body):
        return body.decode(errors="replace"), b""
    log, rest = document.split(body)
    return log.decode(errors="replace"), rest


def _level(log: str, rest: bytes) -> str:
    """The trusted level if there is one, else what the line says."""
    if b'"level":"' in rest and isinstance(trusted := _trusted(rest).get("level"), str):
        return trusted
    return levels.level_of(log, document.said(log) if log.startswith(_TEXT) else log)


def _trusted(rest: bytes) -> dict[str, object]:
    try:
        members: dict[str, object] = orjson.loads(b"{%b}" % rest[1:])
    except UNREADABLE:
        return {}
    return members


def _text(value: object) -> str:
    return orjson.dumps(value).decode()
