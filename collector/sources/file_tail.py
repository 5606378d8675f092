"""A json-file log → chunks of whole lines: what is there, what is appended, over rotation, truncation and removal.

- The old file is read to its end before the next one; those that come meanwhile are opened at once and kept open, so
  that rotation cannot take them away; what was missed (a restart) is read oldest first, `.gz` too.
- A position is only ever behind a newline. Half a line waits for its end, unless its file is finished.
- Active logs are looked at together, in rounds and in their turn; one that gives much is looked at in between, too.
- An idle file costs nothing: after some quiet it is watched, not read.

The files are `log_reader`'s; here is when to read and what a chunk says.
Positions, identity, rotation: docs/specification.md; moby `daemon/logger/loggerutils/logfile.go`.
"""

import asyncio
import errno
from collections.abc import AsyncIterator, Callable

from collector.files.regular import refusal
from collector.model import BEGINNING, Chunk, LogStream, Position, Start
from collector.ports import PolledSource
from collector.sources.cutoff import cutoff_of, without_older
from collector.sources.going_back import gone_back
from collector.sources.line_reader import SO_FAR, YET, LineReader, NoLines
from collector.sources.log_reader import LogReader
from collector.sources.pace import IN_ROUND, NEVER, NOW, SOON, WAITS, Next, Pace, Waits
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.wake import Wake
from collector.sources.watcher import Watcher


