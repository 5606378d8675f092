"""Docker's json-file lines → documents: `{"log": {…}, "stream": …, "@timestamp": …, <constants>}`.

A chunk that is wholly in Docker's own form is decoded at one go and spliced line by line into documents (the fast
path); any other is taken line by line (the slow path), with the same result. What holds for each:

- one raw line gives one document, unless Docker cut the line into pieces, which are joined;
- one newline ends one document: the application's JSON is spliced only if it is a valid object without a raw newline;
- a line over `MAX_JOINED_CHARACTERS` becomes several documents, all but the last with `"truncated":true`;
- the trusted members stand outside `log`, so that the application cannot reach them.

The envelope: moby `daemon/logger/jsonfilelog/jsonlog`; pieces of 16 KiB: moby `daemon/logger/copier.go`.
Exact rules: DESIGN §3 of the project, ADR 0001.
"""

from base64 import urlsafe_b64encode
from hashlib import blake2b
from itertools import accumulate, groupby, pairwise
from typing import Literal

import msgspec
import orjson
from msgspec import Struct

from collector.model import Chunk, FileId, LogStream, Position, Segment
from collector.sources.fingerprint import fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.stamps import Stamps

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


def id_prefix(file: FileId, entry: str) -> str:
    """What the `_id`s of one file's lines for one label entry begin with: 72 bits of hash in 12 characters."""
    name = orjson.dumps([ID_SCHEME, file.container_id, file.head, file.ordinal, entry])
    return urlsafe_b64encode(blake2b(name, digest_size=9).digest()).decode() + "-"


