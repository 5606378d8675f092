"""The seams of what is read: a source gives chunks, a transform makes documents of them, a tap is shown these."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Sequence
from typing import ClassVar, NamedTuple, Protocol

from msgspec import Struct

from collector.model import Chunk, Counts, Decided, LogStream, Segment, Start, StreamKey, Ticket


class Source(ABC):
    """Reads one stream. What is not abstract has a default that is right for a source without files of its own."""

    can_go_back: ClassVar[bool] = False  # whether what was given can be read again
    is_forgotten: ClassVar[bool] = True  # whether what is gone, and was read, never comes again

    def __init__(self, stream: LogStream) -> None:
        self.stream = stream
        self.key = stream.key
        self.is_removed = False  # the container is gone
        self.is_readable = False  # whether the last look at it went well

    @abstractmethod
    def chunks(self) -> AsyncIterator[Chunk]:
        """Whole lines, in order, never half a line; a chunk without data tells a position, or that nothing follows.

        Ends when the container is gone and all was given. Called again, it goes on where it was, or where it is to go
        back to.

        Raises:
            OSError: the log cannot be read now; what was given before stays valid.
        """

    def update(self, stream: LogStream) -> None:
        """Take over a new name or state of the container, which exists."""
        self.stream, self.is_removed = stream, False

    def remove(self) -> None:
        """The container is gone: read what is left, then end."""
        self.is_removed = True

    def ask(self) -> None:
        """Give a chunk soon, even without data: whoever takes it has something to finish."""
        return

    def go_back(self, start: Start) -> None:
        """Read again from there on; only where `can_go_back`."""
        raise NotImplementedError

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until there is something new."""
        await asyncio.sleep(seconds)

    def look_ahead(self) -> None:
        """Hold what may vanish before it is read; called each second, also while the reader waits for room."""
        return

    def set_aside(self) -> None:
        """Nobody reads it for long: leave what is scarce to others."""
        return

    def let_go(self) -> int:
        """Give up the oldest of what has no name any more; returns its bytes, which are lost, 0 if there is none."""
        return 0

    def close(self) -> None:
        """Release everything; `chunks` goes on from here if it is called again. May be called twice."""
        return

    @property
    def since(self) -> float | None:
        """The loop's time before which nothing was there of what it gave last; None: not known."""
        return None

    @property
    def backlog_bytes(self) -> int:
        """Bytes that were not read yet, as far as they are known."""
        return 0

    @property
    def held_bytes(self) -> int:
        """Those of them that take up room on a disk only until they are read."""
        return 0


class PolledSource(Source):
    """A source that may be looked at in rounds with others. It shows each chunk to the rounds before it gives it."""

    @abstractmethod
    def look(self, now: float) -> Chunk | None:
        """What has come, at this time of the loop; None if it needs nothing, or its reader goes on with it."""

    @abstractmethod
    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        """What it gave was taken, or its reader has to wait with it."""


class Taken(Struct, gc=False):
    """What a transform makes of a chunk.

    `end`: where the stream is once these segments are settled, also where there are none; None: where it was before.
    `filtered`: how many documents each rule left out on purpose; `counts`: what else its composer counted, if it did.
    """

    segments: list[Segment]
    end: Ticket | None = None
    filtered: dict[str, int] | None = None
    parse_errors: int = 0
    torn_lines: int = 0
    counts: Counts | None = None

    def note(self, counts: Counts) -> None:
        """Its composer has counted this."""
        self.counts, self.filtered = counts, counts.filtered


class Undecided(NamedTuple):
    """What a transform waits for: the end of an event, or the time of lines that have none.

    It is `decided` so where nothing has come for some `seconds`; equal as long as it waits for the same. `is_at_end`:
    a chunk without data has told that all was read.
    """

    waits_for: object
    seconds: float
    decided: Decided
    is_at_end: bool = True


class Transform(ABC):
    """Makes documents of one stream's chunks. Where they are cut changes neither documents nor ids."""

    is_slow = False  # whether others are served between a few of its lines

    @property
    def is_amid_line(self) -> bool:
        """Whether it keeps some of what it took, for what follows."""
        return False

    @property
    def is_full(self) -> bool:
        """Whether it takes nothing more before it is decided what it waits for."""
        return False

    def added_bytes(self, stream: LogStream) -> int:
        """How many bytes a document of the stream has beside its line, about: large chunks are taken in parts by it."""
        return 0

    @abstractmethod
    def take(self, chunk: Chunk) -> Taken:
        """The documents of `chunk`, one segment per run of equal day; with one that ended, of all that was kept."""

    def undecided(self) -> Undecided | None:
        """What some of that waits for, which may never come; None if nothing does."""
        return None

    def decide(self, decided: Decided) -> None:
        """Use what was decided and is kept, with the next chunk, whatever is in it."""
        return

    def rest(self, chunk: Chunk) -> object | None:
        """What of the lines before decides, beside the stream and the chunk, what it makes of the chunk.

        Two of one class with equal rests make the same of it. None: nobody else can know that, such as amid a line.
        """
        return None

    def adopt(self, chunk: Chunk, taken: Taken, last_line: bytes) -> Taken:
        """Go on as if it had made this of the chunk, which one with an equal rest did; with tickets of its own.

        `last_line` is the end of the chunk's last line; b"" if the chunk is not complete.
        """
        raise NotImplementedError

    @staticmethod
    def together(jobs: "Sequence[tuple[Transform, Chunk]]", most_bytes: int) -> Sequence[list[Segment] | None]:
        """What chunks of several streams become, where that is cheaper at one go; all transforms are of this class.

        None stands for each that has to be taken by itself. No more than `most_bytes` are added to the lines of the
        others, of which none leaves a line out, nor keeps one.
        """
        return [None] * len(jobs)


class Tap(Protocol):
    """Is shown what an output reads, before it waits for anything; returns at once."""

    def show(self, *segments: Segment) -> None:
        """Segments were made."""
        ...

    def back(self, stream: StreamKey) -> None:
        """Some of the stream is read once more: what is shown next was shown before."""
        ...
