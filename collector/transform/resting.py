"""Between two chunks: where a transform of Docker's lines rests, and how it goes on behind what another one made.

At rest nothing of the lines before is kept but the time of the last one. So what two transforms with the same settings
make of a chunk is the same, and the second may take it over.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from collector.documents.composer import Composer
from collector.model import Chunk, Position, Segment, Ticket
from collector.ports import Taken
from collector.transform.undated import Undated


class Resting:
    """What `docker_json` knows between two chunks: `_done` is what the next segment leaves behind it."""

    _begun: bool
    _composer: Composer
    _done: Ticket
    _held: Undated
    _last_time: str
    _line_before: bytes
    _was_plain: bool

    @property
    def is_amid_line(self) -> bool:
        """Whether it keeps some of what it took, for what follows."""
        raise NotImplementedError

    def rest(self, chunk: Chunk) -> object | None:
        """The time of the line before, and what was decided of lines without one; None amid a line.

        None as well where a line depends on those before it, and with a chunk that tells more than its lines.
        """
        is_amid = not self._was_plain and self.is_amid_line
        if is_amid or chunk.ended or not chunk.data:
            return None
        composer = self._composer
        if composer.reads_lines and (composer.remembers or composer.carried):
            return None
        return self._last_time, self._held.time_in(chunk.start.file)

    def adopt(self, chunk: Chunk, taken: Taken, last_line: bytes) -> Taken:
        """Go on as if it had made this of the chunk."""
        self._begin(chunk)
        assert taken.end is not None  # noqa: S101 - it rested behind the chunk
        end = Ticket(taken.end.end, taken.end.last_time, taken.end.fingerprint)  # at rest nothing is carried
        segments = self._own(chunk, taken.segments, end)
        self._last_time = end.last_time
        self._line_before = last_line
        self._was_plain = bool(segments) and taken.counts is None and not taken.parse_errors
        return replace(taken, segments=segments, end=segments[-1].ticket if segments else end)

    def _own(self, chunk: Chunk, made: Sequence[Segment], end: Ticket) -> list[Segment]:
        """The segments with tickets of its own, of which the last alone moves the position."""
        segments = []
        for one in made:
            if one is made[-1]:
                self._done = end
            done = self._done
            ticket = Ticket(done.end, done.last_time, done.fingerprint, len(one.documents), carried=done.carried)
            segments.append(replace(one, stream=chunk.stream, ticket=ticket))
        return segments

    def _begin(self, chunk: Chunk) -> None:
        """Another file, or the first: what comes first of it leaves its start behind it."""
        if not self._begun or (self._done.end.file != chunk.start.file and not self.is_amid_line):
            self._begun = bool(chunk.data)  # lines that are left out may come first, as chunks without data
            self._done = self._ticket(chunk.start, self._last_time)

    def _ticket(self, end: Position, last_time: str, known_by: str = "") -> Ticket:
        return Ticket(end, last_time, known_by, carried=self._composer.carried)
