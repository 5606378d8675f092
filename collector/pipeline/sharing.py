"""What one output made of the lines of a log → the others that come there soon: they take it and decode nothing again.

Each output reads every file by itself, as if it were alone, and no output waits for another. But where one of them has
read just before, the next one ends its read at the same line (`border`), and if it read the same bytes, for a stream
with the same settings, from the same rest, it takes the documents that the first one made. One that comes later than
the memory lasts decodes by itself, and comes abreast again by the borders of those that are where it comes to.
"""

import time
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from collector.model import Chunk, Counts, FileId, Position, StreamKey
from collector.pipeline.rhythm import Rhythm
from collector.ports import Taken, Transform
from collector.sources.border import Border
from collector.sources.fingerprint import last_line

_BYTES = 16 << 20  # of lines and their documents that are kept for others
_LITTLE_BYTES = 16 << 10  # of a log that others write while one output looks at it, and then the next one
_ABREAST_SECONDS = 0.1  # from one output's look to the next one's: what comes between waits for the next round of both
_REACH_BYTES = 2 << 20  # of a log: who is further behind has to decode by itself, for nothing is kept for that long


class Made(Struct, eq=False):
    """What was made of the lines of a chunk, by a transform that had the rest `before` them, and `after` them.

    `size` is the bytes that are kept, `coming` how many outputs it is kept for. `until` says, by the
    monotonic clock, up to when hardly more can have been written than what it has: 0.0 if there was more at once.
    `last_line` is the end of its last line, b"" if the chunk is not complete.
    """

    chunk: Chunk
    start: Position
    end: Position
    data: bytes
    before: object
    after: object
    taken: Taken
    size: int
    coming: int
    until: float
    is_complete: bool
    last_line: bytes

    def fits(self, chunk: Chunk, place: Position, at: int, rest: object) -> bool:
        """Whether it is of the lines of a chunk behind its byte `at`, from this rest on."""
        return (
            self.start == place
            and self.before == rest
            and (self.chunk.stream is chunk.stream or self.chunk.stream == chunk.stream)
            and (self.data is chunk.data or chunk.data.startswith(self.data, at))
        )

    def stands_in(self, inode: int) -> bool:
        """Whether the lines are as they stand in the file of that inode."""
        return self.is_complete and self.start.inode == inode

    def border(self, begin: Position, data: bytes, *, is_last: bool) -> Border:
        """The end of it, for one that begins there; `data` are all lines from there on, if they can be taken over."""
        size = self.end.offset - begin.offset
        return Border(size, is_last, data, self.end, self.last_line, self.chunk.fingerprint)

    def is_plain(self) -> bool:
        """Whether nothing is told of it but its documents, of which there are some."""
        taken = self.taken
        return bool(taken.segments) and taken.counts is None and not (taken.parse_errors or taken.torn_lines)


class Sharing:
    """What the outputs of an agent keep for each other: no more than so many bytes, and the latest.

    They hold their rounds in one `rhythm`.
    """

    def __init__(self, most_bytes: int = _BYTES) -> None:
        self.rhythm = Rhythm()
        self.size = 0
        self._most_bytes = most_bytes
        self._kept: dict[Made, SharedLog] = {}
        self._logs: dict[StreamKey, SharedLog] = {}

    def seat(self, key: StreamKey) -> "Seat":
        """For one more output that reads the stream."""
        log = self._logs.get(key)
        if log is None:
            log = self._logs[key] = SharedLog(self, key)
        return Seat(log)

    def border(self, key: StreamKey, begin: Position, size: int) -> Border | None:
        """Where a read of so many bytes should end that begins there; None: wherever it does."""
        log = self._logs.get(key)
        return log.border(begin, size) if log is not None and log.made else None

    def keep(self, made: Made, log: "SharedLog") -> None:
        """Keep it, and no longer what was kept first if that is too much."""
        self._kept[made] = log
        self.size += made.size
        while self.size > self._most_bytes:
            oldest, its_log = next(iter(self._kept.items()))
            its_log.drop(oldest)

    def forget(self, made: Made) -> None:
        """Its log keeps it no longer."""
        del self._kept[made]
        self.size -= made.size

    def leave(self, log: "SharedLog") -> None:
        """Nobody reads it any more."""
        if self._logs.get(log.key) is log:
            del self._logs[log.key]


