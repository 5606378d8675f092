"""The daemon's containers → the registry: its events are heard and its containers listed, each whatever the other does.

A list follows each opening of the stream, so that nothing is missed, and a slow re-list mends what an event did not
tell (a subscriber that is slow loses events). When the daemon is away, what was known stays, and everything is asked
anew once it is back. A container that alone cannot be asked for takes nothing from the others.
"""

import asyncio
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Any

import structlog

from collector.clock import News
from collector.discovery.attributes import Attributes
from collector.discovery.enrich import Enricher
from collector.discovery.inspected import described, undescribed
from collector.discovery.registry import UNDESCRIBED, Container, Listing
from collector.discovery.service_labels import ServiceLabels
from collector.discovery.turns import Turns
from collector.docker.each import of_each
from collector.docker.engine import Engine, EngineUnavailable, NoSuchContainer, interval_seconds
from collector.docker.event import Event, event_of
from collector.errors import leaves
from collector.files.writing import replace
from collector.text.times import iso

log = structlog.get_logger(__name__)

_RECONNECT_SECONDS = (0.5, 1.0, 2.0, 5.0, 10.0)
_OPENING_SECONDS = 1.0  # that the first list waits for the stream, so as not to be made twice
_STEADY_SECONDS = 30.0  # a stream that was open so long has not failed for what the last one failed for
_GAP = 300_000_000_000  # nanoseconds before the start: what happened while the agent was replaced is counted
_ENDED = re.compile(r"Exited \((\d{1,3})\)")  # the list's word for an end: a start that fails is no event


