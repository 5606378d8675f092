"""A json-file log → chunks of whole lines: what is there, what is appended, over rotation, truncation and removal.

- The old file is read to its end before the next one is opened; generations that were missed (a restart, or a reader
  that is behind) are read oldest first, `.gz` too.
- A position is only ever behind a newline. Half a line waits for its end, unless its file is finished.
- An idle file costs nothing: after a second of quiet it is watched, not read.

Positions, identity, rotation: DESIGN §3 of the project; moby `daemon/logger/loggerutils/logfile.go`.
"""

import asyncio
import errno
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from collector.model import Chunk, FileId, LogStream, Position
from collector.sources.cutoff import without_older
from collector.sources.log_files import (
    MAX_RAW_LINE_BYTES,
    Generation,
    LogFile,
    generations,
    head_of,
    keep_ordinal,
    newer_than,
    size_of,
)
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher

CHUNK_BYTES = 256 << 10  # 1 MiB is 20 % slower: the chunk and its documents leave the cache
_POLL_SECONDS = 0.1
_POLLS_BEFORE_WATCHING = 10
_WATCHED_SECONDS = 30.0  # a look now and then, should an event ever be missed
_UNWATCHED_SECONDS = 2.0


class Resume(Struct, frozen=True):
    """Where an earlier run stopped: `inode` tells apart files with equal first lines.

    `ordinals` are the last ones given, by head, up to that file.
    """

    position: Position
    inode: int
    ordinals: dict[str, int] = {}


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
        self.backlog_bytes = 0
        self._watcher = watcher
        self._resume = resume
        self._cutoff = "" if resume else cutoff
        self._live = Path(stream.path)
        self._wake = asyncio.Event()
        self._removed = False
        self._file: LogFile | None = None
        self._id: FileId | None = None
        self._ordinals = {} if resume is None else dict(resume.ordinals)
        if resume is not None:
            keep_ordinal(self._ordinals, resume.position.file.head, resume.position.file.ordinal)
        self._offset = 0
        self._line = 0
        self._newer_bytes = 0
        self._is_gap = False  # whether files may have gone unread before the next one
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
        return self._file.inode if self._file is not None else 0

    # ------------------------------------------------------------------ the source

    async def chunks(self) -> AsyncIterator[Chunk]:
        """Whole lines, in order; a chunk without data tells a position, or that the container has stopped.

        Ends when the container is gone. Called again after an error, it goes on where it was.

        Raises:
            OSError: the log cannot be read.
        """
        try:
            while True:
                if self._id is None and not self._identify():
                    if self._removed:
                        self._tell_unseen()
                        return
                    await self._idle()
                elif (chunk := self._next()) is not None:
                    self._quiet_polls = 0
                    yield chunk
                elif self._id is None:
                    continue  # another file was opened, or this one began anew
                elif self._removed:
                    self.counts.lost_bytes += self._newer_bytes  # of files that went before their turn
                    return
                else:
                    await self._idle()
        finally:
            if self._id is not None:
                position = Position(self._id, self._offset, self._line)
                self._resume = Resume(position, self.inode, self._ordinals)
            self._close()
            self._id = None

    def _next(self) -> Chunk | None:
        """The next chunk, or None when there is nothing to read for now; may move to the next file."""
        if (chunk := self._read()) is not None:
            return chunk
        self.backlog_bytes = self._newer_bytes
        if self._is_truncated():
            return None
        newer = self._newer()
        if newer or self._removed:
            # What was written between the last read and the rename, then what never got its newline.
            if (chunk := self._read() or self._read_rest()) is not None:
                return chunk
            if newer:
                self._open(newer)
                return None
        if (self._removed or not self.stream.running) and not self._end_told:
            self._end_told = True
            return self._chunk(b"", 0, ended=True)
        return None

    # ------------------------------------------------------------------ reading

    def _read(self) -> Chunk | None:
        assert self._file is not None  # noqa: S101 - only called once a file is identified
        size = CHUNK_BYTES
        data = self._file.read(self._offset, size)
        while (end := data.rfind(b"\n") + 1) == 0 and len(data) == size:
            if size >= MAX_RAW_LINE_BYTES:
                return self._read_overlong(data)
            size *= 2
            data = self._file.read(self._offset, size)
        if end == 0:
            return None
        content = self._file.size
        self.backlog_bytes = self._newer_bytes + (0 if content is None else content - self._offset - end)
        return self._chunk(data[:end], end)

    def _read_overlong(self, head: bytes) -> Chunk | None:
        """A line beyond every bound ships cut; the rest of it is counted as lost. None until its end is there."""
        assert self._file is not None  # noqa: S101
        offset = self._offset + len(head)
        while more := self._file.read(offset, 1 << 20):
            if (end := more.find(b"\n")) >= 0:
                consumed = offset + end + 1 - self._offset
                self.counts.lost_bytes += consumed - len(head) - 1
                return self._chunk(head + b"\n", consumed)
            offset += len(more)
        return None

    def _read_rest(self) -> Chunk | None:
        """What a finished file holds behind its last newline."""
        assert self._file is not None  # noqa: S101
        rest = self._file.read(self._offset, MAX_RAW_LINE_BYTES)
        return self._chunk(rest + b"\n", len(rest)) if rest else None

    def _chunk(self, data: bytes, consumed: int, *, ended: bool = False) -> Chunk:
        assert self._id is not None  # noqa: S101
        start = Position(self._id, self._offset, self._line)
        self._offset += consumed
        self._line += data.count(b"\n")
        end = Position(self._id, self._offset, self._line)
        self._end_told = ended
        chunk = Chunk(stream=self.stream, data=data, start=start, end=end, ended=ended)
        if self._cutoff and data:
            chunk, is_over = without_older(chunk, self._cutoff)
            self._cutoff = "" if is_over else self._cutoff
        return chunk

    # ------------------------------------------------------------------ which file

    def _identify(self) -> bool:
        """Find the file to begin with, or the identity of the one at hand; False while there is none."""
        if self._file is None:
            found = self._generations()
            if not found:
                self._check_missing()
                return False
            if self._resume is None:
                # All that are kept are there at the first look at a new container: older ones may be gone already.
                self._is_gap = 1 < self.stream.files_kept <= len(found)
                self._open(found)
            else:
                self._open_resumed(found, self._resume)
        elif (newer := self._newer()) and self._file.head() is None:  # rotated before it held a whole line
            self._open(newer)
        return self._take_identity()

    def _take_identity(self) -> bool:
        if self._id is not None:
            return True
        head = None if self._file is None else self._file.head()
        if head is None:
            return False
        ordinal = self._ordinals.get(head, -1) + 1
        keep_ordinal(self._ordinals, head, ordinal)
        self._id = FileId(self.stream.container_id, head, ordinal)
        return True

    def _open_resumed(self, found: list[Generation], resume: Resume) -> None:
        same = [generation for generation in found if head_of(generation) == resume.position.file.head]
        known = [generation for generation in same if generation.inode == resume.inode]
        self._is_gap = not same
        if not same:
            self._open(found)
            return
        self._open(found[found.index((known or same)[0]) :])
        if self._file is None:
            return
        self._id, self._offset, self._line = resume.position
        if self._file.size is not None and self._file.size < self._offset:
            self._restart()
        self._resume = None

    def _open(self, newer: list[Generation]) -> None:
        """Move on to the oldest of `newer`; nothing changes if it was renamed just now."""
        try:
            file = LogFile(newer[0])
        except FileNotFoundError:
            return
        if file.inode != newer[0].inode:
            file.close()
            return
        if self._is_gap:
            self.counts.gap(self.stream.container)
        if self._file is not None:
            self.counts.rotated += 1
            if self._id is None:  # half a line was all that it held
                self.counts.lost_bytes += self._file.size or 0
            self._close()
        self._file, self._id = file, None
        self._offset = self._line = 0
        self._newer_bytes = sum(size_of(generation) for generation in newer[1:])

    def _check_missing(self) -> None:
        """Docker makes the file when it starts the container.

        Raises:
            FileNotFoundError: there is still none.
        """
        if self.stream.has_run and not self._removed and self._quiet_polls > _POLLS_BEFORE_WATCHING:
            raise FileNotFoundError(errno.ENOENT, "there is no such file", str(self._live))

    def _tell_unseen(self) -> None:
        if self._file is None and self._resume is None and self.stream.has_run:
            self.counts.gap(self.stream.container)

    def _restart(self) -> None:
        """The file was cut to nothing and begins anew, as another file."""
        self.counts.truncated += 1
        self._id = None
        self._offset = self._line = 0

    def _is_truncated(self) -> bool:
        assert self._file is not None  # noqa: S101
        size = self._file.size
        if size is None or size >= self._offset:
            return False
        self._restart()
        return True

    def _newer(self) -> list[Generation]:
        """The generations after the one being read, oldest first; none while it is the live file."""
        assert self._file is not None  # noqa: S101
        self._is_gap = False
        with suppress(FileNotFoundError):
            if self._live.stat(follow_symlinks=False).st_ino == self._file.inode:
                return []
        found = self._generations()
        newer = newer_than(found, self._file.inode, None if self._id is None else self._id.head)
        if newer is not None:
            return newer
        # It was removed, and the oldest always goes first; where several are kept, others may have gone unread.
        self._is_gap = any(generation.number for generation in found)
        return found

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
            already = self._file is not None and self._quiet_polls > _POLLS_BEFORE_WATCHING + 1
            watched = self._file is not None and self._watcher.arm(self._file.descriptor_path, self._wake)
            if watched and not already:
                return  # look once more: a change before the watch was set wakes nobody
            pause = _WATCHED_SECONDS if watched else _UNWATCHED_SECONDS
        await self.pause(pause)

    def _close(self) -> None:
        self._watcher.disarm(self._wake)
        if self._file is not None:
            self._file.close()
            self._file = None
