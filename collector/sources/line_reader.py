"""One open log file → whole raw lines, from an offset on.

What was read is known again: when the line before the offset is not what it was, the file was cut and written anew.
"""

import re
import time
from enum import Enum
from typing import Final

from collector.model import FileId, Position, line_count
from collector.sources.border import Border
from collector.sources.fingerprint import LAST_LINE_BYTES, fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES, LogFile
from collector.sources.tail_counts import CHUNK_BYTES

_CLOCK_NS = 50_000_000  # a file that is written within so long again may keep its time: 4 or 10 ms a tick, mostly
_SKIP_BYTES = 4 << 20  # of a line beyond the bound in one step
_NEWLINE = ord("\n")
_NULS = re.compile(b"\0+")
_END = re.compile(b"[\0\n]")


class Truncated(Exception):
    """The file no longer holds what was read of it."""


class NoLines(Enum):
    """Why a read gave none."""

    YET = "all that is there was read"
    SO_FAR = "there may be some at the next read: of a line beyond every bound, or of another file"


YET: Final = NoLines.YET  # to ask an Enum for a member takes 50 ns, and each look does
SO_FAR: Final = NoLines.SO_FAR


class LineReader:
    """Reads `file`; `offset` is behind the last whole line, `line` the raw lines before it.

    `id` is which file it is; None until that is known.
    `lost_bytes` counts what lines beyond the bound had more than that, `seen_bytes` is the largest size that was seen;
    `was_unchanged` says that nothing had been written when it was read last, since it was read before that.
    """

    __slots__ = (
        "_beginning",
        "_begun",
        "_known_by",
        "_overlong",
        "_position",
        "_searched",
        "_state",
        "file",
        "id",
        "last_line",
        "line",
        "lost_bytes",
        "offset",
        "seen_bytes",
        "skipped_bytes",
        "was_unchanged",
    )

    def __init__(self, file: LogFile, at: Position | None = None) -> None:
        """`at`: a position in it, once it is identified; else it is read from its start.

        Raises:
            OSError: the file cannot be read.
        """
        self.file = file
        self.id: FileId | None
        self.id, offset, line = (None, 0, 0) if at is None else at[:3]
        self.offset = offset
        self.line = line
        self.last_line = file.line_before(offset) or b""
        self._known_by: str | None = None  # `fingerprint`, once it is known
        self._position: Position | None = None  # the same, of `position`
        self.lost_bytes = 0
        self.seen_bytes = 0
        self.skipped_bytes = 0  # behind the offset, up to the end of the NUL bytes that stand in the next line
        self._begun = b""  # what of these is kept: a run of NULs is one
        self._beginning = b""  # of the line behind the offset, as it stands in the file, once any of it is kept
        self.was_unchanged = False
        self._state: tuple[int, int] | None = None  # `LogFile.state`, at the last read, if a change shows in it
        self._overlong = b""  # the beginning of a line beyond the bound, while its end is looked for
        self._searched = 0  # up to here

    @property
    def position(self) -> Position:
        """Behind the last line that was read; only once the file is identified."""
        if self._position is None:
            assert self.id is not None  # noqa: S101
            self._position = Position(self.id, self.offset, self.line, self.file.inode)
        return self._position

    @property
    def beginning(self) -> Position | None:
        """The start of the file; None until it is identified."""
        return None if self.id is None else Position(self.id, 0, 0, self.file.inode)

    @property
    def fingerprint(self) -> str:
        """That of the line before the position."""
        if self._known_by is None:
            self._known_by = fingerprint(self.last_line)
        return self._known_by

    @property
    def unread_bytes(self) -> int:
        """Bytes behind the offset; of a compressed file nobody knows."""
        size = self.file.size
        return 0 if size is None else max(0, size - self.offset - self.skipped_bytes)

    @property
    def unended_bytes(self) -> int:
        """Those of a line that never ended, in a file that holds no other."""
        return len(self.file.read(0, MAX_RAW_LINE_BYTES).strip(b"\0"))

    @property
    def is_at_end(self) -> bool:
        """Whether all there was at the last read was read; of a compressed file nobody knows."""
        return self.offset == self.seen_bytes

    def take_over(self, border: Border) -> bytes | NoLines:
        """As `read`: the whole lines of a border, which were just read behind the offset, by a reader of the file."""
        if self._overlong or self.skipped_bytes or border.end is None:
            return self.read(border.size)
        self._state, self.was_unchanged = None, False
        self._position = border.end
        self.offset, self.line = border.end.offset, border.end.line
        self.last_line, self._known_by = border.last_line, border.fingerprint
        self.seen_bytes = max(self.seen_bytes, self.offset)
        return border.data

    def read(self, size: int, border: int = 0) -> bytes | NoLines:
        """The whole lines within `size` bytes, or the first one. Moves behind them.

        If a line ends behind `border` bytes, none that follow are among them.

        Raises:
            Truncated: the file was cut; what follows the offset is not what followed it.
            OSError: the file cannot be read.
        """
        if self._overlong:
            return self._search_end()
        start = self.offset + self.skipped_bytes
        before = self._before()  # is read along: one call tells what follows, and that it follows what was read
        back = len(before)
        found = self.file.read(start - back, back + size)
        while (end := found.rfind(b"\n", back) + 1) == 0 and len(found) - back == size < MAX_RAW_LINE_BYTES:
            size = min(2 * size, MAX_RAW_LINE_BYTES)
            found = self.file.read(start - back, back + size)
        if before and back < len(found) < back + size and found.startswith(before):
            self._state, self.was_unchanged = None, False
            self.seen_bytes = max(self.seen_bytes, start - back + len(found))
        else:
            count = len(found) - back
            self._check_intact(start + count, is_short=0 < count < size, has_news=count > 0)
        if end > back + border > back and found[back + border - 1] == _NEWLINE and not self.skipped_bytes:
            end = back + border
        if end:
            return self._advance(self._begun + found[back:end], self.skipped_bytes + end - back)
        data = found[back:]
        if len(data) < MAX_RAW_LINE_BYTES:
            return YET
        self._beginning = self._beginning or data[:LAST_LINE_BYTES]
        if nuls := data.rfind(b"\0") + 1:
            self._skip(data[:nuls])
        else:
            self._overlong, self._searched = self._begun + data, start + len(data)
        return SO_FAR

    def _before(self) -> bytes:
        """What stands right before the offset, where it can be read along."""
        can_be = self.offset and not self.skipped_bytes and not self.file.compressed
        return self.last_line + b"\n" if can_be else b""

    def rest(self) -> bytes | None:
        """What a finished file holds behind its last newline, with the newline it lacks; None if there is nothing."""
        if self._overlong:
            return self._cut(self._searched - self.offset)
        rest = self.file.read(self.offset + self.skipped_bytes, MAX_RAW_LINE_BYTES)
        found = self._begun + rest
        return self._advance(found + b"\n", self.skipped_bytes + len(rest)) if found.strip(b"\0") else None

    def _skip(self, data: bytes) -> None:
        """`data` ends with NULs, which a line may begin with or be torn by, however many they are: keep one of a run.

        What was torn is kept up to the bound.
        """
        torn = self._begun.removesuffix(b"\0") + _NULS.sub(b"\0", data)[:-1]
        kept = _within_bound(torn)
        self.lost_bytes += len(torn) - len(kept)
        self._begun = kept + b"\0"
        self.skipped_bytes += len(data)

    def _check_intact(self, read_to: int = 0, *, is_short: bool = False, has_news: bool = True) -> None:
        """Of a read that was short, the file's end is where it ended: it need not be asked for."""
        if is_short and not self.file.compressed:
            size, self._state, self.was_unchanged = read_to, None, False
        else:
            state = self.file.state
            self.was_unchanged = not has_news and state == self._state
            if state is None or self.was_unchanged:
                return
            size = state[0]
            self._state = state if time.time_ns() - state[1] > _CLOCK_NS else None
        # After the read: what was written anew before it cannot pass.
        if size < self.offset or self.file.line_before(self.offset) != self.last_line:
            raise Truncated
        begins, known = self._beginning, max(self._searched, self.offset + self.skipped_bytes)
        if begins and (size < known or self.file.read(self.offset, len(begins)) != begins):
            raise Truncated
        self.seen_bytes = max(self.seen_bytes, size)

    def _search_end(self) -> bytes | NoLines:
        """The end of a line beyond every bound: it ships cut, and the rest of it is counted as lost.

        NULs end it as well: it was torn there, and what follows them is whole.
        """
        self._check_intact()
        for _ in range(_SKIP_BYTES // CHUNK_BYTES):
            more = self.file.read(self._searched, CHUNK_BYTES)
            if not more:
                return YET
            if end := _END.search(more):
                consumed = self._searched + end.end() - self.offset
                return self._cut(consumed, ending=1) if end[0] == b"\n" else self._tear(consumed)
            self._searched += len(more)
        return SO_FAR

    def _cut(self, consumed: int, *, ending: int = 0) -> bytes:
        return self._advance(self._kept(consumed - ending) + b"\n", consumed)

    def _tear(self, consumed: int) -> NoLines:
        self._begun, self.skipped_bytes = self._kept(consumed - 1) + b"\0", consumed
        return SO_FAR

    def _kept(self, consumed: int) -> bytes:
        """So much of the line beyond the bound as is kept; the rest of what was `consumed` is lost, but for NULs."""
        kept, self._overlong = _within_bound(self._overlong), b""
        self.lost_bytes += consumed - (self.skipped_bytes - len(self._begun)) - len(kept)
        return kept

    def _advance(self, data: bytes, consumed: int) -> bytes:
        self.offset += consumed
        self.line += line_count(data)
        self.skipped_bytes, self._begun, self._beginning = 0, b"", b""
        is_whole = len(data) == consumed
        self.last_line = last_line(data) if is_whole else self.file.line_before(self.offset) or b""
        self._known_by = self._position = None
        return data


def _within_bound(line: bytes) -> bytes:
    """As much of a line as is kept; a NUL that it begins with is no part of it."""
    return line[: MAX_RAW_LINE_BYTES + line.startswith(b"\0")]
