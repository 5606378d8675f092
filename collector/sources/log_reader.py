"""One container's log → whole raw lines in order and the position behind them, over all of its files.

The plain core of `file_tail`: which file is read, which comes next, and what became of those that did not. A file is
read to its end before the next one; one that was cut is read on in the copy made of it, if there is one.
"""

from contextlib import suppress
from pathlib import Path

from collector.model import FileId, LogStream, Position, Resume, keep_ordinal
from collector.sources.line_reader import SO_FAR, YET, LineReader, NoLines, Truncated
from collector.sources.log_files import Generation, LogFile, State, generations, state_of
from collector.sources.resume import Match, beginning, find
from collector.sources.successors import Successors
from collector.sources.tail_counts import TailCounts


class LogReader:
    """Reads the log of a stream. `live` is its live file, `reader` reads the file at hand and tells how far it is.

    `successors` are the files that came after that one.
    """

    def __init__(self, stream: LogStream, counts: TailCounts, resume: Resume | None) -> None:
        self.live = Path(stream.path)
        self.reader: LineReader | None = None
        self._stream = stream
        self._key = stream.key
        self._counts = counts
        self._resume = resume
        self._ordinals = {} if resume is None else dict(resume.ordinals)
        self.successors = Successors(self.live, counts, self._ordinals, stream.container)
        if resume is not None:
            keep_ordinal(self._ordinals, resume.position.file.head, resume.position.file.ordinal)
        self._parked: State | None = None  # the live file when it was closed though it is followed
        self.awaits_turn = False  # whether it is not open only since others have all the descriptors
        self._is_abreast: bool | None = None  # whether it is where another output waits for more; None: it read itself
        self._missed_turn = False  # whether there was something to read then, and it was not opened since

    # ------------------------------------------------------------------ how it stands

    def update(self, stream: LogStream) -> None:
        """Take over a new name or state of the container."""
        self._stream = stream
        self.successors.container = stream.container

    def move(self, live: Path) -> None:
        """The live file has another path from now on."""
        self.live = live
        self.successors.move(live)

    @property
    def beginning(self) -> Position | None:
        """The start of the file that is read, or is gone on with when it is opened; None while none is identified."""
        if self.reader is not None:
            return self.reader.beginning
        return None if self._resume is None else self._resume.position._replace(offset=0, line=0)

    @property
    def is_at_end(self) -> bool:
        """Whether all that was there at the last read was read, as far as anybody has told.

        Where another output waits for more, the little that has come since is left for the next round of both.
        """
        if self.reader is None or not self.successors.is_settled:
            return False
        return self.reader.is_at_end if self._is_abreast is None else self._is_abreast

    @property
    def watch_path(self) -> str:
        """What to watch for news; "" while there is no file."""
        if self.reader is not None:
            return self.reader.file.descriptor_path
        return str(self.live) if self._parked else ""

    @property
    def unread_bytes(self) -> int:
        """Bytes of plain files; of the live one alone while none is open."""
        if self.reader is not None:
            return self.reader.unread_bytes + self.successors.unread_bytes
        if (state := state_of(self.live)) is None:
            return 0
        is_known = self._resume is not None and self._resume.position.inode == state.inode
        return max(0, state.size - (self._resume.position.offset if self._resume and is_known else 0))

    @property
    def held_bytes(self) -> int:
        """Those of them in files that were removed: they take up room on the disk only since we read them."""
        if self.reader is None:
            return 0
        own = self.reader.unread_bytes if self.reader.file.is_removed else 0
        return own + self.successors.removed_bytes

    # ------------------------------------------------------------------ reading

    def read(self, reader: LineReader, *, is_removed: bool, is_quick: bool = False) -> bytes | NoLines:
        """The lines that follow in the file at hand, which is identified.

        `is_removed`: the container is gone, so that what never got its newline is finished as well. `is_quick`: nobody
        has told of a new file since the last read, so that none is looked for if nothing was written either.

        Raises:
            OSError: a file cannot be read.
        """
        try:
            if (data := self._read_lines(reader)) is not YET:
                return data
            if is_quick and reader.was_unchanged and self.successors.is_settled:
                return data
            self.successors.look(reader.file)
            if not self.successors and not is_removed:
                return data
            # What was written between the last read and the rename, then what never got its newline.
            if (data := self._read_lines(reader)) is YET:
                data = reader.rest() or YET
        except Truncated:
            self._begin_anew(reader)
            return SO_FAR
        if data is YET and self.successors:
            self._go_on(reader)
            return SO_FAR
        return data

    def _read_lines(self, reader: LineReader) -> bytes | NoLines:
        size, begin = self._counts.read_bytes, reader.offset
        border = self._counts.border and self._counts.border(self._key, reader.position, size)
        if border is None:
            data, self._is_abreast = reader.read(size), None
        else:
            data = reader.take_over(border) if border.data else reader.read(max(size, border.size), border.size)
            is_there = border.is_last and reader.offset - begin == border.size
            self._is_abreast = is_there if is_there or border.data else None
        self._counts.lost_bytes += reader.lost_bytes
        reader.lost_bytes = 0
        return data

    def look_ahead(self) -> None:
        """Open what has come since, so that it cannot go; of a log that waits for its turn, note that there is some."""
        if self.reader is not None:
            with suppress(OSError):  # the reader will meet it, too
                self.successors.look(self.reader.file)
        elif self.awaits_turn:
            self._missed_turn = self._missed_turn or self.unread_bytes > 0

    def created(self) -> None:
        """The live file was made anew."""
        self.successors.created(None if self.reader is None else self.reader.file)

    # ------------------------------------------------------------------ which file

    def identified(self) -> LineReader | None:
        """The reader of the file at hand, else of the one to begin with; None while there is none, or nobody knows it.

        Raises:
            OSError: a file cannot be read.
        """
        reader = self.reader
        if reader is None:
            if (reader := self._begin()) is None:
                return None
            self.look_ahead()
        while reader.id is None and not self._identify(reader):
            self.successors.look(reader.file)
            if not self.successors:
                return None
            if not self._identify(reader):  # rotated before it held a whole line
                self._counts.lost_bytes += reader.unended_bytes
                reader = self._go_on(reader)
        return reader

    def count_unseen(self) -> None:
        """The container is gone: count what nobody can read any more."""
        gaps = self.successors.unseen
        if self.reader is None:
            is_unknown = self._resume is None and self._stream.has_run and not self.successors.are_all_known
            gaps = gaps or int(is_unknown or self._missed_turn)
        elif self.reader.id is None:  # half a line was all that its last file held
            self._counts.lost_bytes += self.reader.unended_bytes
        if gaps:
            self._counts.gap(self.successors.container, files=gaps)

    def set_down(self) -> None:
        """Close every file; reading goes on from here when it is asked again. May be called twice."""
        if self.reader is not None and self.reader.id is not None:
            self._resume = Resume(self.reader.position, self._ordinals, self.reader.fingerprint)
        self._counts.open_logs -= self.reader is not None
        self.successors.close()
        self._leave_file()

    def park(self, *, is_idle: bool) -> bool:
        """Close a file that was read to its end where descriptors are scarce: others wait for their turn.

        One that is idle may end in half a line, or be a new log's first, without any.
        """
        if self.reader is None or not self._counts.is_scarce or (self._counts.may_begin and not is_idle):
            return False
        if self.reader.id is None and (self._ordinals or self._resume is not None):
            return False  # where the one before it ended would be forgotten
        state = state_of(self.live)
        if state is None or state.inode != self.reader.file.inode or (state.size != self.reader.offset and not is_idle):
            return False
        self.set_down()
        self._parked = state
        return True

    def set_aside(self) -> None:
        """Where descriptors are scarce, close a log that nobody reads for now; not what has no name any more."""
        is_identified = self.reader is not None and self.reader.id is not None
        if is_identified and self._counts.is_scarce and not self.held_bytes:
            self._missed_turn = self.unread_bytes > 0
            self.set_down()
            self.awaits_turn = True

    @property
    def is_parked(self) -> bool:
        """Whether it was closed, and nothing was written since."""
        return self._parked is not None and self._parked == state_of(self.live)

    def unpark(self) -> None:
        """Open it again at the next look, whether it changed or not."""
        self._parked = None

    def _begin(self) -> LineReader | None:
        """Open the first file; None if there is none yet, it was renamed just now, or nothing is new in it."""
        self.awaits_turn = False
        if self.is_parked:
            return None
        found = self._generations()
        if not found:
            return None
        if not self._counts.may_begin:
            self.awaits_turn = True
            self._counts.tell_scarce()
            if self._resume is None:
                self._resume = beginning(self._stream.container_id, found[0], self._ordinals)
            self._missed_turn = self.unread_bytes > 0
            return None
        try:
            reader = self._open(found)
        except FileNotFoundError:
            return None
        if reader is not None:
            self._parked = None
            self._missed_turn = False
            self._counts.open_logs += 1
        return reader

    def _open(self, found: list[Generation]) -> LineReader | None:
        """Open the file to begin with; None if all that are there were read before."""
        if self._resume is None:
            # All that are kept are there at the first look at a new container: older ones may be gone already.
            is_gap = 1 < self._stream.files_kept <= len(found)
            return self._read_on(self.successors.start(found, [], after_gap=is_gap))
        match = find(found, self._resume)
        if not match.unread:
            return None
        is_gone = match.file is None and not match.was_cut
        older = found[: len(found) - len(match.unread)]
        file = self.successors.start(match.unread, older, file=match.file, after_gap=is_gone)
        reader = self._read_on(file, None if match.file is None else self._resume.position)
        self._counts.truncated += match.was_cut
        self._resume = None
        return reader

    def _read_on(self, file: LogFile, at: Position | None = None) -> LineReader:
        """Read `file`, the first of the unread ones: at the position if it is as it was, else at its start."""
        try:
            self.reader = LineReader(file, at)
        except OSError:
            self.successors.leave(file)
            raise
        return self.reader

    def _identify(self, reader: LineReader) -> bool:
        if (head := reader.file.head()) is None:
            return False
        ordinal = self._ordinals.get(head, -1) + 1
        keep_ordinal(self._ordinals, head, ordinal)
        reader.id = FileId(self._stream.container_id, head, ordinal)
        return True

    def _go_on(self, reader: LineReader) -> LineReader:
        """The file is read to its end: on to the next one, of which there is one."""
        if reader.file.is_torn:
            self._counts.gap(self.successors.container)
        self._counts.rotated += 1
        file = self.successors.take()
        self.successors.passed(reader.file)
        self._leave_file()
        assert file is not None  # noqa: S101 - only called when there is one
        self.reader = LineReader(file)
        return self.reader

    def _begin_anew(self, cut: LineReader) -> None:
        """The file was cut: go on in the copy that was made of it before, if there is one; else as another file."""
        lost_bytes = max(0, cut.seen_bytes - cut.offset - cut.skipped_bytes)
        resume = Resume(cut.position, self._ordinals, cut.fingerprint)
        try:
            found = self._generations()
            match = find(found, resume) if found else Match([])
            if match.unread:
                older = found[: len(found) - len(match.unread)]
                file = self.successors.start_again(match.unread, older, file=match.file)
                self._read_on(file, None if match.file is None else resume.position)
                self.successors.leave(cut.file)
            else:
                self.reader = LineReader(cut.file)
        except FileNotFoundError:  # one got another name just now: the cut is met again at the next look
            return
        self._counts.truncated += 1
        self._counts.lost_bytes += lost_bytes if match.file is None else 0

    def _leave_file(self) -> None:
        if self.reader is not None:
            self.successors.leave(self.reader.file)
            self.reader = None

    def _generations(self) -> list[Generation]:
        with suppress(FileNotFoundError):  # no log yet, or the container is gone
            return generations(self.live)
        return []
