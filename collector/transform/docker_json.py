"""Docker's json-file lines → documents: `{"log": {…}, "stream": …, "@timestamp": …, <constants>}`.

A chunk in which every line is an envelope is decoded at one go and spliced line by line into documents (the fast
path); any other is taken line by line (the slow path), with the same result. What holds for each:

- one raw line gives one document, unless Docker cut the line into pieces, which are joined;
- one newline ends one document: the application's JSON is spliced only if it is a valid object without a raw newline;
- a line over `MAX_JOINED_CHARACTERS` becomes several documents, all but the last with `"truncated":true`;
- a line without a time takes that of the line before it in its file, else of the next one that has any, else the
  file's; so a file gives the same documents whenever and from wherever it is read;
- the trusted members stand outside `log`, so that the application cannot reach them.

The envelope: `envelope`; pieces of 16 KiB: moby `daemon/logger/copier.go`.
Exact rules: docs/specification.md, ADR 0001.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple, cast

from msgspec import Struct

from collector.errors import UNREADABLE
from collector.json_text import log_of, message, validate
from collector.model import Chunk, FileId, LogStream, NumberedIds, Position, Segment
from collector.sources.fingerprint import fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.attrs import Attrs
from collector.transform.envelope import Line, LineWithAttrs, envelope, envelopes, parts
from collector.transform.ids import id_prefix
from collector.transform.stamps import Stamped, Stamps
from collector.transform.undated import Dated, RawLine, Undated

MAX_JOINED_CHARACTERS = 1 << 20  # a longer line becomes several documents: memory is bounded, no byte is lost
_NO_TIME = "1970-01-01T00:00:00Z"  # of broken lines in positions of older versions


class _Place(NamedTuple):
    """Where reading may resume: what a segment says of its end."""

    end: Position
    last_time: str
    fingerprint: str


class _Unfinished(Struct):
    """Pieces of a line whose end has not come yet."""

    id: str
    time: str
    pieces: list[str]
    size: int
    attrs: bytes = b""


class _Document(Struct, gc=False):
    """A finished line on its way: `log` is the JSON text of the member `log`; `is_cut` says that more belongs to it."""

    log: str
    stream: str
    time: str
    id: str
    attrs: bytes = b""
    is_cut: bool = False


class DockerJson:
    """The transform of one stream. Keeps the pieces of unfinished lines, and the time of the line before."""

    def __init__(
        self, stamps: Stamps, last_time: str = "", *, dated: Dated | None = None, with_attrs: bool = False
    ) -> None:
        """`last_time` is the one kept with the position that reading resumes from: a line without one takes it over.

        `dated`: what an earlier run came to by `date_lines`. `with_attrs`: documents carry what log-opts add to a line.
        """
        self.parse_errors = 0
        self.torn_lines = 0
        self._stamps = stamps
        self._attrs = Attrs() if with_attrs else None
        self._begun = False
        self._unfinished: dict[str, _Unfinished] = {}  # in the order in which they began
        self._held = Undated(dated)
        self._clear: _Place  # the last place at which nothing was unfinished or held, while something is
        self._last_time = "" if last_time == _NO_TIME else last_time  # in the file being read
        self._line_before = b""  # b"" if it is not known
        self._done: _Place  # what the next segment leaves behind it, unless it is the last
        self._prefix_of: tuple[FileId, str] | None = None
        self._prefix = ""

    @property
    def is_amid_line(self) -> bool:
        """Whether it holds pieces of a line whose last one has not come, or lines that wait for a time."""
        return bool(self._unfinished or self._held)

    @property
    def waits_for_time(self) -> bool:
        """Whether the first lines of a file wait for one that has a time."""
        return bool(self._held)

    def date_lines(self) -> Dated | None:
        """Nothing follows: give lines that wait the time of their file, with the next chunk, whatever is in it."""
        return self._held.decide()

    def segments(self, chunk: Chunk) -> list[Segment]:
        """The documents of `chunk`, one segment per run of equal day."""
        if not self._begun or (self._done.end.file != chunk.start.file and not self.is_amid_line):
            self._begun = bool(chunk.data)  # lines that are left out may come first, as chunks without data
            self._done = _Place(chunk.start, self._last_time, "")
        lines = (
            None
            if self._unfinished or self._held or not chunk.data
            else envelopes(chunk.data, with_attrs=bool(self._attrs))
        )
        found = None if lines is None else self._fast(chunk, lines)
        segments = self._slow(chunk) if found is None else found
        if chunk.data:
            self._line_before = last_line(chunk.data) if _is_whole(chunk) else b""
        return segments

    # ------------------------------------------------------------------ fast path

    def _fast(self, chunk: Chunk, lines: Sequence[Line]) -> list[Segment] | None:
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
        if self._attrs is not None:
            documents = list(map(self._attrs.add, documents, cast(Sequence[LineWithAttrs], lines)))
        self._last_time = times[-1]
        first = chunk.start.line
        ids = NumberedIds(self._id_prefix(chunk.start.file, chunk.stream), range(first, first + len(lines)))
        return self._by_day(chunk, self._resume(chunk), stamped, documents, ids)

    def _documents(self, constants: str, lines: Sequence[Line], stamps: list[str]) -> list[bytes] | None:
        """One document per line; None if a line is only a piece.

        Each is encoded by itself: a join of all would widen the whole text on its first character beyond ASCII.
        """
        tail = f'",{constants}}}'
        documents: list[bytes] = []
        append = documents.append
        for line, stamp in zip(lines, stamps, strict=True):
            log, newline, more = line.log.partition("\n")
            if log[-1:] == "}" and log[0] == "{" and newline and not more:
                try:
                    validate(log)
                except UNREADABLE:
                    log = log_of(log)
            elif line.log.endswith("\n"):
                log = log_of(_text(line.log))
            else:
                return None
            append(f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}{tail}'.encode())
        return documents

    # ------------------------------------------------------------------ slow path

    def _slow(self, chunk: Chunk) -> list[Segment]:
        finished: list[_Document] = []
        if chunk.data and chunk.start.line == 0:  # another file: a line's neighbours are those in its own
            self._release(chunk.stream, finished)
            self._last_time = self._held.time_in(chunk.start.file)
        self._held.changed = chunk.changed()
        start, offset = chunk.start, chunk.end.offset - len(chunk.data)  # what is left out stands in the first line
        is_whole = _is_whole(chunk)
        for content in chunk.data.split(b"\n")[:-1]:
            self._take_raw(content, start, chunk.stream, finished)
            self._line_before = content if is_whole else b""
            is_whole = True  # but for the first line
            offset += len(content) + 1
            start = Position(start.file, offset, start.line + 1)
        if chunk.ended or self._held.is_due:
            self._release(chunk.stream, finished)
        if chunk.ended:
            self._finish_all(finished)
        stamps = self._stamps.render([document.time for document in finished])
        constants = chunk.stream.constants
        documents = [_encoded(document, stamp, constants) for document, stamp in zip(finished, stamps, strict=True)]
        if self._attrs is not None:
            documents = list(map(self._attrs.add, documents, finished))
        ids = [document.id for document in finished]
        return self._by_day(chunk, self._resume(chunk), Stamped(stamps), documents, ids)

    def _take_raw(self, content: bytes, start: Position, stream: LogStream, finished: list[_Document]) -> None:
        if b"\0" not in content:
            self._take(RawLine(content, start), stream, finished)
            return
        self.torn_lines += 1
        for part, rest in parts(content):
            self._take(RawLine(rest, start, part, is_apart=True), stream, finished)

    def _take(self, raw: RawLine, stream: LogStream, finished: list[_Document]) -> None:
        line = envelope(raw.content, self._stamps)
        before = self._last_time
        if line is not None and line.time:
            self._release(stream, finished, line.time)
            self._last_time = line.time
        if not self._last_time:
            self._hold(raw, stream, finished)
            return
        if raw.is_apart:
            self._finish_all(finished)
        if line is None:
            self._finish_broken(raw, stream, finished)
        else:
            self._join(line, raw, before or self._last_time, stream, finished)

    def _hold(self, raw: RawLine, stream: LogStream, finished: list[_Document]) -> None:
        """Keep a line until one behind it has a time."""
        if not self.is_amid_line:
            self._clear = self._place(raw.start, "")
        self._held.hold(raw)
        if self._held.is_due:
            self._release(stream, finished)

    def _release(self, stream: LogStream, finished: list[_Document], time: str = "") -> None:
        """The lines that were held have this time, or the one that was decided, or their file's."""
        if self._held:
            self._last_time = self._held.time(time)
            for raw in self._held.take():
                self._take(raw, stream, finished)

    def _join(
        self, line: LineWithAttrs, raw: RawLine, time_before: str, stream: LogStream, finished: list[_Document]
    ) -> None:
        time = line.time or self._last_time
        unfinished = self._unfinished.get(line.stream)
        if unfinished is not None and unfinished.time != time:
            self._finish(line.stream, finished)
            unfinished = None
        if unfinished is None and line.log.endswith("\n"):  # a whole line, as most are
            log, name = log_of(_text(line.log)), self._id(raw, stream)
            finished.append(_Document(log, line.stream, time, name, bytes(line.attrs)))
            return
        if unfinished is None:
            if not self._unfinished:
                self._clear = self._place(raw.start, time_before)
            unfinished = _Unfinished(self._id(raw, stream), time, [], 0, bytes(line.attrs))
            self._unfinished[line.stream] = unfinished
        unfinished.pieces.append(line.log)
        unfinished.size += len(line.log)
        if line.log.endswith("\n") or unfinished.size > MAX_JOINED_CHARACTERS:
            self._finish(line.stream, finished, is_cut=not line.log.endswith("\n"))

    def _finish_all(self, finished: list[_Document]) -> None:
        for name in list(self._unfinished):
            self._finish(name, finished)

    def _finish(self, name: str, finished: list[_Document], *, is_cut: bool = False) -> None:
        unfinished = self._unfinished.pop(name)
        text = _text("".join(unfinished.pieces))
        pieces = f".{len(unfinished.pieces)}" if len(unfinished.pieces) > 1 else ""
        name_of_line = f"{unfinished.id}{pieces}"
        finished.append(_Document(log_of(text), name, unfinished.time, name_of_line, unfinished.attrs, is_cut))

    def _finish_broken(self, raw: RawLine, stream: LogStream, finished: list[_Document]) -> None:
        self.parse_errors += 1
        text = raw.content.decode(errors="replace").removesuffix("\r")
        is_cut = len(raw.content) >= MAX_RAW_LINE_BYTES
        finished.append(_Document(message(text), "stdout", self._last_time, self._id(raw, stream), b"", is_cut))

    def _place(self, start: Position, last_time: str) -> _Place:
        before = self._line_before if start.offset else b""  # that of the file before is no line of this one
        return _Place(start, last_time, fingerprint(last_line(before)))

    def _resume(self, chunk: Chunk) -> _Place:
        """Where reading must resume: where nothing was unfinished or held.

        The start of an unfinished line is not enough: a line of the other stream may have begun before it and ended
        behind it, and reading from there would ship its last pieces as a line of their own.
        """
        return self._clear if self.is_amid_line else _Place(chunk.end, self._last_time, chunk.fingerprint)

    # ------------------------------------------------------------------ both

    def _id(self, raw: RawLine, stream: LogStream) -> str:
        return f"{self._id_prefix(raw.start.file, stream)}{raw.start.line}{raw.part}"

    def _id_prefix(self, file: FileId, stream: LogStream) -> str:
        if self._prefix_of != (file, stream.entry):
            self._prefix_of = (file, stream.entry)
            self._prefix = id_prefix(file, stream.entry)
        return self._prefix

    def _by_day(
        self, chunk: Chunk, end: _Place, stamped: Stamped, documents: list[bytes], ids: Sequence[str]
    ) -> list[Segment]:
        """Segments of equal day; only the last moves the position, since no offset is known inside a chunk."""
        segments = []
        for day, first, last in _days(stamped):
            if last == len(documents):
                self._done = end
            is_all = last - first == len(documents)
            part = documents if is_all else documents[first:last]
            segments.append(
                Segment(
                    stream=chunk.stream,
                    day=day,
                    documents=part,
                    ids=ids if is_all else ids[first:last],
                    size=sum(map(len, part)),
                    end=self._done.end,
                    last_time=self._done.last_time,
                    fingerprint=self._done.fingerprint,
                )
            )
        return segments


def _is_whole(chunk: Chunk) -> bool:
    """Whether its first line is as it stands in the file."""
    return chunk.end.offset - chunk.start.offset == len(chunk.data)


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


def _encoded(document: _Document, stamp: str, constants: str) -> bytes:
    more = '"truncated":true,' if document.is_cut else ""
    return f'{{"log":{document.log},"stream":"{document.stream}","@timestamp":"{stamp}",{more}{constants}}}'.encode()