class DockerJson:
    """The transform of one stream. Keeps the pieces of unfinished lines and the time of the last good one."""

    def __init__(self, stamps: Stamps, last_time: str = "") -> None:
        """`last_time` is the one kept with the position that reading resumes from: a broken line takes it over."""
        self.parse_errors = 0
        self._stamps = stamps
        self._lines = msgspec.json.Decoder(Line)
        self._object = msgspec.json.Decoder(_Object)
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
        lines = None if self._unfinished else self._decode(chunk.data)
        found = None if lines is None else self._fast(chunk, lines)
        segments = self._slow(chunk) if found is None else found
        if chunk.data:
            is_whole = len(chunk.data) <= MAX_RAW_LINE_BYTES  # else its last line is not as it stands in the file
            self._line_before = last_line(chunk.data) if is_whole else b""
        return segments

    # ------------------------------------------------------------------ fast path

    def _decode(self, data: bytes) -> list[Line] | None:
        """All lines at once, if `data` is wholly in Docker's form.

        The decoder alone would skip blank lines and accept two objects on one line or one over two, which would
        shift the line index: hence the count of the seams between envelopes.
        """
        count = data.count(b"\n")
        if not data.startswith(b'{"log":"') or not data.endswith(b'Z"}\n') or data.count(b'Z"}\n{"log":"') != count - 1:
            return None
        try:
            lines = self._lines.decode_lines(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return lines if len(lines) == count else None

    def _fast(self, chunk: Chunk, lines: list[Line]) -> list[Segment] | None:
        times = [line.time for line in lines]
        if not self._stamps.are_times(times):
            return None
        stamps = self._stamps.render(times)
        documents = self._documents(chunk.stream.constants, lines, stamps)
        if documents is None:
            return None
        self._last_time = times[-1]
        prefix = self._id_prefix(chunk.start.file, chunk.stream)
        first = chunk.start.line
        ids = [f"{prefix}{number}" for number in range(first, first + len(lines))]
        return self._by_day(chunk, (chunk.end, chunk.fingerprint), stamps, documents, ids)

    def _documents(self, constants: str, lines: list[Line], stamps: list[str]) -> list[bytes] | None:
        """One document per line; None if a line is only a piece.

        Each is encoded by itself: a join of all would widen the whole text on its first character beyond ASCII.
        """
        validate = self._object.decode
        tail = f'",{constants}}}'
        documents: list[bytes] = []
        append = documents.append
        for line, stamp in zip(lines, stamps, strict=True):
            log = line.log
            if log[-1:] != "\n":
                return None
            log = log[:-2] if log[-2:] == "\r\n" else log[:-1]
            if log[:1] == "{" and "\n" not in log:
                try:
                    validate(log)
                except (msgspec.DecodeError, RecursionError):
                    log = _message(log)
            else:
                log = self._log(log)
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
        return self._by_day(chunk, self._resume(chunk), stamps, documents, ids)

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
            line = self._lines.decode(raw)
        except UnicodeDecodeError:
            return self._envelope(raw.decode(errors="replace").encode())
        except (msgspec.DecodeError, RecursionError):
            return None
        return line if self._stamps.are_times([line.time]) else None

    def _finish_all(self, stream: LogStream, finished: list[_Document]) -> None:
        for name in list(self._unfinished):
            self._finish(name, stream, finished)

    def _finish(self, name: str, stream: LogStream, finished: list[_Document], *, is_cut: bool = False) -> None:
        unfinished = self._unfinished.pop(name)
        text = "".join(unfinished.pieces)
        if text.endswith("\n"):
            text = text[:-1].removesuffix("\r")
        pieces = f".{len(unfinished.pieces)}" if len(unfinished.pieces) > 1 else ""
        prefix = self._id_prefix(unfinished.start.file, stream)
        finished.append(
            _Document(self._log(text), name, unfinished.time, f"{prefix}{unfinished.start.line}{pieces}", is_cut)
        )

    def _resume(self, chunk: Chunk) -> tuple[Position, str]:
        """Where reading must resume: where nothing was unfinished.

        The start of an unfinished line is not enough: a line of the other stream may have begun before it and ended
        behind it, and reading from there would ship its last pieces as a line of their own.
        """
        return self._clear if self._unfinished else (chunk.end, chunk.fingerprint)

    # ------------------------------------------------------------------ both

    def _log(self, text: str) -> str:
        """The JSON object that stands for a line's text: itself if it is one, else `{"message": text}`."""
        if text.lstrip(" \t\r\n")[:1] != "{":
            return _message(text)
        try:
            self._object.decode(text)
            # Between its tokens JSON may hold newlines: they would end the document, so it is written anew.
            return orjson.dumps(orjson.loads(text)).decode() if "\n" in text else text
        except (msgspec.DecodeError, orjson.JSONDecodeError, RecursionError):
            return _message(text)

    def _id_prefix(self, file: FileId, stream: LogStream) -> str:
        if self._prefix_of != (file, stream.entry):
            self._prefix_of = (file, stream.entry)
            self._prefix = id_prefix(file, stream.entry)
        return self._prefix

    def _by_day(
        self, chunk: Chunk, end: tuple[Position, str], stamps: list[str], documents: list[bytes], ids: list[str]
    ) -> list[Segment]:
        """Segments of equal day; only the last moves the position, since no offset is known inside a chunk."""
        days = [stamp[:10] for stamp in stamps]
        cuts = [0, len(days)] if len(set(days)) == 1 else [0, *accumulate(len(list(run)) for _, run in groupby(days))]
        segments = []
        for first, last in pairwise(cuts):
            if last == len(days):
                self._done = (end[0], self._last_time, end[1])
            part = documents[first:last]
            segments.append(
                Segment(
                    stream=chunk.stream,
                    day=days[first],
                    documents=part,
                    ids=ids[first:last],
                    size=sum(map(len, part)),
                    end=self._done[0],
                    last_time=self._done[1],
                    fingerprint=self._done[2],
                )
            )
        return segments


def _encoded(document: _Document, stamp: str, constants: str) -> bytes:
    more = '"truncated":true,' if document.is_cut else ""
    return f'{{"log":{document.log},"stream":"{document.stream}","@timestamp":"{stamp}",{more}{constants}}}'.encode()


def _message(text: str) -> str:
    return f'{{"message":{orjson.dumps(text).decode()}}}'
