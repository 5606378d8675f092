"""Docker's json-file lines → documents: `{"log": {…}, "stream": …, "@timestamp": …, <constants>}`.

A chunk in which every line is an envelope is decoded at one go and spliced line by line into documents (the fast
path); any other is taken line by line (the slow path), with the same result. What holds for each:

- one raw line gives one document, unless Docker cut the line into pieces, which are joined;
- one newline ends one document: the application's JSON is spliced only if it is a valid object without a raw newline;
- a line over `MAX_JOINED_CHARACTERS` becomes several documents, all but the last with `"truncated":true`;
- the trusted members stand outside `log`, so that the application cannot reach them.

The envelope: moby `daemon/logger/jsonfilelog/jsonlog`; pieces of 16 KiB: moby `daemon/logger/copier.go`.
Exact rules: DESIGN §3 of the project, ADR 0001.
"""

from base64 import urlsafe_b64encode
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from itertools import groupby
from typing import Literal, cast

import msgspec
import orjson
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.model import Chunk, FileId, LogStream, NumberedIds, Position, Segment
from collector.sources.fingerprint import fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.stamps import Stamped, Stamps

ID_SCHEME = 1  # kept with the positions: another scheme would give another id to a line that was shipped already

MAX_JOINED_CHARACTERS = 1 << 20  # a longer line becomes several documents: memory is bounded, no byte is lost
_EPOCH = "1970-01-01T00:00:00Z"  # for a broken line that has no good line before it


class Line(Struct, gc=False, kw_only=True):
    """Docker's envelope; an empty `log` is left out by the daemon."""

    log: str = ""
    time: str
    stream: Literal["stdout", "stderr"]


class _Object(Struct, gc=False):
    """Any JSON object: decoding into it validates the text and keeps nothing."""


_LINE = msgspec.json.Decoder(Line)
_LINES = msgspec.json.Decoder(Line | None)
_OBJECT = msgspec.json.Decoder(_Object)


class _Unfinished(Struct):
    """Pieces of a line whose end has not come yet."""

    start: Position
    time: str
    pieces: list[str]
    size: int


class _Document(Struct, gc=False):
    """A finished line on its way: `log` is the JSON text of the member `log`; `is_cut` says that more belongs to it."""

    log: str
    stream: str
    time: str
    id: str
    is_cut: bool = False


def short_hash(parts: Sequence[str | int]) -> str:
    """72 bits in 12 characters."""
    return urlsafe_b64encode(blake2b(orjson.dumps(parts), digest_size=9).digest()).decode()


def id_prefix(file: FileId, entry: str) -> str:
    """What the `_id`s of one file's lines for one label entry begin with."""
    return short_hash([ID_SCHEME, file.container_id, file.head, file.ordinal, entry]) + "-"


