"""The seams: what a source, a shipper and a searchable store are to the rest, with what they raise.

Everything behind these protocols may be replaced; `tests/contract/` holds the laws of each.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from msgspec import Struct
from pydantic import Field

from collector.model import Batch, Chunk, Counts, Decided, LogStream, Receipt, Segment, Start, StreamKey, Ticket
from collector.net.waiting import Tell
from collector.search.query import Bucket as Bucket
from collector.search.query import Found as Found
from collector.search.query import Query as Query
from collector.search.query import Searchable as Searchable
from collector.search.query import Value as Value
from collector.values import Bytes, Seconds, Section


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

    @staticmethod
    def together(jobs: "Sequence[tuple[Transform, Chunk]]", most_bytes: int) -> Sequence[list[Segment] | None]:
        """What chunks of several streams become, where that is cheaper at one go; all transforms are of this class.

        None stands for each that has to be taken by itself. No more than `most_bytes` are added to the lines of the
        others, of which none leaves a line out, nor keeps one.
        """
        return [None] * len(jobs)


class Shipper(Protocol):
    """Takes batches to one destination. It only sends, and tells what happened to each document."""

    async def ship(self, batch: Batch) -> Receipt:
        """Send `batch` and account for every document in it. May be called again before it has returned.

        A document that is already there under the same id is a duplicate, not an error.

        Raises:
            Unavailable: nothing is known of the batch: send all of it again. It is told whether it was on its way.
            Refused: the destination refuses all of it for its size or for a document: send it in halves.
        """
        ...

    async def aclose(self) -> None:
        """Release everything; may be called twice, and without `ship`. What `ship` acknowledged stays."""
        ...


class Tap(Protocol):
    """Is shown what an output reads, before it waits for anything; returns at once."""

    def show(self, *segments: Segment) -> None:
        """Segments were made."""
        ...

    def back(self, stream: StreamKey) -> None:
        """Some of the stream is read once more: what is shown next was shown before."""
        ...


class Finding(NamedTuple):
    """One thing that `pilotfish check` has looked at, in words; `fix` is the remedy."""

    verdict: Literal["ok", "warn", "fail"]
    subject: str
    text: str
    fix: str = ""


class OutputContext(NamedTuple):
    """What a shipper is told besides its settings: the output's name and its own directory."""

    output: str
    directory: Path  # made by the shipper when it needs one; below the state directory


class ShipperSettings(Section):
    """What every output has: how documents are gathered into batches. A shipper's `Settings` adds its own options."""

    is_searched_first: ClassVar[bool] = False  # since its documents are on this machine
    takes_many_writers: ClassVar[bool] = False  # whether several processes may ship to the destination at once
    has_excess: ClassVar[bool] = False  # whether it gets what `on_excess: store_only` keeps from others
    default_name: ClassVar[str] = ""  # of the output of this type that is there when none is configured; "": of none

    type: str = Field(description="type of output: the name of a module in shippers/")
    level: Literal["trace", "debug", "info", "warn", "error", "fatal"] | None = Field(
        None, description="minimum level; lines with a lower one are left out, lines without a level are delivered"
    )
    batch_bytes: Bytes = Field(2 << 20, le=1 << 30, description="size of a batch; a batch of this size is sent at once")
    linger_seconds: Seconds = Field(1.0, description="maximum time that a document waits for its batch to fill")
    concurrency: int = Field(
        4,
        ge=1,
        le=64,
        description="maximum number of concurrent requests; the agent uses fewer when the output slows down",
    )
    spool: bool = Field(
        False, description="buffer documents on disk while the output is unavailable; false: pause reading instead"
    )
    spool_bytes: Bytes = Field(1 << 30, description="maximum size of the spool on disk; reading pauses when it is full")
    spool_after_seconds: Seconds = Field(
        30.0, description="time for which an output is unavailable before its documents go to the spool"
    )

    @classmethod
    def rivals(cls) -> Sequence[frozenset[str]]:
        """Options of which one at most may be given."""
        return ()

    def open(self, context: OutputContext) -> Shipper:
        """Make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        raise NotImplementedError

    def writes(self, context: OutputContext) -> Collection[str]:
        """What this output alone may write, whatever others are called: the paths of files, or a word for it."""
        return ()


class Setup(Struct, frozen=True, kw_only=True):
    """What an operator wants of a destination; `wait_seconds` is how long it may take to come up.

    `targets` narrows it to the documents of these targets, which may hold `*`; `retention` None keeps them for ever.
    `overwrite` replaces what somebody changed, `dry_run` changes nothing.
    """

    targets: tuple[str, ...] = ()
    retention: timedelta | None = None
    data_stream: bool = False
    overwrite: bool = False
    dry_run: bool = False
    wait_seconds: float = 0.0


Outcome = Literal["created", "unchanged", "updated", "kept", "skipped", "failed"]


class SetupStep(Struct, frozen=True):
    """What became of one object of a server's, in a dry run what would; `text` and `remedy` say why.

    `request` and `body` are what is sent for it, or would be; "" when nothing is.
    """

    subject: str
    outcome: Outcome
    text: str = ""
    remedy: str = ""
    request: str = ""
    body: bytes = b""


class SetupFile(NamedTuple):
    """A body of `setup`, with the request that it is sent by; `path` is a relative one."""

    request: str
    path: str
    body: bytes


@runtime_checkable
class Preparable(Protocol):
    """Settings of an output whose destination holds objects of ours: templates, lifecycle."""

    @classmethod
    def example(cls) -> "Preparable":
        """Defaults for what asks no server: `setup_files` without a configuration."""
        ...

    def servers(self) -> Sequence[str]:
        """The kinds of server that `setup_files` knows, the usual one first."""
        ...

    def set_up(self, context: OutputContext, setup: Setup, tell: Tell) -> AsyncIterator[SetupStep]:
        """Install what is missing or ours and outdated, and give what became of each object.

        A second run changes nothing. `tell` is given what is waited for.

        Raises:
            UsageError: `setup` asks for what these settings cannot have.
            ConfigurationError: a file that the options name cannot be read.
        """
        ...

    def setup_files(self, setup: Setup, server: str) -> Sequence[SetupFile]:
        """What `set_up` would send to a server of this kind, in its order; asks nobody.

        Raises:
            UsageError: `setup` asks for what these settings, or such a server, cannot have.
        """
        ...
