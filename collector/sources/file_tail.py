"""A json-file log → chunks of whole lines: what is there, what is appended, over rotation, truncation and removal.

- The old file is read to its end before the next one; those that come meanwhile are opened at once and kept open, so
  that rotation cannot take them away; what was missed (a restart) is read oldest first, `.gz` too.
- A position is only ever behind a newline. Half a line waits for its end, unless its file is finished.
- An idle file costs nothing: after a second of quiet it is watched, not read.

Positions, identity, rotation: DESIGN §3 of the project; moby `daemon/logger/loggerutils/logfile.go`.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from collector.model import Chunk, FileId, LogStream, Position
from collector.sources.cutoff import without_older
from collector.sources.fingerprint import fingerprint
from collector.sources.line_reader import LineReader, Truncated
from collector.sources.log_files import Generation, LogFile, generations, keep_ordinal
from collector.sources.resume import Match, Resume, find
from collector.sources.successors import Successors
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher

_POLL_SECONDS = 0.1
_POLLS_BEFORE_WATCHING = 10
_WATCHED_SECONDS = 30.0  # a look now and then, should an event ever be missed
_UNWATCHED_SECONDS = 2.0


class FileTail:
    """The source of one stream. `cutoff` (`YYYY-MM-DDTHH:MM:SS`) leaves out older lines when there is no `resume`."""

    def __init__(
        self,
        stream: LogStream,
        watcher: Watcher,
        *,
        resume: Resume | None = None,
        cutoff: str = "",
        counts: TailCounts | None = None,
    ) -> None:
        self.stream = stream
        self.counts = TailCounts() if counts is None else counts
        self._watcher = watcher
        self._resume = resume
        self._cutoff = "" if resume else cutoff
        self._live = Path(stream.path)
        self._wake = asyncio.Event()
        self._removed = False
        self._reader: LineReader | None = None
        self._successors = Successors(self._live, self.counts)
        self._is_followed = False  # whether the directory tells of new files
        self._id: FileId | None = None
        self._ordinals = {} if resume is None else dict(resume.ordinals)
        if resume is not None:
            keep_ordinal(self._ordinals, resume.position.file.head, resume.position.file.ordinal)
        self._last_end: Position
        self._quiet_polls = 0
        self._end_told = False

    # ------------------------------------------------------------------ told from outside

    def update(self, stream: LogStream) -> None:
        """Take over a new name or state of the container, which exists."""
        if self.stream != stream or self._removed:
            self.stream = stream
            self._removed = self._end_told = False
            self._wake.set()

    def remove(self) -> None:
        """The container is gone: read what is left, then end."""
        self._removed = True
        self._wake.set()

    def look_ahead(self) -> None:
        """Open what has come since, if no event tells of it: for a timer, while the reader waits for room."""
        if self._reader is not None and not self._is_followed:
            with suppress(OSError):  # the reader will meet it, too
                self._successors.look(self._reader.file)

    def let_go(self) -> int:
        """Give up the oldest file that was removed and waits for its turn; returns its bytes, which are lost."""
        return self._successors.let_go()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the file changes or something is told."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._wake.wait()
                self._quiet_polls = 0
        self._wake.clear()

    @property
    def inode(self) -> int:
        """Of the file being read."""
        return self._reader.file.inode if self._reader is not None else 0

    @property
    def backlog_bytes(self) -> int:
        """Bytes of plain files that were not read yet."""
        return 0 if self._reader is None else self._reader.unread_bytes + self._successors.unread_bytes

    @property
    def held_bytes(self) -> int:
        """Those of them that are in files which were removed, and take up room on the disk only since we read them."""
        if self._reader is None or self._quiet_polls:  # nothing is left to read
            return 0
        own = self._reader.unread_bytes if self._reader.file.is_removed else 0
        return own + self._successors.removed_bytes

    # ------------------------------------------------------------------ the source

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Whole lines, in order; a chunk without data tells a position, or that the container has stopped.

        Ends when the container is gone. Called again after an error, it goes on where it was.

        Raises:
            OSError: the log cannot be read; what is open stays open, since it may have no name any more.
        """
        failed = False
        try:
            while True:
                if not self._is_identified():
                    if self._removed:
                        self._tell_unseen()
                        return
                    await self._idle()
                    continue
                step = self._next()
                if isinstance(step, Chunk):
                    self._quiet_polls = 0
                    yield step
                elif step:
                    await asyncio.sleep(0)
                elif self._removed:
                    self._tell_unseen()
                    return
                else:
                    await self._idle()
        except OSError:
            failed = True
            raise
        finally:
            if not failed:
                self.close()

    def close(self) -> None:
        """Close every file; `chunks` goes on from here if it is called again. May be called twice."""
        self._watcher.disarm(self._wake)
        self._watcher.unfollow(self._created)
        self._is_followed = False
        if self._reader is not None and self._id is not None:
            position = Position(self._id, self._reader.offset, self._reader.line)
            self._resume = Resume(position, self.inode, self._ordinals, fingerprint(self._reader.last_line))
        self._successors.close()
        self._leave_file()

    def _next(self) -> Chunk | bool:
        """The next chunk; else True if there may be more at once, False if there is nothing to read for now."""
        assert self._reader is not None  # noqa: S101 - only called once a file is identified
        try:
            if (data := self._reader.read()) is not None:
                return self._chunk(data) if data else True
            self._successors.look(self._reader.file)
            if self._successors or self._removed:
                # What was written between the last read and the rename, then what never got its newline.
                data = self._reader.read()
                if (data := self._reader.rest() if data is None else data) is not None:
                    return self._chunk(data) if data else True
                if self._successors:
                    self._go_on()
                    return True
        except Truncated:
            self._begin_anew()
            return True
        if (self._removed or not self.stream.running) and not self._end_told:
            return self._chunk(b"", ended=True)
        return False

    def _chunk(self, data: bytes, *, ended: bool = False) -> Chunk:
        assert self._id is not None  # noqa: S101
        assert self._reader is not None  # noqa: S101
        self._end_told = ended
        start, self._last_end = self._last_end, Position(self._id, self._reader.offset, self._reader.line)
        known_by = fingerprint(self._reader.last_line)
        chunk = Chunk(stream=self.stream, data=data, start=start, end=self._last_end, ended=ended, fingerprint=known_by)
        self.counts.lost_bytes += self._reader.lost_bytes
        self._reader.lost_bytes = 0
        if self._cutoff and data:
            chunk, is_over = without_older(chunk, self._cutoff)
            self._cutoff = "" if is_over else self._cutoff
        return chunk

    # ------------------------------------------------------------------ which file

    def _is_identified(self) -> bool:
        """Find the file to begin with, or the identity of the one at hand; False while there is none."""
        if self._reader is None and not self._begin():
            return False
        assert self._reader is not None  # noqa: S101
        while self._id is None and not self._identify(self._reader.file):
            self._successors.look(self._reader.file)
            if not self._successors:
                return False
            if not self._identify(self._reader.file):  # rotated before it held a whole line
                self.counts.lost_bytes += self._reader.file.size or 0
                self._go_on()
        return True

    def _identify(self, file: LogFile) -> bool:
        if (head := file.head()) is None:
            return False
        ordinal = self._ordinals.get(head, -1) + 1
        keep_ordinal(self._ordinals, head, ordinal)
        self._take_up(FileId(self.stream.container_id, head, ordinal))
        return True

    def _take_up(self, file: FileId) -> None:
        assert self._reader is not None  # noqa: S101
        self._id = file
        self._last_end = Position(file, self._reader.offset, self._reader.line)

    def _begin(self) -> bool:
        """Open the first file; False if there is none yet, or it was renamed just now."""
        self._successors.container = self.stream.container
        if not self._is_followed:
            self._is_followed = self._watcher.follow(self._live.parent, self._created)
            self._successors.tell(is_told=self._is_followed)
        found = self._generations()
        if not found:
            self._check_missing()
            return False
        try:
            self._open(found)
        except FileNotFoundError:
            return False
        return True

    def _open(self, found: list[Generation]) -> None:
        if self._resume is None:
            # All that are kept are there at the first look at a new container: older ones may be gone already.
            is_gap = 1 < self.stream.files_kept <= len(found)
            self._reader = LineReader(self._successors.start(found, after_gap=is_gap))
        else:
            match = find(found, self._resume)
            self._start_in(match, self._resume.position, after_gap=match.file is None and not match.was_cut)
            self.counts.truncated += match.was_cut
        self._resume = None
        self._successors.look(self._reader.file)  # type: ignore[union-attr]

    def _start_in(self, match: Match, position: Position, *, after_gap: bool = False) -> None:
        """Begin with the first of the unread files: at the position if it is as it was, else at its start."""
        file = self._successors.start(match.unread, file=match.file, after_gap=after_gap)
        if match.file is None:
            self._reader, self._id = LineReader(file), None
        else:
            self._reader = LineReader(file, offset=position.offset, line=position.line)
            self._take_up(position.file)

    def _go_on(self) -> None:
        """The file is read to its end: on to the next one."""
        assert self._reader is not None  # noqa: S101
        if self._reader.file.is_torn:
            self.counts.gap(self.stream.container)
        self.counts.rotated += 1
        self._successors.container = self.stream.container
        file = self._successors.take()
        self._leave_file()
        assert file is not None  # noqa: S101 - only called when there is one
        self._reader = LineReader(file)

    def _begin_anew(self) -> None:
        """The file was cut: go on in the copy that was made of it before, if there is one; else as another file."""
        assert self._reader is not None  # noqa: S101
        assert self._id is not None  # noqa: S101
        cut, found = self._reader, self._generations()
        position = Position(self._id, cut.offset, cut.line)
        lost_bytes = max(0, cut.seen_bytes - cut.offset)
        if found:
            resume = Resume(position, cut.file.inode, self._ordinals, fingerprint(cut.last_line))
            try:
                match = find(found, resume)
                self._successors.forget_present(cut.file.inode)
                self._start_in(match, position)
            except FileNotFoundError:  # one got another name just now: the cut is met again at the next look
                return
            lost_bytes = lost_bytes if match.file is None else 0
            cut.file.close()
        else:
            self._reader, self._id = LineReader(cut.file), None
        self.counts.truncated += 1
        self.counts.lost_bytes += lost_bytes

    def _leave_file(self) -> None:
        if self._reader is not None:
            self._reader.file.close()
            self._reader = None
        self._id = None

    def _created(self, name: str) -> None:
        if name == self._live.name:
            self._successors.created(None if self._reader is None else self._reader.file)
            self._wake.set()

    def _check_missing(self) -> None:
        """Docker makes the file when it starts the container.

        Raises:
            FileNotFoundError: there is still none.
        """
        if self.stream.has_run and not self._removed and self._quiet_polls > _POLLS_BEFORE_WATCHING:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", str(self._live))

    def _tell_unseen(self) -> None:
        """The container is gone: count what nobody can read any more."""
        if self._reader is None:
            is_gap = self._resume is None and self.stream.has_run
        else:
            is_gap = not self._successors.is_whole
            if self._id is None:  # half a line was all that its last file held
                self.counts.lost_bytes += self._reader.file.size or 0
        if is_gap:
            self.counts.gap(self.stream.container)

    def _generations(self) -> list[Generation]:
        try:
            return generations(self._live)
        except FileNotFoundError:  # no log yet, or the container is gone
            return []

    # ------------------------------------------------------------------ waiting

    async def _idle(self) -> None:
        self._quiet_polls += 1
        pause = _POLL_SECONDS
        if self._quiet_polls > _POLLS_BEFORE_WATCHING:
            already = self._reader is not None and self._quiet_polls > _POLLS_BEFORE_WATCHING + 1
            watched = self._reader is not None and self._watcher.arm(self._reader.file.descriptor_path, self._wake)
            if watched and not already:
                return  # look once more: a change before the watch was set wakes nobody
            pause = _WATCHED_SECONDS if watched else _UNWATCHED_SECONDS
        await self.pause(pause)
