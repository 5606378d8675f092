"""The table that inputs fill and everyone reads: the containers, and the streams that are followed.

Each input fills a `Listing` of its own, and the `Registry` joins them. Readers compare versions: `changed(version)`
returns when what is to be followed is newer. Nothing is queued, so a slow reader sees the latest state, and all
pipelines share one table.
"""

import asyncio
from collections import Counter
from collections.abc import Collection
from typing import Literal

import structlog
from msgspec import Struct
from msgspec.structs import replace

from collector.clock import News
from collector.container_settings.statement import Settings
from collector.discovery.container_counts import ContainerCounts
from collector.discovery.share import EVERYTHING, Share
from collector.docker import json_file
from collector.docker.event import Event
from collector.model import LogStream, StreamKey
from collector.text.bounds import shown

log = structlog.get_logger(__name__)

UNDESCRIBED = ""  # the driver of a container that the daemon lists and does not describe
NO_SETTINGS = Settings()
Problem = Literal["", "driver", "label", "undescribed"]


class Container(Struct, frozen=True, kw_only=True):
    """What is known of one container; `state` and `health` are the daemon's words, "" where it has none.

    Times are seconds since 1970, None for what has not happened. `log_limit_bytes` is the size that its log files may
    have together, infinite without a limit, None if its driver keeps none; `memory_limit_bytes` 0 without a limit.
    Any number is None where nobody told it.
    A health is only of one that runs, an exit code only of one that does not. `check_wait_seconds` is the time within
    which its health check has to run again, None without one. `start_error` is why the daemon could not start it.
    `stack`, `service` and `task` are the swarm's.
    `problem` says why its log is not followed though it should be, `problem_kind` in a word; `settings` are what it
    asks for, and `targets` those that it names itself.
    """

    id: str
    name: str
    state: str
    health: str = ""
    failing_streak: int | None = 0
    last_check: float | None = None
    check_wait_seconds: float | None = None
    start_error: str = ""
    driver: str = json_file.DRIVER
    image: str = ""
    image_id: str = ""
    compose_project: str = ""
    compose_service: str = ""
    stack: str = ""
    service: str = ""
    task: str = ""
    restarts: int = 0
    exit_code: int | None = None
    oom_killed: bool | None = False
    created: float | None = None
    started: float | None = None
    finished: float | None = None
    log_limit_bytes: float | None = None
    memory_limit_bytes: int | None = 0
    problem: str = ""
    problem_kind: Problem = ""
    settings: Settings = NO_SETTINGS
    streams: tuple[LogStream, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether it has processes now."""
        return self.state in ("running", "paused")


class Registry:
    """All containers of one host by id, from all inputs; of those in its `share` the logs are followed.

    Each container belongs to the input that listed it first, for as long as that lists it.
    """

    def __init__(self, share: Share = EVERYTHING, max_targets: int = 1000) -> None:
        self.share = share
        self.max_targets = max_targets  # that containers may name together
        self.inputs: dict[str, Listing] = {}  # by name
        self.containers: dict[str, Container] = {}
        self.counts: dict[str, ContainerCounts] = {}
        self.targets: Counter[str] = Counter()  # that containers name themselves → how many do
        self.version = 0  # of what is to be followed
        self.revision = 0  # of the table
        self.closed = False
        self._owners: dict[str, Listing] = {}  # by container id
        self._changed = asyncio.Event()

    def join(self, name: str = "", *, has_events: bool = True) -> "Listing":
        """What a further input fills; `has_events` if it is told how containers end."""
        self.inputs[name] = Listing(self, name, has_events=has_events)
        return self.inputs[name]

    @property
    def answers(self) -> dict[str, bool]:
        """Whether each input tells now what is there."""
        return {name: one.up for name, one in self.inputs.items()}

    @property
    def streams(self) -> dict[StreamKey, LogStream]:
        """What is to be followed now; of several containers that name one, it is that of the oldest."""
        found: dict[StreamKey, tuple[Container, LogStream]] = {}
        for container in self.containers.values():
            for stream in container.streams:
                if self.share.has(stream.container_id):
                    other = found.get(stream.key)
                    if other is None or _age(container) < _age(other[0]):
                        found[stream.key] = container, stream
        return {key: stream for key, (_, stream) in found.items()}

    def owner(self, container_id: str) -> "Listing | None":
        """The input that a container belongs to; None: nobody knows it."""
        return self._owners.get(container_id)

    def has_room(self, target: str, beside: Collection[str] = ()) -> bool:
        """Whether a container may name this target, and those `beside` it."""
        return target in self.targets or len(self.targets.keys() | set(beside)) < self.max_targets

    async def changed(self, version: int) -> int:
        """Wait until what is to be followed is newer than `version`; its version then."""
        while self.version == version:
            await self._changed.wait()
        return self.version

    def close(self) -> None:
        """Nobody is to be followed any more: the agent stops."""
        self.closed = True
        self.advance()

    def take(self, container: Container, owner: "Listing") -> "Listing":
        """Take over what an input lists; returns the input that the container belongs to."""
        if (first := self._owners.setdefault(container.id, owner)) is not owner:
            return first
        before = self.containers.get(container.id)
        self.containers[container.id] = container
        self._count_targets(before, container)
        self.revision += 1
        self.counts.setdefault(container.id, ContainerCounts())
        if before is None or before.streams != container.streams:
            self.advance()
        return owner

    def leave(self, container_id: str, owner: "Listing") -> None:
        """An input lists the container no more; another one that does has it from now on."""
        if self._owners.get(container_id) is not owner:
            return
        del self._owners[container_id], self.counts[container_id]
        self.revision += 1
        self._count_targets(self.containers.pop(container_id), None)
        self.advance()
        others = (one for one in self.inputs.values() if container_id in one.containers)
        if (heir := next(others, None)) is not None:
            self.take(heir.containers[container_id], heir)

    def advance(self) -> None:
        """Wake those who wait for a change."""
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()

    def _count_targets(self, before: Container | None, now: Container | None) -> None:
        self.targets.update(now.targets if now else ())
        for target in before.targets if before else ():
            self.targets[target] -= 1
            if not self.targets[target]:
                del self.targets[target]


class Listing:
    """What one input knows of its containers. It tells the registry, which everyone else reads."""

    def __init__(self, registry: Registry, name: str, *, has_events: bool) -> None:
        self.registry = registry
        self.name = name
        self.has_events = has_events
        self.share = registry.share
        self.containers: dict[str, Container] = {}
        self.up = False  # whether the source of this knowledge answers
        self.outages = 0  # times that it was lost
        self.error = "no answer yet"
        self.events: Counter[str] = Counter()  # that the daemon told, by action
        self.streams_of_events = 0  # times that its event stream was opened
        self.hears_events = False  # whether it is open
        self.deaf = ""  # why it cannot be opened, or does not stay open
        self.links: frozenset[str] = frozenset()  # folders of a log tree that are not followed since they are links
        self.missed = 0  # containers that were started and gone before anything was known of them
        self._rivals: set[str] = set()  # inputs that list containers of ours, as it was told
        self._news = News()

    def put(self, container: Container) -> None:
        """Add a container, or take over what is new of it; its streams are read by this input."""
        streams = tuple(replace(stream, input=self.name) for stream in container.streams)
        container = replace(container, streams=streams)
        if self.containers.get(container.id) == container:
            return
        self.containers[container.id] = container
        owner = self.registry.take(container, self)
        if owner is not self and owner.name not in self._rivals:
            self._rivals.add(owner.name)
            log.warning("two inputs list the same containers: each is followed once",
                        container=container.name, input=self.name, followed_by=owner.name)  # fmt: skip

    def drop(self, container_id: str) -> None:
        """The container is gone."""
        if self.containers.pop(container_id, None) is not None:
            self.registry.leave(container_id, self)

    def tell_settings(self, container: Container) -> None:
        """Say once, before `put`, who sets what of a container, and what it has in vain.

        Of one that the daemon does not describe it was said.
        """
        before = self.containers.get(container.id)
        if not self.share.has(container.id):
            return
        if (said := _said_by(container)) and (before is None or _said_by(before) != said):
            log.debug("settings of a container", container=container.name, set_by=said)
        reason = _in_vain(container)
        if not reason or (before is not None and _in_vain(before) == reason):
            return
        if not container.problem:
            log.warning("settings of a container have no effect", container=container.name, reason=reason)
        else:
            log.warning("container only partly followed" if container.streams else "container not followed",
                        container=container.name, reason=reason)  # fmt: skip

    def counts(self, container_id: str) -> ContainerCounts | None:
        """What was counted of a container of this input."""
        return self.registry.counts[container_id] if self.registry.owner(container_id) is self else None

    def tell(self, event: Event, known: ContainerCounts | None = None, *, is_counted: bool = True) -> str:
        """Take over what happened to a container, and count it unless an earlier run did; of its end the kind, else "".

        `known` is the tally of one that is gone meanwhile.
        """
        container = self.containers.get(event.container_id)
        counts = self.counts(event.container_id) or known or ContainerCounts()
        oom_killed = container is not None and bool(container.oom_killed)
        has_check = container is not None and container.check_wait_seconds is not None
        return counts.tell(event, oom_killed=oom_killed, has_check=has_check, is_counted=is_counted)

    def answered(self) -> None:
        """The source of this knowledge answers, and the table is whole."""
        self._news.over()
        if not self.up:
            self.up, self.error = True, ""
            self.registry.advance()

    def lost(self, error: str) -> bool:
        """The source of this knowledge is away; what was known stays. Whether this is news, to be told."""
        self.outages += 1
        self.up, self.error = False, error
        return self._news.is_new(error)


def _said_by(container: Container) -> list[str]:
    """Of each setting that is no default, who says it."""
    return [
        f"{f'{shown(entry.name)}.' if entry.name else ''}{key}: {origin}"
        for entry in container.settings.entries
        for key, origin in entry.origins.items()
        if origin.kind != "default"
    ]


def _age(container: Container) -> tuple[float, str]:
    return container.created or 0.0, container.id


def _in_vain(container: Container) -> str:
    return "; ".join(container.settings.told()) or container.problem