class SharedLog:
    """What is kept of one stream, by where it begins, and who reads it."""

    def __init__(self, sharing: Sharing, key: StreamKey) -> None:
        self.key = key
        self.sharing = sharing
        self.seats: list[Seat] = []
        self.made: dict[tuple[FileId, int], Made] = {}

    def border(self, begin: Position, size: int) -> Border | None:
        """Behind all that follows on each other from there, as far as it is read at once; else where some begins."""
        made = self.made.get((begin.file, begin.offset))
        if made is None:
            return self._next_border(begin, size)
        is_there, run = made.stands_in(begin.inode), [made.data]
        while (following := self.made.get((begin.file, made.end.offset))) is not None:
            if following.end.offset - begin.offset > size:
                break
            made = following
            run.append(made.data)
            is_there = is_there and made.stands_in(begin.inode)
        is_last = following is None and time.monotonic() < made.until
        return made.border(begin, b"".join(run) if is_there else b"", is_last=is_last)

    def _next_border(self, begin: Position, size: int) -> Border | None:
        ends = [place.offset for one in self.made.values() if one.start.file == begin.file
                for place in (one.start, one.end) if begin.offset < place.offset <= begin.offset + size]  # fmt: skip
        return Border(min(ends) - begin.offset) if ends else None

    def run(self, chunk: Chunk, rest: object) -> list[Made]:
        """What was made of the lines of a chunk, one behind the other; none if that is not kept for all of it."""
        found: list[Made] = []
        place, at = chunk.start, 0
        while at < len(chunk.data):
            made = self.made.get((place.file, place.offset))
            if made is None or not made.fits(chunk, place, at, rest):
                return []
            found.append(made)
            place, at, rest = made.end, at + len(made.data), made.after
        return found if place == chunk.end else []

    def keep(self, made: Made) -> None:
        """Keep what was made here."""
        self.made[made.start.file, made.start.offset] = made
        self.sharing.keep(made, self)

    def drop(self, made: Made) -> None:
        """Nobody will come for it, or there is too much."""
        del self.made[made.start.file, made.start.offset]
        self.sharing.forget(made)

    def drop_passed(self) -> None:
        """Drop what everybody has passed by."""
        for made in [one for one in self.made.values() if not any(seat.may_come(one.start) for seat in self.seats)]:
            self.drop(made)


class Seat:
    """One output's at one log. `at` is where it is; None before it has taken anything."""

    def __init__(self, log: SharedLog) -> None:
        self._log = log
        self.at: Position | None = None
        log.seats.append(self)

    def take(self, transform: Transform, chunk: Chunk) -> Taken:
        """What `chunk` becomes: as it was made for another output, else as the transform makes it."""
        before = transform.rest(chunk)
        if (taken := self.find(transform, chunk, before)) is not None:
            return taken
        taken = transform.take(chunk)
        self.keep(transform, chunk, before, taken)
        return taken

    def find(
        self, transform: Transform, chunk: Chunk, rest: object | None, *, only_plain: bool = False
    ) -> Taken | None:
        """What was made of the chunk for another output, from which `transform`, which has this rest, goes on.

        None if there is none.
        """
        log = self._log
        run = log.run(chunk, rest) if log.made and rest is not None else ()
        if not run or (only_plain and not all(map(Made.is_plain, run))):
            return None
        self.at = chunk.end
        if len(run) == 1:
            return self._adopted(run[0], transform, chunk)
        parts = [replace(chunk, data=one.data, start=one.start, end=one.end) for one in run]
        return _together([self._adopted(one, transform, part) for one, part in zip(run, parts, strict=True)])

    def _adopted(self, made: Made, transform: Transform, part: Chunk) -> Taken:
        made.coming -= 1
        if made.coming <= 0:
            self._log.drop(made)
        return transform.adopt(part, made.taken, made.last_line)

    def keep(self, transform: Transform, chunk: Chunk, before: object | None, taken: Taken) -> None:
        """Keep what the transform, which had this rest before, made of the chunk, for those that may come soon."""
        self.at = chunk.end
        log = self._log
        if log.made:
            log.drop_passed()
        after = transform.rest(chunk)
        if before is None or after is None or (chunk.start.file, chunk.start.offset) in log.made:
            return
        coming = sum([seat is not self and seat.may_come(chunk.start) for seat in log.seats])
        if coming:
            size = len(chunk.data) + sum([segment.size for segment in taken.segments])
            is_end = chunk.size() - chunk.end.offset <= _LITTLE_BYTES
            until = time.monotonic() + _ABREAST_SECONDS if is_end else 0.0
            is_complete = chunk.is_complete
            end = last_line(chunk.data) if is_complete else b""
            place = chunk.start, chunk.end, chunk.data
            log.keep(Made(chunk, *place, before, after, taken, size, coming, until, is_complete, end))

    def may_come(self, start: Position) -> bool:
        """Whether it may come there, and soon."""
        if self.at is None:
            return True
        if self.at.file != start.file:
            return start.offset < _REACH_BYTES  # it may be at the end of the file before
        return start.offset - _REACH_BYTES < self.at.offset <= start.offset

    def leave(self) -> None:
        """The output reads the stream no longer."""
        log = self._log
        log.seats.remove(self)
        log.drop_passed()
        if not log.seats:
            log.sharing.leave(log)


def _together(found: Sequence[Taken]) -> Taken:
    """All that was taken, in their order, as of one chunk."""
    taken = Taken(
        [segment for one in found for segment in one.segments],
        found[-1].end,
        parse_errors=sum(one.parse_errors for one in found),
        torn_lines=sum(one.torn_lines for one in found),
    )
    counted = [one.counts for one in found if one.counts is not None]
    if counted:
        counts = Counts()
        for one in counted:
            counts.add(one)
        taken.note(counts)
    return taken
