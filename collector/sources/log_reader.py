"""One container's log → whole raw lines in order and the position behind them, over all of its files.

The plain core of `file_tail`: which file is read, which comes next, and what became of those that did not. A file is
read to its end before the next one; one that was cut is read on in the copy made of it, if there is one.
"""

from contextlib import suppress
from pathlib import Path

from collector.model import FileId, Position, Resume
from collector.sources.fingerprint import fingerprint
from collector.sources.line_reader import LineReader, Truncated
from collector.sources.log_files import Generation, LogFile, State, generations, keep_ordinal, state_of
from collector.sources.resume import Match, beginning, find
from collector.sources.successors import Successors
from collector.sources.tail_counts import TailCounts


class LogReader:
    """Reads the log whose live file is `live`; `container` names it where something is lost."""

    def __init__(self, live: Path, container_id: str, counts: TailCounts, resume: Resume | None) -> None:
        self.live = live
        self._container_id = container_id
        self._counts = counts
        self._resume = resume
        self._reader: LineReader | None = None
        self._id: FileId | None = None
        self._ordinals = {} if resume is None else dict(resume.ordinals)
        self._successors = Successors(live, counts, self._ordinals)
        if resume is not None:
            keep_ordinal(self._ordinals, resume.position.file.head, resume.position.file.ordinal)
        self._parked: State | None = None  # the live file when it was closed though it is followed
        self.awaits_turn = False  # whether it is not open only since others have all the descriptors
        self._missed_turn = False  # whether there was something to read then, and it was not opened since

    # ------------------------------------------------------------------ how it stands

    @property
    def position(self) -> Position:
        """Behind the last line that was read; only while a file is identified."""
        assert self._reader is not None  # noqa: S101
        assert self._id is not None  # noqa: S101
        return Position(self._id, self._reader.offset, self._reader.line, self.inode)

    @property
    def fingerprint(self) -> str:
        """That of the line before the position."""
        return "" if self._reader is None else fingerprint(self._reader.last_line)

    @property
    def beginning(self) -> Position | None:
        """The start of the file that is read, or is gone on with when it is opened; None while none is identified."""
        if self._reader is not None:
            return None if self._id is None else Position(self._id, 0, 0, self.inode)
        return None if self._resume is None else self._resume.position._replace(offset=0, line=0)

    @property
    def inode(self) -> int:
        """Of the file being read."""
        return 0 if self._reader is None else self._reader.file.inode

    def changed(self) -> int:
        """When that was last written, in nanoseconds since 1970."""
        return 0 if self._reader is None else self._reader.file.version[1]

    @property
    def open_file(self) -> LogFile | None:
        """That is being read."""
        return None if self._reader is None else self._reader.file

    @property
    def is_open(self) -> bool:
        """Whether a file is being read."""
        return self._reader is not None

    @property
    def is_at_end(self) -> bool:
        """Whether all that was there at the last read was read, as far as anybody has told."""
        return self._reader is not None and self._reader.is_at_end and self._successors.is_settled

    @property
    def watch_path(self) -> str:
        """What to watch for news; "" while there is no file."""
        if self._reader is not None:
            return self._reader.file.descriptor_path
        return str(self.live) if self._parked else ""

    @property
    def unread_bytes(self) -> int:
        """Bytes of plain files; of the live one alone while none is open."""
        if self._reader is not None:
            return self._reader.unread_bytes + self._successors.unread_bytes
        if (state := state_of(self.live)) is None:
            return 0
        is_known = self._resume is not None and self._resume.position.inode == state.inode
        return max(0, state.size - (self._resume.position.offset if self._resume and is_known else 0))

    @property
    def held_bytes(self) -> int:
        """Those of them in files that were removed: they take up room on the disk only since we read them."""
        if self._reader is None:
            return 0
        own = self._reader.unread_bytes if self._reader.file.is_removed else 0
        return own + self._successors.removed_bytes

    # ------------------------------------------------------------------ reading

    def read(self, *, is_removed: bool, is_quick: bool = False) -> bytes | None:
        """The lines that follow; None if there are none for now, b"" to be asked again. Only while identified.

        `is_removed`: the container is gone, so that what never got its newline is finished as well. `is_quick`: nobody
        has told of a new file since the last read, so that none is looked for if nothing was written either.

        Raises:
            OSError: a file cannot be read.
        """
        assert self._reader is not None  # noqa: S101
        try:
            if (data := self._read_lines(self._reader)) is not None:
                return data
            if is_quick and self._reader.was_unchanged and self._successors.is_settled:
                return None
            self._successors.look(self._reader.file)
            if not self._successors and not is_removed:
                return None
            # What was written between the last read and the rename, then what never got its newline.
            if (data := self._read_lines(self._reader)) is None:
                data = self._reader.rest()
        except Truncated:
            self._begin_anew(self._reader)
            return b""
        if data is None and self._successors:
            self._go_on()
            return b""
        return data

    def _read_lines(self, reader: LineReader) -> bytes | None:
        data = reader.read(self._counts.read_bytes)
        self._counts.lost_bytes += reader.lost_bytes
        reader.lost_bytes = 0
        return data

    def look_ahead(self) -> None:
        """Open what has come since, so that it cannot go; of a log that waits for its turn, note that there is some."""
        if self._reader is not None:
            with suppress(OSError):  # the reader will meet it, too
                self._successors.look(self._reader.file)
        elif self.awaits_turn:
            self._missed_turn = self._missed_turn or self.unread_bytes > 0

    def let_go(self) -> int:
        """Give up the oldest file that was removed and waits for its turn; returns its bytes, which are lost."""
        return self._successors.let_go()

    def tell(self, *, is_told: bool) -> None:
        """Whether `created` is called for each file that is made from now on."""
        self._successors.tell(is_told=is_told)

    def created(self) -> None:
        """The live file was made anew."""
        self._successors.created(None if self._reader is None else self._reader.file)

    # ------------------------------------------------------------------ which file

    def is_identified(self, *, container: str, files_kept: int) -> bool:
        """Find the file to begin with, or the identity of the one at hand; False while there is none.

        `files_kept`: `LogStream.files_kept`.

        Raises:
            OSError: a file cannot be read.
        """
        self._successors.container = container
        if self._reader is None:
            if not self._begin(files_kept):
                return False
            self.look_ahead()
        while self._id is None and not self._identify():
            assert self._reader is not None  # noqa: S101
            self._successors.look(self._reader.file)
            if not self._successors:
                return False
            if not self._identify():  # rotated before it held a whole line
                self._counts.lost_bytes += self._reader.unended_bytes
                self._go_on()
        return True

    def count_unseen(self, *, has_run: bool) -> None:
        """The container is gone: count what nobody can read any more."""
        gaps = self._successors.unseen
        if self._reader is None:
            is_unknown = self._resume is None and has_run and not self._successors.are_all_known
            gaps = gaps or int(is_unknown or self._missed_turn)
        elif self._id is None:  # half a line was all that its last file held
            self._counts.lost_bytes += self._reader.unended_bytes
        if gaps:
            self._counts.gap(self._successors.container, files=gaps)

    def set_down(self) -> None:
        """Close every file; reading goes on from here when it is asked again. May be called twice."""
        if self._reader is not None and self._id is not None:
            self._resume = Resume(self.position, self._ordinals, self.fingerprint)
        self._counts.open_logs -= self._reader is not None
        self._successors.close()
        self._leave_file()

    def park(self, *, is_idle: bool) -> bool:
        """Close a file that was read to its end where descriptors are scarce: others wait for their turn.

        One that is idle may end in half a line, or be a new log's first, without any.
        """
        if self._reader is None or not self._counts.is_scarce or (self._counts.may_begin and not is_idle):
            return False
        if self._id is None and (self._ordinals or self._resume is not None):
            return False  # where the one before it ended would be forgotten
        state = state_of(self.live)
        if state is None or state.inode != self.inode or (state.size != self._reader.offset and not is_idle):
            return False
        self.set_down()
        self._parked = state
        return True

    def set_aside(self) -> None:
        """Where descriptors are scarce, close a log that nobody reads for now; not what has no name any more."""
        if self._id is not None and self._counts.is_scarce and not self.held_bytes:
            self._missed_turn = self.unread_bytes > 0
            self.set_down()
            self.awaits_turn = True

    @property
    def is_parked(self) -> bool:
        """Whether it was closed, and nothing was written since."""
        return self._parked is not None and self._parked == state_of(self.live)

    def seek(self, offset: int, line: int) -> None:
        """Read the open file again from there on."""
        assert self._reader is not None  # noqa: S101
        self._reader = LineReader(self._reader.file, offset=offset, line=line)

    def unpark(self) -> None:
        """Open it again at the next look, whether it changed or not."""
        self._parked = None

    def _begin(self, files_kept: int) -> bool:
        """Open the first file; False if there is none yet, it was renamed just now, or nothing is new in it."""
        self.awaits_turn = False
        if self.is_parked:
            return False
        found = self._generations()
        if not found:
            return False
        if not self._counts.may_begin:
            self.awaits_turn = True
            self._counts.tell_scarce()
            if self._resume is None:
                self._resume = beginning(self._container_id, found[0], self._ordinals)
            self._missed_turn = self.unread_bytes > 0
            return False
        try:
            if not self._open(found, files_kept):
                return False
        except FileNotFoundError:
            return False
        self._parked = None
        self._missed_turn = False
        self._counts.open_logs += 1
        return True

    def _open(self, found: list[Generation], files_kept: int) -> bool:
        """Open the file to begin with; False if all that are there were read before."""
        if self._resume is None:
            # All that are kept are there at the first look at a new container: older ones may be gone already.
            is_gap = 1 < files_kept <= len(found)
            self._read_on(Match(found), self._successors.start(found, [], after_gap=is_gap))
            return True
        match = find(found, self._resume)
        if not match.unread:
            return False
        is_gone = match.file is None and not match.was_cut
        older = found[: len(found) - len(match.unread)]
        file = self._successors.start(match.unread, older, file=match.file, after_gap=is_gone)
        self._read_on(match, file, self._resume.position)
        self._counts.truncated += match.was_cut
        self._resume = None
        return True

    def _read_on(self, match: Match, file: LogFile, position: Position | None = None) -> None:
        """Read `file`, the first of the unread ones: at the position if it is as it was, else at its start."""
        try:
            if match.file is None or position is None:
                self._reader, self._id = LineReader(file), None
            else:
                self._reader = LineReader(file, offset=position.offset, line=position.line)
                self._id = position.file
        except OSError:
            self._successors.leave(file)
            raise

    def _identify(self) -> bool:
        assert self._reader is not None  # noqa: S101
        if (head := self._reader.file.head()) is None:
            return False
        ordinal = self._ordinals.get(head, -1) + 1
        keep_ordinal(self._ordinals, head, ordinal)
        self._id = FileId(self._container_id, head, ordinal)
        return True

    def _go_on(self) -> None:
        """The file is read to its end: on to the next one."""
        assert self._reader is not None  # noqa: S101
        if self._reader.file.is_torn:
            self._counts.gap(self._successors.container)
        self._counts.rotated += 1
        file = self._successors.take()
        self._successors.passed(self._reader.file)
        self._leave_file()
        assert file is not None  # noqa: S101 - only called when there is one
        self._reader = LineReader(file)

    def _begin_anew(self, cut: LineReader) -> None:
        """The file was cut: go on in the copy that was made of it before, if there is one; else as another file."""
        lost_bytes = max(0, cut.seen_bytes - cut.offset - cut.skipped_bytes)
        resume = Resume(self.position, self._ordinals, self.fingerprint)
        try:
            found = self._generations()
            match = find(found, resume) if found else Match([])
            if match.unread:
                older = found[: len(found) - len(match.unread)]
                file = self._successors.start_again(match.unread, older, file=match.file)
                self._read_on(match, file, resume.position)
                self._successors.leave(cut.file)
            else:
                self._reader, self._id = LineReader(cut.file), None
        except FileNotFoundError:  # one got another name just now: the cut is met again at the next look
            return
        self._counts.truncated += 1
        self._counts.lost_bytes += lost_bytes if match.file is None else 0

    def _leave_file(self) -> None:
        if self._reader is not None:
            self._successors.leave(self._reader.file)
            self._reader = None
        self._id = None

    def _generations(self) -> list[Generation]:
        with suppress(FileNotFoundError):  # no log yet, or the container is gone
            return generations(self.live)
        return []
