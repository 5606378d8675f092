"""The time of lines that tell none: that at which their file was written last when they were met.

It is decided with the size that the file has then, and kept on disk before a line has it: so a decision is for all that
was written until then, and a later read comes to the same whatever was written since.
"""

from collector.model import Chunk, Decided, FileId, Position, Written
from collector.transform.stamps import from_nanoseconds
from collector.transform.undated import Undated


class WrittenLines(Undated):
    """Lines that wait for such a decision, of one file or several. `is_over`: nobody will decide any more."""

    def __init__(self, decided: Decided) -> None:
        super().__init__(Decided())
        self.is_over = False
        self._written = list(decided.written)
        self._seen: dict[FileId, Written] = {}  # what is to be decided of the files of those that wait

    @property
    def is_due(self) -> bool:
        """Whether the first that waits need not."""
        return bool(self._lines) and bool(self.time_at(self._lines[0].start))

    @property
    def is_full(self) -> bool:
        """Whether so many wait that nothing is to be read before a decision."""
        return super().is_full and not self.is_due

    def see(self, chunk: Chunk) -> None:
        """Lines of this chunk follow."""
        if chunk.data:
            file, size = chunk.end.file, max(chunk.size(), chunk.end.offset)
            # The time after the size: what is written in between is decided later.
            self._seen[file] = Written(file, size, from_nanoseconds(chunk.changed()))
        self.is_over = chunk.ended

    def time_at(self, start: Position) -> str:
        """That of a line that begins there; "" if it is not decided."""
        while self._written and self._written[0].file == start.file and self._written[0].until <= start.offset:
            del self._written[0]  # lines come in their order
        for one in self._written:
            if one.file == start.file and start.offset < one.until:
                return one.time
        return self._seen[start.file].time if self.is_over else ""

    def undecided_times(self) -> tuple[Written, ...]:
        """What is to be decided for those that wait."""
        files = dict.fromkeys(line.start.file for line in self._lines)
        return tuple(self._seen[file] for file in files)

    def decide(self, decided: Decided) -> None:
        """These times hold, the first ones of each file first."""
        self._written = list(decided.written)
        waiting = {line.start.file for line in self._lines}
        self._seen = {file: one for file, one in self._seen.items() if file in waiting}
