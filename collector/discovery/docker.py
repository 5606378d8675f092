"""The daemon's containers → the roster: subscribe to events, then list, then reconcile, so that nothing is missed.

A slow re-list mends what an event did not tell (a subscriber that is slow loses events). When the daemon is away,
what was known stays, and everything is asked anew once it is back.
"""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from collector.discovery.enrich import Enricher
from collector.discovery.event import Event, event_of
from collector.discovery.inspected import described
from collector.discovery.roster import Container, Roster
from collector.docker_api import Engine, EngineUnavailable, NoSuchContainer, interval_seconds
from collector.errors import PilotfishError
from collector.moments import iso

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_INSPECTS_AT_ONCE = 8


class _Turns:
    """Answers about containers in the order in which they were asked: a late one replaces none that was asked later."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self._asking: Counter[str] = Counter()  # containers with questions under way; others need no memory
        self._newest: dict[str, int] = {}  # the turn of the last answer that was taken

    @contextmanager
    def ask(self, container_id: str) -> Iterator[Callable[[], bool]]:
        """Ask while the block lasts; what is given takes the answer, and is False if a later one was taken before."""
        turn = next(self._numbers)
        self._asking[container_id] += 1
        try:
            yield lambda: self._take(container_id, turn)
        finally:
            self._asking[container_id] -= 1
            if not self._asking[container_id]:
                del self._asking[container_id]
                self._newest.pop(container_id, None)

    def told(self, container_id: str) -> None:
        """The daemon told the end of a container: what was asked before is out of date."""
        if container_id in self._asking:
            self._newest[container_id] = next(self._numbers)

    def _take(self, container_id: str, turn: int) -> bool:
        if turn < self._newest.get(container_id, 0):
            return False
        self._newest[container_id] = turn
        return True


class DockerDiscovery:
    """Keeps the roster like the daemon's list. `host` is the configured name, or None for the daemon's."""

    def __init__(
        self,
        engine: Engine,
        roster: Roster,
        enricher: Enricher,
        *,
        logs_root: Path,
        host: str | None,
        host_file: Path,
        since: int = 0,
        told: Callable[[Event, str], None] = lambda event, kind: None,
    ) -> None:
        """`since` (nanoseconds, 0: now) is the event up to which `told` knows them; it gets an end's kind as well."""
        self._engine = engine
        self._roster = roster
        self._enricher = enricher
        self._logs_root = logs_root
        self._host = host
        self._host_file = host_file
        self._began = time.time_ns()
        self._reported: set[str] = set()
        self._turns = _Turns()
        self._since = since
        self._told = told

    async def run(self) -> None:
        """Follow the daemon until cancelled."""
        failures = 0
        while True:
            try:
                async with self._engine.events(min(self._since, time.time_ns())) as events:
                    self._roster.streams_of_events += 1
                    self._roster.hears_events = True
                    await self._take_host()
                    await self._reconcile()
                    failures = 0
                    await self._follow(events)
            except* (EngineUnavailable, NoSuchContainer) as unavailable:  # the latter: no Engine API is there
                error = _first(unavailable)
                if self._roster.error != error:
                    log.warning("no word from the Docker daemon", error=error)
                self._roster.lost(error)
            finally:
                self._roster.hears_events = False
            await asyncio.sleep(_RECONNECT_SECONDS[min(failures, len(_RECONNECT_SECONDS) - 1)])
            failures += 1

    async def _follow(self, events: AsyncIterator[dict[str, Any]]) -> None:
        """Apply events and re-list, until either fails: then both are done anew.

        Raises:
            ExceptionGroup: of EngineUnavailable.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(events), name="docker events")
            tasks.create_task(self._relist(), name="docker re-list")

    async def _listen(self, events: AsyncIterator[dict[str, Any]]) -> None:
        known = self._since  # what the daemon remembers from then on comes first, and only that: clocks are set back
        async for told in events:
            event = event_of(told)
            if event is not None and event.time != known:
                await self._apply(event)
                self._roster.events[event.action] += 1
                self._since = event.time
        raise EngineUnavailable("the event stream of the Docker daemon ended")

    async def _relist(self) -> None:
        """Now and then; those with a health check are asked each time, for the list does not tell their health."""
        while True:
            checked = sum(1 for one in self._roster.containers.values() if one.health)
            await asyncio.sleep(interval_seconds(checked))
            await self._reconcile()

    async def _apply(self, event: Event) -> None:
        if event.action == "destroy":
            self._turns.told(event.container_id)
            self._drop(event.container_id)
            return
        tally = self._roster.tallies.get(event.container_id)  # `--rm` takes a container away before it is asked for
        await self._inspect(event.container_id, was_started=event.action == "start" and event.time > self._began)
        self._told(event, self._roster.tell(event, tally))

    async def _reconcile(self) -> None:
        listed = {str(item["Id"]): item for item in await self._engine.containers()}
        news = [one for one, item in listed.items() if not _is_known(self._roster.containers.get(one), item)]
        news += self._roster.containers.keys() - listed.keys()  # gone, or made since the list was
        limit = asyncio.Semaphore(_INSPECTS_AT_ONCE)

        async def inspect(container_id: str) -> None:
            async with limit:
                await self._inspect(container_id)

        async with asyncio.TaskGroup() as tasks:
            for container_id in news:
                tasks.create_task(inspect(container_id))
        self._roster.answered()

    async def _inspect(self, container_id: str, *, was_started: bool = False) -> None:
        """Ask for a container and take over what is so; the re-list's questions run beside those of the events."""
        with self._turns.ask(container_id) as is_newest:
            try:
                found = await self._engine.inspect(container_id)
            except NoSuchContainer:
                if is_newest():
                    self._miss(container_id, was_started=was_started)
                return
            if is_newest():
                self._put(found)

    def _put(self, found: dict[str, Any]) -> None:
        is_new = str(found.get("Created", ""))[:19] >= iso(self._began)[:19]
        container = self._enricher.container(described(found, self._logs_root, is_new=is_new))
        if container.problem and container.id not in self._reported:
            self._reported.add(container.id)
            log.warning("a container is not followed", container=container.name, reason=container.problem)
        self._roster.put(container)

    def _miss(self, container_id: str, *, was_started: bool) -> None:
        if was_started and container_id not in self._roster.containers:
            self._roster.missed += 1
            log.warning("a container was gone before it could be looked at: its log is lost", id=container_id[:12])
        self._drop(container_id)

    def _drop(self, container_id: str) -> None:
        self._reported.discard(container_id)
        self._roster.drop(container_id)

    async def _take_host(self) -> None:
        """The daemon's name; if it does not tell, the last that it told, else this machine's."""
        if self._host is None:
            name = str((await self._engine.info()).get("Name") or "")
            if name and name != known_host(self._host_file):
                try:
                    await asyncio.to_thread(self._host_file.write_text, name)
                except OSError as error:  # a full disk must not keep anybody from being followed
                    log.warning("the host's name cannot be kept", path=str(self._host_file), error=str(error))
            self._enricher.host = name or known_host(self._host_file)


def _first(group: BaseExceptionGroup[PilotfishError]) -> str:
    """What the first of the errors says, however deep task groups have wrapped it."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)


def known_host(host_file: Path) -> str:
    """The last name that the daemon told, else this machine's."""
    try:
        return host_file.read_text().strip() or socket.gethostname()
    except OSError:
        return socket.gethostname()


def _is_known(container: Container | None, item: dict[str, Any]) -> bool:
    """Whether a listed container is as it was; one with a health check is asked every time.

    The list does not tell health, and no event tells a growing streak (Docker 20.10).
    """
    if container is None or container.health:
        return False
    names = [name.lstrip("/") for name in item.get("Names") or []]
    return container.name in names and container.state == item.get("State")