class DockerDiscovery:
    """Keeps the registry like the daemon's list. `host` is the configured name, or None for the daemon's."""

    def __init__(
        self,
        engine: Engine,
        listing: Listing,
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
        self._listing = listing
        self._enricher = enricher
        self._logs_root = logs_root
        self._host = host
        self._host_file = host_file
        self._began = time.time_ns()
        self._unanswered: set[str] = set()  # containers of which the daemon answered with an error last
        self._outdated = set(listing.containers)  # that were described by other rules, perhaps
        self._news = News()  # why there are no events
        self._due = asyncio.Event()  # a look
        self._turns = Turns()
        self._attributes = Attributes()
        self._service_labels = ServiceLabels(engine)
        self._since = since or self._began  # what happens between a list and the stream is told with the stream
        self._told = told

    async def run(self) -> None:
        """Follow the daemon until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(), name="docker events")
            tasks.create_task(self._look_on(), name="docker list")
            tasks.create_task(self._judge_anew(), name="docker rules")

    async def _judge_anew(self) -> None:
        """Have all described again whenever the operator wants something else of containers."""
        rules = self._enricher.rules
        version = rules.version
        while True:
            version = await rules.changed(version)
            self._outdated.update(self._listing.containers)
            self._due.set()

    # ------------------------------------------------------------------ events

    async def _hear(self) -> None:
        """Take what the daemon tells, over each end of its stream."""
        failures = 0
        is_new = True
        while True:
            opened = inf
            try:
                async with self._engine.events(min(self._since, time.time_ns())) as events:
                    opened = time.monotonic()
                    self._opened(is_new=is_new)
                    await self._listen(events)
                is_new = False  # it was silent: asked for anew from the last event on, it misses none
                continue
            except EngineUnavailable as broken:
                self._listing.hears_events, is_new = False, True
                failures = 0 if time.monotonic() - opened > _STEADY_SECONDS else failures
                if failures or opened == inf:  # one stream that ends is no news
                    self._listing.deaf = str(broken)
            self._due.set()
            await asyncio.sleep(self._pause_seconds(failures))
            self._tell_of_deafness()
            failures += 1

    def _opened(self, *, is_new: bool) -> None:
        self._listing.streams_of_events += is_new
        self._listing.hears_events, self._listing.deaf = True, ""
        self._news.over()
        self._due.set()

    async def _listen(self, events: AsyncIterator[dict[str, Any]]) -> None:
        known = self._since  # what the daemon remembers from then on comes first, and only that: clocks are set back
        async for told in events:
            event = event_of(told)
            if event is not None and event.time != known:
                await self._apply(event)
                self._since = event.time

    def _tell_of_deafness(self) -> None:
        """Not of a daemon that is away altogether."""
        if self._listing.up and self._listing.deaf and self._news.is_new(self._listing.deaf):
            log.warning("Docker event stream unavailable: listing containers on a timer",
                        input=self._listing.name, error=self._listing.deaf)  # fmt: skip

    def _pause_seconds(self, failures: int) -> float:
        """Until the next try: soon at first, then as often as a re-list is due."""
        if failures < len(_RECONNECT_SECONDS):
            return _RECONNECT_SECONDS[failures]
        return self._relist_seconds() if self._listing.up else _RECONNECT_SECONDS[-1]

    # ------------------------------------------------------------------ the list

    async def _look_on(self) -> None:
        """List on a timer, and whenever the stream of events has begun or ended."""
        seconds, failures = _OPENING_SECONDS, 0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._due.wait()
            is_timer = not self._due.is_set()
            self._due.clear()
            await self._look(has_host=is_timer and self._listing.up)
            failures = 0 if self._listing.up else failures + 1
            seconds = self._pause_seconds(failures - 1) if failures else self._relist_seconds()

    async def _look(self, *, has_host: bool) -> None:
        """In a task of its own, as an input is: whoever ends this must be heard (`app.inputs.keep_running`)."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._try_to_look(has_host=has_host), name="docker list")

    async def _try_to_look(self, *, has_host: bool) -> None:
        try:
            if not has_host:
                await self._take_host()
            await self._reconcile()
        except* EngineUnavailable as unavailable:
            error = str(next(leaves(unavailable)))
            if self._listing.lost(error):
                log.warning("Docker daemon unreachable", input=self._listing.name, error=error)

    def _relist_seconds(self) -> float:
        """Those with a health check are asked each time, for the list does not tell their health."""
        return interval_seconds(sum(_is_asked_each_time(one) for one in self._listing.containers.values()))

    # ------------------------------------------------------------------ what is told

    async def _apply(self, event: Event) -> None:
        # what is older an earlier run has counted; what happens now is not, though the clock was set back
        is_counted = event.time > self._began - _GAP or event.time > time.time_ns() - _GAP
        if event.action == "destroy":
            self._turns.told(event.container_id)
            self._drop(event.container_id)
            self._attributes.forget(event.container_id)
            self._listing.events[event.action] += is_counted
            return
        counts = self._listing.counts(event.container_id)  # `--rm` takes a container away before it is asked for
        known = self._listing.containers.get(event.container_id)
        self._attributes.learn(event)
        was_started = event.action == "start" and event.time > self._began
        error = await self._inspect(event.container_id, was_started=was_started)
        now = self._listing.containers.get(event.container_id) if error is None else None
        event = self._attributes.verified(event, now, now or known)
        self._listing.events[event.action] += is_counted  # only now: in between it may be cancelled, and told again
        self._told(event, self._listing.tell(event, counts, is_counted=is_counted))

    async def _reconcile(self) -> None:
        """List the containers, and ask for those that may have changed.

        Raises:
            EngineUnavailable: the daemon does not list them, or nothing is known of any of them.
        """
        listed = {str(item["Id"]): item for item in await self._engine.containers()}
        known = self._listing.containers
        asked = self._unanswered | self._outdated
        news = [one for one, item in listed.items() if one in asked or not _is_known(known.get(one), item)]
        news += known.keys() - listed.keys()  # gone, or made since the list was
        errors = [error for error in await of_each(news, self._inspect) if error is not None]
        if errors and not any(one in known for one in listed):
            raise errors[0]
        for container_id in self._unanswered & listed.keys():
            if container_id not in known or known[container_id].driver == UNDESCRIBED:
                self._listing.put(undescribed(listed[container_id]))
        self._unanswered &= listed.keys()
        self._outdated &= listed.keys()
        self._attributes.keep(listed)
        self._listing.answered()

    async def _inspect(self, container_id: str, *, was_started: bool = False) -> EngineUnavailable | None:
        """Ask for a container and take over what is so; the re-list's questions run beside those of the events.

        What was known stays if the daemon answers with an error, which is given: one that is half removed, or whose
        lock is held, has no other answer for as long as it is there.
        """
        with self._turns.ask(container_id) as is_newest:
            try:
                found = await self._engine.inspect(container_id)
                more = await self._service_labels.of(found)
            except NoSuchContainer:
                if is_newest():
                    self._miss(container_id, was_started=was_started)
                return None
            except EngineUnavailable as error:
                if container_id not in self._unanswered and self._listing.share.has(container_id):
                    known = self._listing.containers.get(container_id)
                    name = known.name if known else container_id[:12]
                    log.warning("inspecting a container failed", container=name, error=str(error))
                self._unanswered.add(container_id)
                return error
            self._unanswered.discard(container_id)
            self._outdated.discard(container_id)
            if is_newest():
                self._put(found, more)
            return None

    def _put(self, found: dict[str, Any], service_labels: Mapping[str, str]) -> None:
        is_new = str(found.get("Created", ""))[:19] >= iso(self._began)[:19]
        description = described(found, self._logs_root, is_new=is_new)
        labels = {**service_labels, **description.labels}
        container = self._enricher.container(description._replace(labels=labels))
        self._attributes.see(container.id, (found.get("Config") or {}).get("Labels") or {})
        known = self._listing.containers.get(container.id)
        is_new = known is None or known.start_error != container.start_error
        if container.start_error and is_new and self._listing.share.has(container.id):
            log.warning("container failed to start", container=container.name, error=container.start_error)
        self._listing.tell_settings(container)
        self._listing.put(container)

    def _miss(self, container_id: str, *, was_started: bool) -> None:
        if was_started and container_id not in self._listing.containers:
            self._listing.missed += 1
            if self._listing.share.has(container_id):
                log.warning("container removed before it was inspected: its log is lost", id=container_id[:12])
        self._drop(container_id)

    def _drop(self, container_id: str) -> None:
        self._listing.drop(container_id)

    async def _take_host(self) -> None:
        """The daemon's name; if it does not tell, the last that it told, else this machine's."""
        if self._host is None:
            try:
                name = str((await self._engine.info()).get("Name") or "")
            except EngineUnavailable:  # one that lists its containers may still not answer this for minutes
                if not self._host_file.exists():
                    raise
                name = ""
            if name and name != known_host(self._host_file):
                try:
                    await asyncio.to_thread(replace, self._host_file, name.encode())
                except OSError as error:  # a full disk must not keep anybody from being followed
                    log.warning("saving the host name failed", path=str(self._host_file), error=str(error))
            self._enricher.host = name or known_host(self._host_file)


def known_host(host_file: Path) -> str:
    """The last name that the daemon told, else this machine's."""
    try:
        return host_file.read_text().strip() or socket.gethostname()
    except OSError:
        return socket.gethostname()


def _is_known(container: Container | None, item: dict[str, Any]) -> bool:
    """Whether a listed container is as it was, an end's code included."""
    if container is None or _is_asked_each_time(container) or container.driver == UNDESCRIBED:
        return False
    names = [name.lstrip("/") for name in item.get("Names") or []]
    code = _ENDED.match(str(item.get("Status")))
    is_same_end = code is None or int(code[1]) == container.exit_code
    return container.name in names and container.state == item.get("State") and is_same_end


def _is_asked_each_time(container: Container) -> bool:
    """The list tells no health, and no event a growing streak (Docker 20.10), nor a first start that fails."""
    return bool(container.health) or container.state == "created"
