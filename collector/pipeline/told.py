"""What a stream's lines were, beside documents: told once, though the log is read again from an earlier place on.

Where chunks are cut changes nothing, so one that goes over the place to which it was told is cut there.
"""

from collections.abc import Iterator

from msgspec import Struct

from collector.model import Chunk, FileId, Position
from collector.transform.parts import cut

_FILES = 64  # more than that many are not read before their documents go back


class Told(Struct, eq=False):
    """Up to where it was told of one stream, whose `_files` were read; `_ended`: and the end of the log with it."""

    _end: Position | None = None
    _ended: bool = False
    _files: tuple[FileId, ...] = ()
    is_back: bool = False

    def back(self) -> None:
        """The log is read again from an earlier place on."""
        self.is_back = self._end is not None

    def until(self, chunk: Chunk) -> None:
        """It was told of this chunk."""
        self._end, self._ended = chunk.end, chunk.ended
        if chunk.end.file not in self._files:
            self._files = (*self._files[1 - _FILES :], chunk.end.file)

    def pieces(self, chunk: Chunk) -> Iterator[tuple[Chunk, bool]]:
        """The chunk in one or two pieces, each with whether it is to be told of it."""
        told = self._told_lines(chunk)
        lines = chunk.end.line - chunk.start.line
        if self.is_back and told >= lines and (told > lines or chunk.ended <= self._ended):
            self.is_back = told > lines or chunk.ended < self._ended
            yield chunk, False
            return
        self.is_back = False
        if told <= 0:
            yield chunk, True
            return
        before, behind = cut(chunk, told)
        yield before, False
        yield behind, True

    def _told_lines(self, chunk: Chunk) -> int:
        """Of how many of its first lines it was told; more than it has where those behind it were, too."""
        if self._end is None or not self.is_back or chunk.end.file not in self._files:
            return 0
        if chunk.end.file != self._end.file:
            return chunk.end.line - chunk.start.line + 1
        return self._end.line - chunk.start.line
