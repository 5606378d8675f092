"""The first lines of a file, while none of them has a time: they wait for one behind them that has.

A file's own time (when it was last written) stands in where none comes: at its end, beyond a bound, or when it was
decided (`Dated`), which is kept with the positions, so that the lines have the same time at each read.
"""

from typing import NamedTuple

from collector.model import Dated, Decided, FileId, Position
from collector.transform.stamps import from_nanoseconds

_BYTES = 1 << 20
_LINE_BYTES = 256  # that each costs besides


class RawLine(NamedTuple):
    """A raw line, or the `part` of one that NUL bytes divide; `is_apart`: no line goes on over them.

    `before` is the line before it in its file, b"" if it is not known.
    """

    content: bytes
    start: Position
    before: bytes = b""
    part: str = ""
    is_apart: bool = False


class Undated:
    """Those of one stream; they are of one file. `changed`: when it was last written, as `Chunk.changed`."""

    def __init__(self, decided: Decided) -> None:
        self.changed = 0
        self._dated = decided.dated
        self._lines: list[RawLine] = []
        self._bytes = 0

    def __bool__(self) -> bool:
        return bool(self._lines)

    @property
    def file(self) -> FileId | None:
        """Theirs; None if none wait."""
        return self._lines[0].start.file if self._lines else None

    @property
    def is_due(self) -> bool:
        """Whether they need not wait: there are too many, or their time was decided."""
        return self.is_full or bool(self.file and self.time_in(self.file))

    @property
    def is_full(self) -> bool:
        """Whether there are more of them than memory is meant for."""
        return self._bytes > _BYTES

    def hold(self, raw: RawLine) -> None:
        """One more."""
        self._lines.append(raw)
        self._bytes += len(raw.content) + _LINE_BYTES

    def take(self) -> list[RawLine]:
        """All that wait; none do afterwards."""
        lines, self._lines, self._bytes = self._lines, [], 0
        return lines

    def time(self, found: str = "") -> str:
        """That of those that wait: as it was decided, else what was `found` behind them, else their file's."""
        decided = self.time_in(self.file) if self.file else ""
        return decided or found or from_nanoseconds(self.changed)

    def time_in(self, file: FileId) -> str:
        """That of lines without one at the beginning of a file, if it was decided."""
        return self._dated.time if self._dated is not None and self._dated.file == file else ""

    def undecided(self) -> Dated | None:
        """The time that those that wait have if no other is found; None if none wait."""
        return None if self.file is None else Dated(self.file, self.time())

    def decide(self, decided: Decided) -> None:
        """Those of that file have this time, whatever follows them."""
        self._dated = decided.dated
