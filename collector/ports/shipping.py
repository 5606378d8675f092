"""The seam of an output: a shipper takes batches to one destination; its settings open it and say what it promises."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

from pydantic import Field

from collector.model import Batch, Receipt, Segment
from collector.ports.content import ContentOptions
from collector.ports.translating import LogPilot, Route, Translated
from collector.values import Bytes, Seconds


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


@runtime_checkable
class ReadsBack(Protocol):
    """A shipper whose destination can be asked for documents."""

    async def read_back(self, segment: Segment) -> Collection[str]:
        """The ids of the segment's documents that are found there.

        Raises:
            Unavailable: the destination cannot be asked.
        """
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


Promised = Literal["exactly_once", "at_least_once", "unsafe"]


class Promise(NamedTuple):
    """How often a document arrives whatever breaks, and by what: `text` is a sentence without its full stop.

    `exactly_once`: none is lost, none stands there twice. `at_least_once`: none is lost; some may come twice, with the
    same id. `unsafe`: the destination acknowledges nothing, so what is on its way when it fails is lost.
    """

    kind: Promised
    text: str

    @property
    def words(self) -> str:
        """The kind in words, such as `exactly once`."""
        return self.kind.replace("_", " ")


class ShipperSettings(ContentOptions):
    """What every output has: how documents are gathered into batches. A shipper's `Settings` adds its own options."""

    is_searched_first: ClassVar[bool] = False  # since its documents are on this machine
    takes_many_writers: ClassVar[bool] = False  # whether several processes may ship to the destination at once
    has_excess: ClassVar[bool] = False  # whether it gets what `on_excess: store_only` keeps from others

    type: str = Field(description="type of output: the name of a module in shippers/")
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

    fallback: str | None = Field(
        None, description="name of the output that takes the documents while this one is unavailable for long"
    )
    fallback_after_seconds: Seconds = Field(
        3600.0, description="time for which an output is unavailable before its fallback takes what it reads"
    )

    @classmethod
    def rivals(cls) -> Sequence[frozenset[str]]:
        """Options of which one at most may be given."""
        return ()

    @classmethod
    def from_route(cls, route: Route) -> Translated | None:
        """The options for a destination of logspout's; None: it is not one of this type.

        Raises:
            ConfigurationError: it is one, and something that it says cannot be had here.
        """
        return None

    @classmethod
    def from_log_pilot(cls, said: LogPilot) -> Translated | None:
        """The options for the output that log-pilot's environment names; None: it is not one of this type.

        Raises:
            ConfigurationError: it is one, and something that it says cannot be had here.
        """
        return None

    def open(self, context: OutputContext) -> Shipper:
        """Make the shipper; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        raise NotImplementedError

    def promise(self) -> Promise:
        """What the output promises with these options."""
        return Promise("at_least_once", "a document may arrive again, with the same id, after an answer was lost")

    @property
    def has_frozen_batches(self) -> bool:
        """Whether a batch is on disk before it is sent first: then it is sent again with the same documents alone.

        For a destination that tells a batch that it has by the whole of it, not by each document.
        """
        return False

    def writes(self, context: OutputContext) -> Collection[str]:
        """What this output alone may write, whatever others are called: the paths of files, or a word for it."""
        return ()


class RemoteSettings(ShipperSettings):
    """An output to another machine: an outage of it must not keep documents in logs that rotate."""

    spool: bool = Field(
        True, description="buffer documents on disk while the output is unavailable; false: pause reading instead"
    )
