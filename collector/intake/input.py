"""What an input is: who is there, and how their lines are read.

A module `collector/inputs/<type>.py` has a class `Settings`, the options of `inputs.<name>: {type: <type>}`, which
opens an `Input`. Other packages bring further types: docs/plugins.md.
"""

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Protocol

import structlog
from pydantic import Field

from collector.container_settings.rule_book import RuleBook
from collector.discovery.registry import Container, Listing
from collector.docker.engine import Engine
from collector.docker.event import Event
from collector.documents.composer import Composer
from collector.intake.composing import composer_of
from collector.model import BEGINNING, LogStream, Start, StreamKey
from collector.ports import Finding, Source, Transform
from collector.reading import Reading
from collector.sources.desk import Desk
from collector.text.bounds import bounded
from collector.transform.stamps import Stamps
from collector.values import Section

log = structlog.get_logger(__name__)

_FIX = "correct the options of this input, and let the agent's user read there"

Fields = Callable[[str, str, Mapping[str, str]], Mapping[str, str]]


class Reads(Protocol):
    """Makes what reads a stream."""

    @property
    def cutoff(self) -> str:
        """The time (`YYYY-MM-DDTHH:MM:SS`) before which lines that were never read are left out; "" to read all."""
        ...

    @property
    def logs_option(self) -> str:
        """The option that says where the logs are, such as `inputs.docker.logs_root`; "" if none does alone."""
        ...

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        """How the stream's bytes are read, from `start` on."""
        ...

    def transform(self, stream: LogStream, start: Start) -> Transform:
        """How they become documents; made anew each time that reading begins or goes back."""
        ...


class Input(ABC):
    """One place that log lines come from: keeps its listing, and makes what reads the streams in it."""

    cutoff = ""
    logs_option = ""
    engine: Engine | None = None  # is asked for numbers of its containers, on connections of its own
    logs_root: Path | None = None  # below which their json-file logs lie, whose sizes are exported

    @abstractmethod
    async def run(self) -> None:
        """Keep the listing true, until cancelled. What cannot be reached now is told to the listing as `lost`."""

    @abstractmethod
    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        """How the bytes of a stream that was listed are read, from `start` on."""

    @abstractmethod
    def transform(self, stream: LogStream, start: Start) -> Transform:
        """How they become documents; made anew each time that reading begins or goes back."""

    async def aclose(self) -> None:
        """Release everything; may be called twice, and without `run`."""
        return


class PeriodicInput(Input):
    """An input that is looked at again and again: what a new type of input begins with."""

    look_seconds = 2.0  # between two looks

    def __init__(self, context: "InputContext") -> None:
        self.context = context

    @abstractmethod
    def streams(self) -> Iterable[LogStream]:
        """All streams that are there now, made by `InputContext.stream`; called in a thread.

        Raises:
            OSError: nobody can say now; what was known stays.
        """

    async def run(self) -> None:
        """List what comes and goes, until cancelled."""
        listing = self.context.listing
        while True:
            try:
                found = await asyncio.to_thread(lambda: {one.container_id: one for one in self.streams()})
            except OSError as error:
                cause = f"its logs cannot be listed ({error.strerror or error})"
                if listing.lost(cause):
                    log.warning("input unavailable", input=listing.name, error=cause)
            else:
                for stream_id, stream in found.items():
                    listing.put(Container(id=stream_id, name=stream.container, state="running", streams=(stream,)))
                for gone in listing.containers.keys() - found.keys():
                    listing.drop(gone)
                listing.answered()
            await asyncio.sleep(self.look_seconds)


class EventSink(Protocol):
    """Takes what a daemon tells about containers: documents of the target `docker-events`."""

    @property
    def since(self) -> int:
        """Nanoseconds since 1970: events from then on are not settled in every output."""
        ...

    def put(self, event: Event, kind: str) -> None:
        """An event has come; `kind` is that of an end."""
        ...


class InputContext(NamedTuple):
    """What an input is told besides its settings.

    `host` is the configured name of the host; `rules` are what the operator wants of containers, until they change;
    `target_of` gives the target with which a stream was first seen, which it keeps; `events` makes a sink for an
    input's events, whose documents have these fields, none from before the cutoff; None: they go nowhere.
    """

    name: str
    listing: Listing
    state: Path
    host: str | None
    stamps: Stamps
    with_attrs: bool
    rules: RuleBook
    target_of: Callable[[StreamKey], str | None]
    events: Callable[[str, Fields], EventSink | None]

    @property
    def place(self) -> str:
        """Where the input's options stand, for what names one: `inputs.<name>.`."""
        return f"inputs.{self.name}."

    def composer(self, stream: LogStream, start: Start = BEGINNING) -> Composer:
        """What makes documents of the stream's lines, redacted as the operator wants; a new one for each transform."""
        return composer_of(stream, self.stamps, start.carried)

    def stream(self, stream_id: str, name: str, path: str = "", *, target: str = "") -> LogStream:
        """The only stream of what has this id for good: its documents have the trusted members that all have.

        `name` stands in `docker_container`, and is the target by default. A target from before stays.
        """
        target, name = self.target_of(StreamKey(stream_id, "")) or bounded(target or name), bounded(name)
        host = bounded(self.host or socket.gethostname())
        fields = {"host": host, "@target": target, "docker_container": name}
        redaction = self.rules.redaction
        return LogStream(
            container_id=stream_id,
            container=name,
            entry="",
            target=target,
            path=path,
            running=True,
            fields=fields,
            reading=Reading(redact=redaction.names, redactor=redaction.of(redaction.names)),
        )


class Defaults(NamedTuple):
    """Values of options from the environment that other programs share, and the variable behind each."""

    values: dict[str, Any]
    names: dict[str, str]


class InputSettings(Section):
    """What every input has. The `Settings` of a type add its own options."""

    has_events: ClassVar[bool] = False  # whether it is told how containers end
    is_relay: ClassVar[bool] = False  # whether its documents are those of other agents
    engine_metrics_option: ClassVar[str] = ""  # the option with the URL of the engine's own metrics, if it has one

    type: str = Field(description="type of input: the name of a module in collector/inputs/; default: the input's name")

    @classmethod
    def defaults(cls, environ: Mapping[str, str], options: Mapping[str, Any], place: str) -> Defaults:
        """What the environment says where `options` do not, which stand at `place`: `inputs.<name>.`.

        Raises:
            ConfigurationError: it names what cannot be used.
        """
        return Defaults({}, {})

    def open(self, context: InputContext) -> Input:
        """Make the input; connects to nothing yet.

        Raises:
            ConfigurationError: a file that the options name cannot be read.
        """
        raise NotImplementedError

    async def check(self, context: InputContext) -> AsyncIterator[Finding]:
        """What can be reached here, for `pilotfish check`; the containers that it finds go into the listing."""
        subject = f"input {context.name} ({self.type})"
        opened = self.open(context)
        try:
            if not isinstance(opened, PeriodicInput):
                yield Finding("ok", subject, "nothing to check")
                return
            found = await asyncio.to_thread(lambda: list(opened.streams()))
            yield Finding("ok" if found else "warn", subject, f"{len(found)} logs", "" if found else _FIX)
        except OSError as error:
            yield Finding("fail", subject, f"its logs cannot be listed ({error.strerror or error})", _FIX)
        finally:
            await opened.aclose()
