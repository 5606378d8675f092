"""Docker's json-file lines → documents.

A chunk in which every line is an envelope is decoded at one go and spliced line by line into documents (the fast
path); any other is taken line by line (the slow path), with the same result. What holds for each:

- one raw line gives one document, unless Docker cut the line into pieces, which are joined;
- one newline ends one document: the application's JSON is spliced only if it is a valid object without a raw newline;
- a line over `joining.MAX_JOINED_CHARACTERS` becomes several documents, all but the last with `"truncated":true`;
- a line without a time takes that of the line before it in its file, else of the next one that has any, else the
  file's; so a file gives the same documents whenever and from wherever it is read;
- the trusted members stand outside `log`, so that the application cannot reach them.

The envelope: `envelope`; pieces of 16 KiB: moby `daemon/logger/copier.go`.
Exact rules: docs/specification.md, ADR 0001.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

from collector.documents.composer import Composer, FinishedLine, Made
from collector.documents.document import Pilotfish
from collector.documents.ids import NumberedIds, id_prefix
from collector.documents.segments import days, segment_of
from collector.model import (
    BEGINNING,
    Chunk,
    Decided,
    FileId,
    LogStream,
    Position,
    Segment,
    Start,
    Ticket,
)
from collector.ports import Taken, Transform, Undecided
from collector.sources.fingerprint import fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.envelope import Line, LineWithAttrs, envelope, envelopes, is_text, parts
from collector.transform.joining import JoinedLine, Joining, Place
from collector.transform.marks import Marks
from collector.transform.resting import Resting
from collector.transform.stamps import Stamped, Stamps
from collector.transform.undated import RawLine, Undated

_NO_TIME = "1970-01-01T00:00:00Z"  # of broken lines in positions of older versions
_UNDATED_SECONDS = 5.0  # that lines wait for one behind them that has a time


class DockerJson(Resting, Transform):
    """The transform of one stream. Keeps the pieces of unfinished lines, and the time of the line before."""

    _undated: type[Undated] = Undated

    def __init__(
        self, stamps: Stamps, start: Start = BEGINNING, *, composer: Composer | None = None, is_slow: bool = False
    ) -> None:
        """A first line without a time takes that of the line before `start`. `is_slow`: `Transform.is_slow`.

        `composer` gives documents their form, and is no other transform's; None: the form `pilotfish`.
        """
        self.is_slow = is_slow
        self.parse_errors = self.torn_lines = 0
        self._stamps = stamps
        self._composer = Pilotfish() if composer is None else composer
        self._begun = False
        self._was_plain = False  # the chunk before, and nothing of it is held
        self._joining = Joining()
        self._marks = Marks()
        self._held = self._undated(start.decided)
        self._clear: Ticket  # the last place at which nothing was unfinished or held, while something is held
        self._last_time = "" if start.last_time == _NO_TIME else start.last_time  # in the file being read
        self._line_before = b""  # b"" if it is not known
        self._done: Ticket  # what the next segment leaves behind it, unless it is the last
        self._prefix_of: tuple[FileId, str] | None = None
        self._prefix = ""

    @property
    def is_amid_line(self) -> bool:
        """Whether it holds pieces of a line whose last one has not come, or lines that wait for a time."""
        return bool(self._joining or self._held)

    def undecided(self) -> Undecided | None:
        """The time of the first lines of a file, while they wait for one that has any."""
        dated = self._held.undecided()
        return None if dated is None else Undecided(dated.file, _UNDATED_SECONDS, Decided(dated))

    def decide(self, decided: Decided) -> None:
        """Use what was decided and is kept."""
        self._held.decide(decided)

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes a document of the stream has beside its `log`, about."""
        return self._composer.added_bytes(stream)

    def take(self, chunk: Chunk) -> Taken:
        """What `chunk` becomes."""
        segments = self.segments(chunk)
        if segments:
            end: Ticket | None = segments[-1].ticket
        else:  # lines are kept, or left out before they came here
            last_time = self._last_time if chunk.end.line else ""  # of another file it is no line's time
            end = None if self.is_amid_line else self._ticket(chunk.end, last_time, chunk.fingerprint)
        taken = Taken(segments, end, parse_errors=self.parse_errors, torn_lines=self.torn_lines)
        if self._composer.reads_lines:
            taken.note(self._composer.counted())
        self.parse_errors = self.torn_lines = 0
        return taken

    def segments(self, chunk: Chunk) -> list[Segment]:
        """The documents of `chunk`, one segment per run of equal day."""
        self._begin(chunk)
        segments = self._fast(chunk)
        self._was_plain = segments is not None and not self.is_amid_line
        if segments is None:
            segments = self._slow(chunk)
        if chunk.data:
            self._line_before = last_line(chunk.data) if chunk.is_complete else b""
        return segments

    def _fast(self, chunk: Chunk) -> list[Segment] | None:
        found = _fast([(self, chunk)]) if chunk.data and not self.is_amid_line else None
        return None if found is None else found[0]

    @staticmethod
    def together(jobs: Sequence[tuple[Transform, Chunk]], most_bytes: int) -> Sequence[list[Segment] | None]:
        """Where each goes on plainly, all are decoded at one go: a small chunk by itself costs as much as ten lines."""
        plain: list[tuple[DockerJson, Chunk]] = []
        added = 0
        for transform, chunk in cast(Sequence[tuple[DockerJson, Chunk]], jobs):
            size = (chunk.end.line - chunk.start.line) * transform.added_bytes(chunk.stream)
            if added + size <= most_bytes and transform._goes_on_plainly(chunk):
                plain.append((transform, chunk))
                added += size
        found = _fast(plain) if len(plain) > 1 else None
        if found is None:
            return [None] * len(jobs)
        for transform, chunk in plain:
            transform._line_before = last_line(chunk.data) if chunk.is_complete else b""
        if len(plain) == len(jobs):
            return found
        made = dict(zip([id(chunk) for _, chunk in plain], found, strict=True))
        return [made.get(id(chunk)) for _, chunk in jobs]

    # ------------------------------------------------------------------ fast path

    def _goes_on_plainly(self, chunk: Chunk) -> bool:
        """Whether the chunk goes on in the file of the one before, which was plain, so that this one may be, too."""
        is_next = self._was_plain and self._done.end.file == chunk.start.file and bool(chunk.data)
        return is_next and not self._composer.reads_lines  # `Taken` alone has room for those that do not fit

    def _decoded(self, data: bytes) -> tuple[Sequence[Line], Stamped] | None:
        """Lines with their times; None if one of them is no line in Docker's form."""
        lines = envelopes(data, with_attrs=self._composer.with_attrs)
        if lines is None:
            return None
        try:
            times = [line.time for line in lines]
        except AttributeError:  # a line that says `null`
            return None
        stamped = self._stamps.stamp(times)
        return None if stamped is None else (lines, stamped)

    def _whole(self, chunk: Chunk, lines: Sequence[Line], stamps: Sequence[str]) -> Made | None:
        first = chunk.start.line
        ids = NumberedIds(self._id_prefix(chunk.start.file, chunk.stream), range(first, first + len(lines)))
        return self._composer.whole_lines(chunk.stream, lines, stamps, ids)

    def _finished(self, chunk: Chunk, last_time: str, made: Made, day: str) -> list[Segment]:
        self._last_time = last_time
        is_same = not self._composer.is_selective
        return self._by_day(chunk, self._ticket(chunk.end, last_time, chunk.fingerprint), made, day if is_same else "")

    # ------------------------------------------------------------------ slow path

    def _slow(self, chunk: Chunk) -> list[Segment]:
        finished: list[FinishedLine] = []
        if chunk.data and chunk.start.line == 0:  # another file: a line's neighbours are those in its own
            self._release(chunk.stream, finished)
            self._last_time = self._held.time_in(chunk.start.file)
        self._held.changed = chunk.changed()
        self._end_decided(finished)
        start, offset = chunk.start, chunk.end.offset - len(chunk.data)  # what is left out stands in the first line
        is_whole = chunk.is_complete
        for content in chunk.data.split(b"\n")[:-1]:
            self._take_raw(content, start, chunk.stream, finished)
            self._line_before = content if is_whole else b""
            is_whole = True  # but for the first line
            offset += len(content) + 1
            start = Position(start.file, offset, start.line + 1, start.inode, start.cursor)
        if chunk.ended or self._held.is_due:
            self._release(chunk.stream, finished)
        if chunk.ended:
            self._finish_all(finished)
        self._note(chunk.stream, finished)
        had_state = self._composer.remembers
        made = self._marks.compose(finished, partial(self._composed, chunk.stream), self._composer)
        return self._by_day(chunk, self._resume(chunk, had_state=had_state), made)

    def _composed(self, stream: LogStream, finished: Sequence[FinishedLine]) -> Made:
        return self._composer.finished(stream, finished, self._stamps.render([line.time for line in finished]))

    def _take_raw(self, content: bytes, start: Position, stream: LogStream, finished: list[FinishedLine]) -> None:
        if b"\0" not in content:
            self._take(RawLine(content, start, self._line_before), stream, finished)
            return
        self.torn_lines += 1
        for part, rest in parts(content):
            self._take(RawLine(rest, start, self._line_before, part, is_apart=True), stream, finished)

    def _take(self, raw: RawLine, stream: LogStream, finished: list[FinishedLine]) -> None:
        line = self._envelope(raw.content)
        before = self._last_time
        if line is not None and line.time:
            self._release(stream, finished, line.time)
            self._last_time = line.time
        if not self._last_time:
            self._hold(raw, stream, finished)
            return
        if line is not None and not is_text(raw.content):
            self.parse_errors += 1
        if raw.is_apart:
            self._finish_all(finished)
        if line is None:
            self._finish_broken(raw, stream, finished)
        else:
            at = partial(self._place, raw.start, before or self._last_time, raw.before)
            name, time = self._id(raw, stream), line.time or self._last_time
            self._join(self._joining.take(line, time, name, partial(self._place_within, at)), at, finished)
        self._note(stream, finished)

    def _note(self, stream: LogStream, finished: Sequence[FinishedLine]) -> None:
        """So many lines are finished, where those before them have to be known."""
        if self._composer.remembers:
            clear = self._clear if self._held else self._unfinished_clear
            self._marks.note(clear, self._unfinished(), finished, partial(self._id_prefix, stream=stream))

    def _unfinished(self) -> list[Ticket]:
        """Where lines begin that are not finished."""
        return self._joining.places

    def _join(self, lines: list[JoinedLine], at: Callable[[], Ticket], finished: list[FinishedLine]) -> None:
        """Lines that are whole with the one that stands there."""
        finished += lines

    def _finish_all(self, finished: list[FinishedLine]) -> None:
        """Nothing goes on here."""
        finished += self._joining.finish()

    def _end_decided(self, finished: list[FinishedLine]) -> None:
        """What was decided to be whole."""

    def _envelope(self, content: bytes) -> LineWithAttrs | None:
        """What a raw line says; None if that cannot be read."""
        return envelope(content, self._stamps)

    def _place_within(self, at: Callable[[], Ticket]) -> Place:
        """Where a line in pieces begins."""
        return Place(at(), 0)

    def _hold(self, raw: RawLine, stream: LogStream, finished: list[FinishedLine]) -> None:
        """Keep a line until one behind it has a time."""
        if not self._held:
            self._clear = self._unfinished_clear or self._place(raw.start, "", raw.before)
        self._held.hold(raw)
        self._note(stream, finished)
        if self._held.is_due:
            self._release(stream, finished)

    def _release(self, stream: LogStream, finished: list[FinishedLine], time: str = "") -> None:
        """The lines that were held have this time, or the one that was decided, or their file's."""
        if self._held:
            self._last_time = self._held.time(time)
            for raw in self._held.take():
                self._take(raw, stream, finished)

    def _finish_broken(self, raw: RawLine, stream: LogStream, finished: list[FinishedLine]) -> None:
        self.parse_errors += 1
        text = raw.content.decode(errors="replace").removesuffix("\r")
        is_cut = len(raw.content) >= MAX_RAW_LINE_BYTES
        name = self._id(raw, stream)
        finished.append(FinishedLine(text, "stdout", self._last_time, name, is_cut=is_cut, is_broken=True))

    def _place(self, start: Position, last_time: str, before: bytes) -> Ticket:
        known_by = fingerprint(last_line(before if start.offset else b""))  # that of the file before is no line of it
        return Ticket(start, last_time, known_by, carried="" if self._composer.remembers else self._composer.carried)

    def _resume(self, chunk: Chunk, *, had_state: bool = False) -> Ticket:
        """Where reading must resume: where nothing was unfinished or held."""
        clear = self._clear if self._held else self._unfinished_clear
        if clear is None:
            return self._ticket(chunk.end, self._last_time, chunk.fingerprint)
        return (self._marks.last or self._done) if had_state else clear

    @property
    def _unfinished_clear(self) -> Ticket | None:
        """The last place at which nothing was unfinished; None if nothing is."""
        return self._joining.clear if self._joining else None

    # ------------------------------------------------------------------ both

    def _id(self, raw: RawLine, stream: LogStream) -> str:
        return f"{self._id_prefix(raw.start.file, stream)}{raw.start.line}{raw.part}"

    def _id_prefix(self, file: FileId, stream: LogStream) -> str:
        if self._prefix_of != (file, stream.entry):
            self._prefix_of = (file, stream.entry)
            self._prefix = id_prefix(file, stream.entry)
        return self._prefix

    def _by_day(self, chunk: Chunk, end: Ticket, made: Made, day: str = "") -> list[Segment]:
        """Segments of equal day; only the last moves the position, since no offset is known inside a chunk."""
        documents, stamps, ids = made
        if day:
            self._done = end
            return [segment_of(chunk.stream, day, documents, ids, end)]
        segments = []
        for day, first, last in days(stamps):
            if last == len(documents):
                self._done = end
            segments.append(segment_of(chunk.stream, day, documents[first:last], ids[first:last], self._done))
        return segments


def _fast(jobs: Sequence[tuple[DockerJson, Chunk]]) -> list[list[Segment]] | None:
    """The segments of each chunk; None if a line of one of them is no whole line in Docker's form."""
    transform, chunk = jobs[0]
    data = chunk.data if len(jobs) == 1 else b"".join([chunk.data for _, chunk in jobs])
    decoded = transform._decoded(data)
    if decoded is None:
        return None
    lines, stamped = decoded
    found: list[tuple[str, Made]] = []
    first = 0
    for each, chunk in jobs:
        last = first + chunk.end.line - chunk.start.line
        made = each._whole(chunk, lines[first:last], stamped.stamps[first:last])
        if made is None or last == first:
            return None
        found.append((lines[last - 1].time, made))
        first = last
    if first != len(lines):
        return None
    pairs = zip(jobs, found, strict=True)
    return [transform._finished(chunk, *each, stamped.day) for (transform, chunk), each in pairs]