class DockerJson:
    """The transform of one stream. Keeps the pieces of unfinished lines and the time of the last good one."""

    def __init__(self, stamps: Stamps, last_time: str = "") -> None:
        """`last_time` is the one kept with the position that reading resumes from: a broken line takes it over."""
        self.parse_errors = 0
        self._stamps = stamps
        self._begun = False
        self._unfinished: dict[str, _Unfinished] = {}  # in the order in which they began
        self._clear: tuple[Position, str]  # the last place at which nothing was unfinished, while something is
        self._last_time = last_time or _EPOCH
        self._line_before = b""  # b"" if it is not known
        self._done: tuple[Position, str, str]  # what the next segment leaves behind it, unless it is the last
        self._prefix_of: tuple[FileId, str] | None = None
        self._prefix = ""

    def segments(self, chunk: Chunk) -> list[Segment]:
        """The documents of `chunk`, one segment per run of equal day."""
        if not self._begun:
            self._begun = bool(chunk.data)  # lines that are left out may come first, as chunks without data
            self._done = (chunk.start, self._last_time, "")
        lines = None if self._unfinished or not chunk.data else _envelopes(chunk.data)
        found = None if lines is None else self._fast(chunk, lines)
        segments = self._slow(chunk) if found is None else found
        if chunk.data:
            is_whole = len(chunk.data) <= MAX_RAW_LINE_BYTES  # else its last line is not as it stands in the file
            self._line_before = last_line(chunk.data) if is_whole else b""
        return segments

    # ------------------------------------------------------------------ fast path

    def _fast(self, chunk: Chunk, lines: list[Line]) -> list[Segment] | None:
        try:
            times = [line.time for line in lines]
        except AttributeError:  # a line that says `null`
            return None
        stamped = self._stamps.stamp(times)
        if stamped is None:
            return None
        documents = self._documents(chunk.stream.constants, lines, stamped.stamps)
        if documents is None:
            return None
        self._last_time = times[-1]
        first = chunk.start.line
        ids = NumberedIds(self._id_prefix(chunk.start.file, chunk.stream), range(first, first + len(lines)))
        return self._by_day(chunk, (chunk.end, chunk.fingerprint), stamped, documents, ids)

    def _documents(self, constants: str, lines: list[Line], stamps: list[str]) -> list[bytes] | None:
        """One document per line; None if a line is only a piece.

        Each is encoded by itself: a join of all would widen the whole text on its first character beyond ASCII.
        """
        validate = _OBJECT.decode
        tail = f'",{constants}}}'
        documents: list[bytes] = []
        append = documents.append
        for line, stamp in zip(lines, stamps, strict=True):
            log, newline, more = line.log.partition("\n")
            if log[-1:] == "}" and log[0] == "{" and newline and not more:
                try:
                    validate(log)
                except UNREADABLE:
                    log = _message(log)
            elif line.log.endswith("\n"):
                log = _log(_text(line.log))
            else:
                return None
            append(f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{tail}'.encode())
        return documents

    # ------------------------------------------------------------------ slow path

    def _slow(self, chunk: Chunk) -> list[Segment]:
        finished: list[_Document] = []
        offset = chunk.start.offset
        for number, raw in enumerate(chunk.data.split(b"\n")[:-1], chunk.start.line):
            self._take(raw, Position(chunk.start.file, offset, number), chunk.stream, finished)
            self._line_before = raw
            offset += len(raw) + 1
        if chunk.ended:
            self._finish_all(chunk.stream, finished)
        stamps = self._stamps.render([document.time for document in finished])
        documents = [
            _encoded(document, stamp, chunk.stream.constants) for document, stamp in zip(finished, stamps, strict=True)
        ]
        ids = [document.id for document in finished]
        return self._by_day(chunk, self._resume(chunk), Stamped(stamps), documents, ids)

    def _take(self, raw: bytes, start: Position, stream: LogStream, finished: list[_Document]) -> None:
        line = self._envelope(raw)
        if line is None:
            self.parse_errors += 1
            text = raw.decode(errors="replace").removesuffix("\r")
            prefix = self._id_prefix(start.file, stream)
            is_cut = len(raw) >= MAX_RAW_LINE_BYTES
            finished.append(_Document(_message(text), "stdout", self._last_time, f"{prefix}{start.line}", is_cut))
            return
        self._last_time = line.time
        unfinished = self._unfinished.get(line.stream)
        if unfinished is not None and unfinished.time != line.time:
            self._finish(line.stream, stream, finished)
            unfinished = None
        if unfinished is None:
            if not self._unfinished:
                before = self._line_before if start.offset else b""  # that of the file before is no line of this one
                self._clear = start, fingerprint(last_line(before))
            unfinished = self._unfinished[line.stream] = _Unfinished(start, line.time, [], 0)
        unfinished.pieces.append(line.log)
        unfinished.size += len(line.log)
        if line.log.endswith("\n") or unfinished.size > MAX_JOINED_CHARACTERS:
            self._finish(line.stream, stream, finished, is_cut=not line.log.endswith("\n"))

    def _envelope(self, raw: bytes) -> Line | None:
        try:
            line = _LINE.decode(raw)
        except UNREADABLE:
            readable = raw.decode(errors="replace").encode()
            return None if readable == raw else self._envelope(readable)
        return line if self._stamps.are_times([line.time]) else None

    def _finish_all(self, stream: LogStream, finished: list[_Document]) -> None:
        for name in list(self._unfinished):
            self._finish(name, stream, finished)

    def _finish(self, name: str, stream: LogStream, finished: list[_Document], *, is_cut: bool = False) -> None:
        unfinished = self._unfinished.pop(name)
        text = _text("".join(unfinished.pieces))
        pieces = f".{len(unfinished.pieces)}" if len(unfinished.pieces) > 1 else ""
        prefix = self._id_prefix(unfinished.start.file, stream)
        finished.append(
            _Document(_log(text), name, unfinished.time, f"{prefix}{unfinished.start.line}{pieces}", is_cut)
        )

    def _resume(self, chunk: Chunk) -> tuple[Position, str]:
        """Where reading must resume: where nothing was unfinished.

        The start of an unfinished line is not enough: a line of the other stream may have begun before it and ended
        behind it, and reading from there would ship its last pieces as a line of their own.
        """
        return self._clear if self._unfinished else (chunk.end, chunk.fingerprint)

    # ------------------------------------------------------------------ both

    def _id_prefix(self, file: FileId, stream: LogStream) -> str:
        if self._prefix_of != (file, stream.entry):
            self._prefix_of = (file, stream.entry)
            self._prefix = id_prefix(file, stream.entry)
        return self._prefix

    def _by_day(
        self, chunk: Chunk, end: tuple[Position, str], stamped: Stamped, documents: list[bytes], ids: Sequence[str]
    ) -> list[Segment]:
        """Segments of equal day; only the last moves the position, since no offset is known inside a chunk."""
        segments = []
        for day, first, last in _days(stamped):
            if last == len(documents):
                self._done = (end[0], self._last_time, end[1])
            part = documents[first:last]
            segments.append(
                Segment(
                    stream=chunk.stream,
                    day=day,
                    documents=part,
                    ids=ids[first:last],
                    size=sum(map(len, part)),
                    end=self._done[0],
                    last_time=self._done[1],
                    fingerprint=self._done[2],
                )
            )
        return segments


def _envelopes(data: bytes) -> list[Line] | None:
    """All lines at once; None unless each raw line is one envelope (one that is `null` is left to be met).

    The decoder knows no lines: it would skip a blank one, and take two objects on one or one over two, which would
    shift the line index. A `null` put before each newline shows them: it ends an envelope, or is in its way. 0.36 µs a
    line with all that, 0.53 with counting newlines and the seams between envelopes.
    """
    marked = data.replace(b"\n", b"null\n")
    try:
        found = _LINES.decode_lines(marked)
    except UNREADABLE:
        return None
    ends = found[1::2]
    count = (len(marked) - len(data)) // len(b"null")
    is_alternating = len(found) == 2 * count and ends.count(None) == count
    return cast(list[Line], found[::2]) if is_alternating else None


def _days(stamped: Stamped) -> Iterator[tuple[str, int, int]]:
    """Each run of equal day, from where to where."""
    if stamped.day:
        yield stamped.day, 0, len(stamped.stamps)
        return
    first = 0
    for day, run in groupby(stamp[:10] for stamp in stamped.stamps):
        last = first + len(list(run))
        yield day, first, last
        first = last


def _text(log: str) -> str:
    """A line as the application wrote it, without what ended it."""
    return log[:-1].removesuffix("\r") if log.endswith("\n") else log


def _log(text: str) -> str:
    """The JSON object that stands for a line's text: itself if it is one, else `{"message": text}`."""
    if text.lstrip(" \t\r\n")[:1] != "{":
        return _message(text)
    try:
        _OBJECT.decode(text)
        # Between its tokens JSON may hold newlines: they would end the document, so it is written anew.
        return orjson.dumps(orjson.loads(text)).decode() if "\n" in text else text
    except UNREADABLE:
        return _message(text)


def _encoded(document: _Document, stamp: str, constants: str) -> bytes:
    more = '"truncated":true,' if document.is_cut else ""
    return f'{{"log":{document.log},"stream":"{document.stream}","@timestamp":"{stamp}",{more}{constants}}}'.encode()


def _message(text: str) -> str:
    return f'{{"message":{orjson.dumps(text).decode()}}}'
