"""Docker's json-file lines → documents of events, each of one line or several: `docker_json` with `events` behind it.

A chunk of one stream is decoded at one go, and its lines are spliced into documents, but for those that may be joined,
the two before each of them, and the last two, which go through `events`. Any other chunk is taken line by line.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import pairwise

from collector.documents.composer import Composer, FinishedLine, Made
from collector.documents.ids import NumberedIds
from collector.documents.json_text import text_of
from collector.model import BEGINNING, Chunk, Decided, LogStream, Position, Segment, Start, Ticket
from collector.ports import Taken, Transform, Undecided
from collector.reading import Multiline
from collector.sources.fingerprint import fingerprint
from collector.transform.docker_json import DockerJson
from collector.transform.envelope import Line
from collector.transform.event_rules import rule_of
from collector.transform.events import Events
from collector.transform.joining import JoinedLine, Place
from collector.transform.stamps import Stamps

_LATE_SECONDS = 2.0  # that a line may come later than Docker's time of it says, before an event is ended without it
_LAST = 2  # lines of a chunk that are not whole with it


class MultilineJson(DockerJson):
    """The transform of one stream whose lines are joined to events."""

    def __init__(
        self,
        stamps: Stamps,
        multiline: Multiline,
        start: Start = BEGINNING,
        *,
        composer: Composer | None = None,
        is_slow: bool = False,
    ) -> None:
        """As `DockerJson`.

        Raises:
            ValueError: a pattern cannot be used.
        """
        super().__init__(stamps, start, composer=composer, is_slow=is_slow)
        self._rule = rule_of(multiline)
        self._events = Events(self._rule, multiline, start.decided.ended)
        self._patience = multiline.gap + _LATE_SECONDS
        self._is_at_end = False  # a chunk without data came last

    @property
    def is_amid_line(self) -> bool:
        """Whether it holds lines of an event that may go on, or what `DockerJson` holds."""
        return bool(self._events) or super().is_amid_line

    def undecided(self) -> Undecided | None:
        """The time of lines that wait for one, else the end of events."""
        if (found := super().undecided()) is not None:
            return found
        if not (ended := self._events.undecided(self._joining.streams)):
            return None
        return Undecided(ended, self._patience, Decided(None, ended), self._is_at_end)

    def decide(self, decided: Decided) -> None:
        """Use what was decided and is kept."""
        super().decide(decided)
        self._events.decide(decided.ended)

    def take(self, chunk: Chunk) -> Taken:
        """What `chunk` becomes."""
        self._is_at_end = not chunk.data
        return super().take(chunk)

    together = staticmethod(Transform.together)  # each holds something, nearly always
    rest = Transform.rest

    # ------------------------------------------------------------------ fast path

    def _fast(self, chunk: Chunk) -> list[Segment] | None:
        is_unfinished = self._held or self._joining or self._events.is_due or self._composer.is_selective
        if is_unfinished or chunk.ended or not chunk.data or not chunk.is_complete:
            return None
        decoded = self._decoded(chunk.data)
        if decoded is None:
            return None
        lines, stamped = decoded
        count = chunk.end.line - chunk.start.line
        if len(lines) != count:
            return None
        streams = {line.stream for line in lines}
        is_mixed = len(streams) > 1 or not self._events.are_of(*streams)
        further = range(count) if is_mixed else self._rule.further(lines)
        if further and self._composer.reads_lines:  # a line is to be read once, be it alone or not
            further = range(count)
        most = max(0, count - _LAST) if len(further) < count else 0
        if not all(line.log.endswith("\n") for line in lines[most:]):
            return None
        prefix, first = self._id_prefix(chunk.start.file, chunk.stream), chunk.start.line
        ids = NumberedIds(prefix, range(first, first + most))
        alone = self._composer.whole_lines(chunk.stream, lines[:most], stamped.stamps[:most], ids)
        if alone is None:
            return None
        made = _Made(alone.documents, stamped.stamps, prefix, first)
        self._walk(chunk, lines, further, made)
        self._last_time = lines[-1].time
        if not made.documents:
            return []
        is_one_day = stamped.day and all(stamp[:10] == stamped.day for stamp in made.others)
        day = stamped.day if is_one_day else ""
        return self._by_day(chunk, self._resume(chunk), Made(made.documents, made.stamps, made.ids), day)

    def _walk(self, chunk: Chunk, lines: Sequence[Line], further: Sequence[int], made: "_Made") -> None:
        """Each line that may be joined, with the two before it, goes through `events`; the others are whole."""
        events, count, next_ = self._events, len(lines), 0
        places = _Places(self, chunk, lines)
        is_any = len(further) == count
        for one in (*further, count):
            if (until := one - _LAST) > next_ and events.is_calm:
                self._put(chunk.stream, events.finish(), made)
                made.put(next_, until)
                next_ = until
            while next_ < count and (next_ <= one or is_any or not events.is_calm):
                line = lines[next_]
                whole = JoinedLine(
                    text_of(line.log), line.stream, line.time, made.name(next_), bytes(getattr(line, "attrs", b""))
                )
                self._put(chunk.stream, events.take(whole, partial(places.at, next_), is_amid=False), made)
                next_ += 1

    def _put(self, stream: LogStream, finished: Sequence[FinishedLine], made: "_Made") -> None:
        if finished:
            made.put_others(self._composed(stream, finished))

    # ------------------------------------------------------------------ slow path

    def _join(self, lines: Sequence[JoinedLine], at: Callable[[], Ticket], finished: list[FinishedLine]) -> None:
        for line in lines:
            finished += self._events.take(line, at, is_amid=bool(self._joining))

    def _finish_all(self, finished: list[FinishedLine]) -> None:
        self._join(self._joining.finish(), lambda: self._clear, finished)  # each tells itself where it begins
        finished += self._events.finish()

    def _end_decided(self, finished: list[FinishedLine]) -> None:
        finished += self._events.release()

    def _place_within(self, at: Callable[[], Ticket]) -> Place:
        ticket = at()
        if not self._events and not self._joining:
            self._events.clear = ticket
        return Place(ticket, self._events.count + 1)

    def _unfinished(self) -> list[Ticket]:
        return super()._unfinished() + self._events.places

    @property
    def _unfinished_clear(self) -> Ticket | None:
        return self._events.clear if self._events or self._joining else None


class _Made:
    """What a chunk becomes: documents of its lines, which are made at one go, and others between them."""

    def __init__(self, lines: list[bytes], stamps: list[str], prefix: str, first: int) -> None:
        self._lines, self._line_stamps = lines, stamps
        self._prefix, self._first = prefix, first
        self.documents: list[bytes] = []
        self.stamps: list[str] = []
        self._ids: list[str | range] = []
        self.others: list[str] = []  # the stamps of the others

    def name(self, line: int) -> str:
        """The id of that line."""
        return f"{self._prefix}{self._first + line}"

    def put(self, first: int, last: int) -> None:
        """The documents of these lines."""
        self.documents += self._lines[first:last]
        self.stamps += self._line_stamps[first:last]
        self._ids.append(range(self._first + first, self._first + last))

    def put_others(self, made: Made) -> None:
        """Documents that were made otherwise."""
        self.documents += made.documents
        self.stamps += made.stamps
        self.others += made.stamps
        self._ids += made.ids

    @property
    def ids(self) -> Sequence[str]:
        """Those of the documents."""
        numbers = [self._numbers(one) for one in self._ids]
        is_run = all(before.stop == after.start for before, after in pairwise(numbers)) and all(numbers)
        if is_run:
            return NumberedIds(self._prefix, range(numbers[0].start, numbers[-1].stop))
        return [name for one in self._ids for name in ([one] if isinstance(one, str) else self._names(one))]

    def _names(self, numbers: range) -> Iterable[str]:
        return NumberedIds(self._prefix, numbers)

    def _numbers(self, ids: str | range) -> range:
        """The lines of documents that are of one line each, of this file; none if they are not."""
        if isinstance(ids, range):
            return ids
        digits = ids.removeprefix(self._prefix)
        return range(int(digits), int(digits) + 1) if digits.isdigit() else range(0)


class _Places:
    """Where the lines of a chunk begin."""

    def __init__(self, transform: MultilineJson, chunk: Chunk, lines: Sequence[Line]) -> None:
        self._transform = transform
        self._chunk = chunk
        self._lines = lines
        self._line = self._end = 0  # so many lines end there

    def at(self, number: int) -> Ticket:
        """Where that line begins."""
        transform, chunk = self._transform, self._chunk
        if not number:
            return transform._place(chunk.start, transform._last_time or self._lines[0].time, transform._line_before)
        end = self._end_of(number - 1)
        begin = chunk.data.rfind(b"\n", 0, end - 1) + 1
        offset = chunk.start.offset + end
        at = Position(chunk.start.file, offset, chunk.start.line + number, chunk.start.inode, chunk.start.cursor)
        return Ticket(at, self._lines[number - 1].time, fingerprint(chunk.data[begin : end - 1]))

    def _end_of(self, number: int) -> int:
        data, behind = self._chunk.data, len(self._lines) - 1 - number
        if behind <= _LAST:
            end = len(data)
            for _ in range(behind):
                end = data.rfind(b"\n", 0, end - 1) + 1
            return end
        while self._line <= number:  # they are asked for in their order
            self._end = data.index(b"\n", self._end) + 1
            self._line += 1
        return self._end
