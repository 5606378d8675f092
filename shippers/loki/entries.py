"""Documents → entries of Loki's streams → the body of a push.

A stream is a set of labels, and each set costs Loki an index entry and a chunk: so few members are labels, and the rest
is structured metadata of the entry. The id is among it. Loki drops an entry of equal time, text and metadata as long as
the former one is in its memory: with the id, a document that is sent again folds, and two equal lines of one nanosecond
both stay.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import orjson

from collector.documents.apart import Apart, Taken, level_of_line, line_of, text_of
from collector.files import gzip
from collector.model import Batch, Rejected, Segment

LABELS = ("host", "target", "container", "level")
ID = "_id"
PIECE = "piece"
LEVEL = "level"

_MEMBERS = {"target": "@target", "container": "docker_container"}  # labels of other names than their members
_NAMES = {member: name for name, member in _MEMBERS.items()}
_MOST_ENTRIES = 120  # of metadata; Loki takes 128, and adds some
_MOST_METADATA_BYTES = 48 << 10  # Loki takes 64 KiB
_STREAM = b"{%b}" % b",".join((b'"stream":%b', b'"values":[%b]'))
_FOREIGN = re.compile(r"[^a-zA-Z0-9_]")
_FALLBACK = {"job": "pilotfish"}  # Loki takes no stream without a label
_CONTINUATION = range(0x80, 0xC0)  # bytes inside of a character

NO_DOCUMENT = "no_document"


class _Around:
    """What the members around a time come to: labels by the level of a line, and the text of the metadata."""

    __slots__ = ("_labels", "_texts", "level", "metadata")

    def __init__(self, labels: Mapping[str, str], metadata: bytes, level: str) -> None:
        self._labels, self.metadata, self.level = labels, metadata, level
        self._texts: dict[str, bytes] = {}

    def stream(self, level: str) -> bytes:
        """The labels, as JSON."""
        found = self._texts.get(level)
        if found is None:
            labels = {**self._labels, LEVEL: level} if level else self._labels
            found = self._texts[level] = orjson.dumps(labels or _FALLBACK, option=orjson.OPT_SORT_KEYS)
        return found


class Push(NamedTuple):
    """A body in gzip if asked for, and the documents that cannot be entries."""

    body: bytes
    rejected: tuple[Rejected, ...]


class Entries:
    """Makes entries. `labels` are the names that are labels, if a document has them; `more` are in each stream."""

    def __init__(self, labels: Sequence[str], more: Mapping[str, str], most_line_bytes: int) -> None:
        self._labels = {_MEMBERS.get(name, name) for name in labels}
        self._with_level = LEVEL in labels
        self._more = more
        self._most_line_bytes = most_line_bytes
        self._apart = Apart(self._around)

    def push(self, batch: Batch, *, compress: bool) -> Push:
        """The body of a request with all documents; for a thread."""
        streams: dict[bytes, list[bytes]] = {}
        rejected = []
        for segment in batch.segments:
            for index, (name, document) in enumerate(zip(segment.ids, segment.documents, strict=True)):
                try:
                    self._add(streams, self._apart(document), name)
                except ValueError as error:
                    rejected.append(Rejected(segment, index, NO_DOCUMENT, str(error), is_final=True))
        each = (_STREAM % (labels, b",".join(values)) for labels, values in streams.items())
        body = b'{"streams":[%b]}' % b",".join(each)
        return Push(gzip.compress(body) if compress else body, tuple(rejected))

    def selector(self, segment: Segment) -> str:
        """The selector, in LogQL, of the streams that the segment's documents are in."""
        labels = self._labels_of(segment.stream.fields) or _FALLBACK
        pairs = ",".join(f"{name}={msgspec.json.encode(value).decode()}" for name, value in labels.items())
        return f"{{{pairs}}}"

    def nanoseconds(self, document: bytes) -> int:
        """Its time; 0 for what has none."""
        try:
            return self._apart(document).nanoseconds
        except ValueError:
            return 0

    def _add(self, streams: dict[bytes, list[bytes]], taken: Taken[_Around], name: str) -> None:
        log, _, around = taken
        text = text_of(log)
        level = (around.level or level_of_line(log, text)) if self._with_level else ""
        values = streams.setdefault(around.stream(level), [])
        id_ = msgspec.json.encode(name)
        if len(log) <= self._most_line_bytes:
            line = text or orjson.dumps(log.decode(errors="replace"))
            values.append(b'["%d",%b,{"_id":%b%b}]' % (taken.nanoseconds, line, id_, around.metadata))
        else:
            values += self._pieces(taken.nanoseconds, line_of(log), id_, around.metadata)

    def _pieces(self, time: int, line: bytes, id_: bytes, metadata: bytes) -> Iterator[bytes]:
        """A line that is too long, in pieces that have the same id and are numbered."""
        pieces = list(cut(line, self._most_line_bytes))
        for number, piece in enumerate(pieces, 1):
            mark = b',"%b":"%d/%d"' % (PIECE.encode(), number, len(pieces)) if len(pieces) > 1 else b""
            text = orjson.dumps(piece.decode(errors="replace"))
            yield b'["%d",%b,{"_id":%b%b%b}]' % (time, text, id_, mark, metadata)

    def _around(self, members: Mapping[str, Any]) -> _Around:
        metadata: dict[str, str] = {}
        for member, value in members.items():
            if (member not in self._labels or not value) and not (member == LEVEL and self._with_level):
                metadata[_name_of(member)] = value if isinstance(value, str) else orjson.dumps(value).decode()
        for label in (*self._labels_of(members), ID, PIECE):
            metadata.pop(label, None)
        text = orjson.dumps(_bounded(metadata))[1:-1]
        level = str(members.get(LEVEL, "")) if self._with_level else ""
        return _Around(self._labels_of(members), b",%b" % text if text else b"", level)

    def _labels_of(self, members: Mapping[str, Any]) -> dict[str, str]:
        """Labels without a value are none to Loki."""
        found = {_name_of(name): str(members[name]) for name in self._labels if members.get(name) and name != LEVEL}
        return {**found, **self._more}


def cut(line: bytes, most_bytes: int) -> Iterator[bytes]:
    """Pieces of whole characters."""
    start = 0
    while start < len(line):
        most = end = min(start + most_bytes, len(line))
        while start < end < len(line) and line[end] in _CONTINUATION:
            end -= 1
        if end == start:  # no text: it is cut anywhere
            end = most
        yield line[start:end]
        start = end


def _name_of(member: str) -> str:
    """The name of a member as a label has it."""
    name = _FOREIGN.sub("_", _NAMES.get(member, member).lstrip("@"))
    return f"_{name}" if name[:1].isdigit() or not name else name


def _bounded(metadata: Mapping[str, str]) -> dict[str, str]:
    """As much of it as Loki takes, from the beginning on."""
    size = 0
    found: dict[str, str] = {}
    for name, value in metadata.items():
        size += len(name.encode()) + len(value.encode(errors="replace"))
        if size > _MOST_METADATA_BYTES or len(found) == _MOST_ENTRIES:
            break
        found[name] = value
    return found
