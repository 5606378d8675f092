"""The table that discovery fills and everyone reads: the containers, and the streams that are followed.

Readers compare versions: `changed(version)` returns when what is to be followed is newer. Nothing is queued, so a slow
reader sees the latest state, and all pipelines share one table.
"""

import asyncio
from collections import Counter
from collections.abc import Collection

import structlog
from msgspec import Struct

from collector.discovery.container_counts import ContainerCounts
from collector.discovery.share import EVERYTHING, Share
from collector.docker import json_file
from collector.docker.event import Event
from collector.model import LogStream, StreamKey

log = structlog.get_logger(__name__)

UNDESCRIBED = ""  # the driver of a container that the daemon lists and does not describe


class Container(Struct, frozen=True, kw_only=True):
    """What is known of one container; `state` and `health` are the daemon's words, "" where it has none.

    Times are seconds since 1970, None for what has not happened. `log_limit_bytes` is the size that its log files may
    have together, infinite without a limit, None if its driver keeps none; `memory_limit_bytes` 0 without a limit.
    Any number is None where nobody told it.
    A health is only of one that runs, an exit code only of one that does not. `check_wait_seconds` is the time within
    which its health check has to run again, None without one. `start_error` is why the daemon could not start it.
    `stack`, `service` and `task` are the swarm's.
    `problem` says why its log is not followed though it should be; `targets` are those that it names itself.
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
    streams: tuple[LogStream, ...] = ()
    targets: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether it has processes now."""
        return self.state in ("running", "paused")


class Registry:
    """All containers of one host, by id; of those in its `share` the logs are followed."""

    def __init__(self, share: Share = EVERYTHING, max_targets: int = 1000) -> None:
        self.share = share
        self.max_targets = max_targets  # that containers may name together
        self.containers: dict[str, Container] = {}
        self.counts: dict[str, ContainerCounts] = {}
        self.up = False  # whether the source of this knowledge answers
        self.outages = 0  # times that it was lost
        self.error = "no answer from the Docker daemon or the log tree yet"
        self.version = 0  # of what is to be followed
        self.revision = 0  # of the table
        self.closed = False
        self.events: Counter[str] = Counter()  # that the daemon told, by action
        self.streams_of_events = 0  # times that its event stream was opened
        self.hears_events = False  # whether it is open
        self.deaf = ""  # why it cannot be opened, or does not stay open
        self.targets: Counter[str] = Counter()  # that containers name themselves → how many do
        self.links: frozenset[str] = frozenset()  # folders of a log tree that are not followed since they are links
        self.missed = 0  # containers that were started and gone before anything was known of them
        self._changed = asyncio.Event()

    @property
    def streams(self) -> dict[StreamKey, LogStream]:
        """What is to be followed now."""
        ours = (container for container in self.containers.values() if self.share.has(container.id))
        return {stream.key: stream for container in ours for stream in container.streams}

    def put(self, container: Container) -> None:
        """Add a container, or take over what is new of it."""
        before = self.containers.get(container.id)
        if before == container:
            return
        self.containers[container.id] = container
        self._count_targets(before, container)
        self.revision += 1
        self.counts.setdefault(container.id, ContainerCounts())
        if before is None or before.streams != container.streams:
            self._advance()

    def tell_problem(self, container: Container) -> None:
        """Say once why a log is not followed, before `put`; of one that the daemon does not describe it was said."""
        before = self.containers.get(container.id)
        is_new = before is None or before.problem != container.problem
        if container.problem and is_new and self.share.has(container.id):
            log.warning("container only partly followed" if container.streams else "container not followed",
                        container=container.name, reason=container.problem)  # fmt: skip

    def tell(self, event: Event, known: ContainerCounts | None = None, *, is_counted: bool = True) -> str:
        """Take over what happened to a container, and count it unless an earlier run did; of its end the kind, else "".

        `known` is the tally of one that is gone meanwhile.
        """
        container = self.containers.get(event.container_id)
        counts = self.counts.get(event.container_id) or known or ContainerCounts()
        oom_killed = container is not None and bool(container.oom_killed)
        has_check = container is not None and container.check_wait_seconds is not None
        return counts.tell(event, oom_killed=oom_killed, has_check=has_check, is_counted=is_counted)

    def drop(self, container_id: str) -> None:
        """The container is gone."""
        self.counts.pop(container_id, None)
        self.revision += 1
        if (gone := self.containers.pop(container_id, None)) is not None:
            self._count_targets(gone, None)
            self._advance()

    def has_room(self, target: str, beside: Collection[str] = ()) -> bool:
        """Whether a container may name this target, and those `beside` it."""
        return target in self.targets or len(self.targets.keys() | set(beside)) < self.max_targets

    def answered(self) -> None:
        """The source of this knowledge answers, and the table is whole."""
        if not self.up:
            self.up, self.error = True, ""
            self._advance()

    def lost(self, error: str) -> None:
        """The source of this knowledge is away; what was known stays."""
        self.outages += 1
        self.up, self.error = False, error

    async def changed(self, version: int) -> int:
        """Wait until what is to be followed is newer than `version`; its version then."""
        while self.version == version:
            await self._changed.wait()
        return self.version

    def close(self) -> None:
        """Nobody is to be followed any more: the agent stops."""
        self.closed = True
        self._advance()

    def _count_targets(self, before: Container | None, now: Container | None) -> None:
        self.targets.update(now.targets if now else ())
        for target in before.targets if before else ():
            self.targets[target] -= 1
            if not self.targets[target]:
                del self.targets[target]

    def _advance(self) -> None:
        self.version += 1
        self._changed.set()
        self._changed = asyncio.Event()