class FileTail(PolledSource):
    """The source of one stream. `start`: where to begin, and what to leave out.

    `reached` is given the beginning of each file that reading comes to, as soon as it is identified.
    `rounds` are shown each chunk first; what they take, `chunks` need not give, so that no task is woken for it.
    """

    can_go_back = True
    _without_older = staticmethod(without_older)

    def __init__(
        self,
        stream: LogStream,
        watcher: Watcher,
        *,
        start: Start = BEGINNING,
        counts: TailCounts | None = None,
        reached: Callable[[Position], None] = lambda beginning: None,
        rounds: Rounds[PolledSource] | None = None,
        waits: Waits = WAITS,
    ) -> None:
        super().__init__(stream)
        self.counts = TailCounts() if counts is None else counts
        self.pace = Pace(waits.poll_seconds)
        self._waits = waits
        self._watcher = watcher
        self._reached = reached
        self._file: Position | None = None  # that was told last
        self._cutoff = cutoff_of(start)
        self._rounds = rounds
        self._found: Chunk | float | Next = NOW  # what a round found for the reader to go on with
        self._log = LogReader(stream, self.counts, start.resume)
        self._wake = Wake()
        self._is_followed = False  # whether the directory tells of new files
        self._end: Position | None = None  # of the chunk before
        self._is_watched = False
        self._is_caught_up = False  # all was read when it began to wait, and it is told of what comes
        self._left_bytes: int | None = None  # by the last look, if it found nothing to read
        self._end_told = self._is_asked = False  # the latter: for a chunk, even without data

    def update(self, stream: LogStream) -> None:
        """Take over a new name or state of the container, which exists."""
        if self.stream != stream or self.is_removed:
            self.stream = stream
            self._log.update(stream)
            self.is_removed = self._end_told = False
            self._wake.set()

    def remove(self) -> None:
        """The container is gone: read what is left, then end."""
        self.is_removed = True
        self._wake.set()

    def ask(self) -> None:
        """Give a chunk at the next look, even without data: whoever takes it has something to finish."""
        self._is_asked = True
        self._log.unpark()
        self._wake.set()

    def look_ahead(self) -> None:
        """Open what has come since, if no event tells of it: for a timer, while the reader waits for room."""
        if not self._is_followed or self._log.awaits_turn:
            self._log.look_ahead()

    def set_aside(self) -> None:
        """Leave the descriptors to others, if they need them: nobody reads it for long. The next look opens it."""
        self._log.set_aside()

    def go_back(self, start: Start) -> None:
        """Read again from there on; what is gone of it meanwhile is counted."""
        assert start.resume is not None  # noqa: S101 - it was read
        self._log = gone_back(self._log, start.resume, self.stream, self.counts, is_told=self._is_followed)
        self._slept(is_woken=True)
        self._end, self._file, self._end_told = None, None, False
        self._cutoff = cutoff_of(start)
        self._wake.set()

    def let_go(self) -> int:
        """Give up the oldest file that was removed and waits for its turn; returns its bytes, which are lost."""
        return self._log.successors.let_go()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the file changes or something is told."""
        self._slept(is_woken=await self._wake.sleep(seconds))

    @property
    def since(self) -> float | None:
        """Before that, by the loop's time, nothing of what it gave last was there."""
        return self.pace.since

    @property
    def backlog_bytes(self) -> int:
        """Bytes of plain files that were not read yet; of an idle one when it was last looked at."""
        return self._log.unread_bytes if self._left_bytes is None else self._left_bytes

    @property
    def held_bytes(self) -> int:
        """Bytes of removed files that are kept open until they are read."""
        return 0 if self._is_caught_up or self.pace.quiet_looks else self._log.held_bytes

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Whole lines, in order; a chunk without data tells a position, or that the container has stopped.

        Ends when the container is gone. Called again, it goes on where it was, or where it is to go back to.

        Raises:
            OSError: the log cannot be read; what is open stays open then, and at the end, for it may have no name.
        """
        try:
            while True:
                found, self._found = self._found, NOW
                if found is NOW:
                    found = self._look()
                if isinstance(found, Chunk):
                    given, size = [found], len(found.data)
                    del found  # it is not kept here while its reader waits
                    yield given.pop()
                    found = self._after(size)
                if found is NEVER:
                    self._log.count_unseen()
                    return
                if found is SOON:
                    await asyncio.sleep(0)
                else:
                    self._slept(is_woken=await self._wake.sleep(found if isinstance(found, float) else None))
        except (GeneratorExit, asyncio.CancelledError):
            self.close()
            raise
        except OSError:
            self.is_readable = False
            self._left_bytes = None
            raise

    def close(self) -> None:
        """Close every file; `chunks` goes on from here if it is called again. May be called twice."""
        self._watcher.disarm(self._wake)
        if self._rounds is not None:
            self._rounds.leave(self)
        self._watcher.unfollow(self._created)
        self._is_followed = self._is_watched = self._is_caught_up = False
        self._log.set_down()

    def _look(self) -> Chunk | float | Next:
        """Look once: a chunk to give, or when to look next: in so many seconds, or else."""
        step = self._next(asyncio.get_running_loop().time())
        if not isinstance(step, Chunk):
            return self._without(step)
        is_taken = self._rounds is not None and self._rounds.take([(self, step)])[0]
        return self._after(len(step.data)) if is_taken else step

    def look(self, now: float) -> Chunk | None:
        """What has come, at this time of the loop; None if it needs nothing, or its reader goes on with it."""
        if self._wake.is_due:
            self._wake.end()
            return None
        try:
            step = self._next(now)
        except OSError:  # the reader will meet it, too
            self._wake.end()
            return None
        if isinstance(step, Chunk):
            return step
        self._go_on(self._without(step))
        return None

    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        """What it gave was taken, or its reader has to wait with it."""
        self._go_on(self._after(len(chunk.data)) if is_taken else chunk)

    def _go_on(self, found: Chunk | float | Next) -> None:
        """Have the reader go on with this, unless a round was joined."""
        if found is not IN_ROUND:
            self._found = found
            self._wake.end()

    def _next(self, now: float) -> Chunk | NoLines:
        """The next chunk, or why there is none."""
        self.pace.look(now)
        is_quick, self._is_caught_up = self._is_caught_up, False
        # A quick look finds the file that it was, in the directory that is followed.
        reader = self._log.reader if is_quick else self._identified()
        if reader is None:
            return self._asked(None)
        data = self._log.read(reader, is_removed=self.is_removed, is_quick=is_quick)
        self.is_readable = True
        if isinstance(data, bytes):
            return self._chunk(reader, data)
        return self._asked(reader) if data is YET else data

    def _without(self, why: NoLines) -> float | Next:
        """When to look next, since this look gave no chunk."""
        self.is_readable = self._log.reader is not None
        if why is SO_FAR:
            return SOON
        return NEVER if self.is_removed and not self._log.awaits_turn else self._idle()

    def _identified(self) -> LineReader | None:
        """What reads the file to go on in, the beginning of which is told once; None while there is none."""
        self._follow_directory()
        if self._has_end_to_tell:
            self._log.unpark()
        reader = self._log.identified()
        if reader is None:
            self._refuse_missing()
        if (file := self._log.beginning) is not None and file != self._file:
            self._file = file
            self._reached(file)
        if reader is not None and (self._end is None or self._end.file != reader.id):
            self._end = reader.position
        return reader

    def _refuse_missing(self) -> None:
        """There is no file to read.

        Raises:
            OSError: there is something else in its place, or there should be one by now.
        """
        is_looked_for = not (self.is_removed or self._log.watch_path)
        if is_looked_for and (error := refusal(self._log.live)) is not None:
            raise error
        if is_looked_for and self.stream.has_run and self.pace.is_late and not self._log.awaits_turn:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", self.stream.path)

    @property
    def _has_end_to_tell(self) -> bool:
        return (self.is_removed or not self.stream.running) and not self._end_told

    def _asked(self, reader: LineReader | None) -> Chunk | NoLines:
        """What is to be told without data, also while the file that comes next has no line (no reader)."""
        ended = self._has_end_to_tell
        if self._end is None or not (ended or self._is_asked):
            return YET
        if reader is not None:
            return self._chunk(reader, b"", ended=ended)
        self._end_told, self._is_asked = ended, False
        return Chunk(stream=self.stream, data=b"", start=self._end, end=self._end, ended=ended)

    def _chunk(self, reader: LineReader, data: bytes, *, ended: bool = False) -> Chunk:
        assert self._end is not None  # noqa: S101 - set when the file was identified
        self._end_told, self._is_asked = ended, False
        self.pace.quiet_looks = 0
        self._left_bytes = None
        start, self._end = self._end, reader.position
        chunk = Chunk(
            stream=self.stream,
            data=data,
            start=start,
            end=self._end,
            ended=ended,
            fingerprint=reader.fingerprint,
            changed=reader.file.changed,
            size=reader.file.end,
        )
        if self._cutoff and data:
            chunk, is_over = self._without_older(chunk, self._cutoff)
            self._cutoff = "" if is_over else self._cutoff
        return chunk

    def _follow_directory(self) -> None:
        if not self._is_followed:
            self._is_followed = self._watcher.follow(self._log.live.parent, self._created)
            self._log.successors.tell(is_told=self._is_followed)

    def _created(self, name: str) -> None:
        if not name:
            self._is_followed = False
            self._log.successors.tell(is_told=False)
            self._log.look_ahead()
            self._wake.set()
        elif name == self._log.live.name:
            self._log.created()
            self._wake.set()

    def _after(self, size: int) -> float | Next:
        """A chunk of so many bytes was given: when to look next."""
        rounds = self._joinable
        if rounds is None or self.is_removed or self._has_end_to_tell or not self._log.is_at_end:
            return SOON
        seconds = self.pace.own_seconds(size, rounds.seconds)
        return self._join(rounds, size) if seconds is None else seconds

    def _idle(self) -> float | Next:
        """There is nothing to read: when to look next."""
        self.pace.quiet_looks += 1
        self._left_bytes = None if self._log.awaits_turn else self._log.unread_bytes
        is_idle = self.pace.is_idle(in_rounds=self._joinable is not None)
        if self._log.park(is_idle=is_idle):
            self._watcher.disarm(self._wake)
            self._is_watched = False
        if self._log.awaits_turn:
            return self._waits.turn_seconds
        if not is_idle:
            return self._waits.poll_seconds if (rounds := self._joinable) is None else self._join(rounds, 0)
        path = self._log.watch_path
        before, self._is_watched = self._is_watched, bool(path) and self._watcher.arm(path, self._wake)
        if self._is_watched and not before:
            return SOON  # a change before the watch was set wakes nobody
        return self._waits.watched_seconds if self._is_watched else self._waits.unwatched_seconds

    def _join(self, rounds: Rounds[PolledSource], found_bytes: int) -> Next:
        self._is_caught_up = self._log.reader is not None and self._log.reader.id is not None
        rounds.join(self, found_bytes)
        return IN_ROUND

    def _slept(self, *, is_woken: bool) -> None:
        """What woke it says that nothing is as it was; what it reads then has come just now."""
        if is_woken:
            if self._rounds is not None:
                self._rounds.leave(self)
            self.pace.woken(asyncio.get_running_loop().time())
            self._left_bytes = None
            self._is_watched = self._is_caught_up = False
            if not isinstance(self._found, Chunk):
                self._found = NOW

    @property
    def _joinable(self) -> Rounds[PolledSource] | None:
        """The rounds, if it needs no look of its own to be in time: it is told of each new file, and has one."""
        return self._rounds if self._is_followed and self._log.reader is not None else None
