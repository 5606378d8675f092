"""The daemon, on a timer → numbers that a scrape reads: engine, stats of running containers, sizes of logs, disk usage.

Each look has its own pace, and more containers than 200 stretch it: one-shot stats take an old daemon a second each,
so a tenth of the containers are asked at once. What a look does not get is unknown and shown by nobody.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import structlog

from collector.clock import News
from collector.discovery.registry import Container, Listing
from collector.docker import json_file
from collector.docker.each import of_each
from collector.docker.engine import Engine, EngineUnavailable, NoSuchContainer, interval_seconds
from collector.telemetry import usage
from collector.telemetry.disk import Used, used_by_kind

log = structlog.get_logger(__name__)

_ENGINE_SECONDS = 60.0
_DISK_SECONDS = 3600.0
_AGAIN_SECONDS = 5.0  # after a look that failed
_MOST_AT_ONCE = 100
_PART_AT_ONCE = 10  # a tenth of those that run
_AWAY_FAILURES = 5  # so many, and no answer: it is not the containers


class Look(NamedTuple):
    """How the last one of a kind went."""

    succeeded: bool
    seconds: float


class Poll:
    """What was seen last of an input. `shown` gives its containers that have series of their own.

    Without `logs_root` nobody knows where its logs are, without `engine` it has no daemon.
    """

    def __init__(
        self,
        listing: Listing,
        shown: Callable[[], Sequence[Container]],
        logs_root: Path | None,
        *,
        engine: Engine | None = None,
        has_usage: bool = True,
        has_disk_usage: bool = False,
    ) -> None:
        self.looks: dict[str, Look] = {}
        self.log_bytes: dict[str, int] = {}  # by container id
        self.engine: dict[str, Any] = {}  # `GET /info`
        self.version: dict[str, Any] = {}  # `GET /version`
        self.disk: dict[str, Used] = {}  # by kind
        self._usage: dict[str, list[bytes]] = {}
        self._usage_outage = 0  # after which it was asked for
        self.listing = listing
        self._shown = shown
        self._logs_root = logs_root
        self._daemon = engine
        self._has_usage = has_usage
        self._has_disk_usage = has_disk_usage

    @property
    def usage(self) -> Mapping[str, list[bytes]]:
        """By container id: the lines of `usage.SERIES`. Nothing from before an outage of the daemon."""
        return self._usage if self._usage_outage == self.listing.outages else {}

    async def run(self) -> None:
        """Look again and again until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            if (root := self._logs_root) is not None:
                look = partial(self._look_at_logs, root)
                tasks.create_task(self._every("log_files", self._pace, look), name="sizes of logs")
            if self._daemon is not None:
                self._look_at(self._daemon, tasks)

    def _look_at(self, daemon: Engine, tasks: asyncio.TaskGroup) -> None:
        def every(name: str, seconds: Callable[[], float], look: Callable[[Engine], Awaitable[None]]) -> None:
            tasks.create_task(self._every(name, seconds, lambda: look(daemon)), name=name)

        every("engine", lambda: _ENGINE_SECONDS, self._look_at_engine)
        if self._has_usage:
            every("stats", self._pace, self._look_at_usage)
        if self._has_disk_usage:
            every("disk_usage", lambda: _DISK_SECONDS, self._look_at_disk)

    def _pace(self) -> float:
        return interval_seconds(len(self._shown()))

    async def _every(self, name: str, seconds: Callable[[], float], look: Callable[[], Awaitable[None]]) -> None:
        news = News()
        loop = asyncio.get_running_loop()
        registry = self.listing.registry
        while True:
            while not self.listing.up:
                await registry.changed(registry.version)
            began = loop.time()
            succeeded = True
            try:
                await look()
                news.over()
            except (EngineUnavailable, NoSuchContainer, OSError) as error:
                succeeded = False
                if news.is_new(str(error)):
                    log.warning("metrics collection failed",
                                input=self.listing.name, collector=name, error=str(error))  # fmt: skip
            took = loop.time() - began
            self.looks[name] = Look(succeeded, took)
            await asyncio.sleep(max(seconds() - took, 1.0) if succeeded else _AGAIN_SECONDS)

    # ------------------------------------------------------------------ what is looked at

    async def _look_at_engine(self, daemon: Engine) -> None:
        with _emptied_on_failure(self.engine):
            self.version, self.engine = await daemon.version(), await daemon.info()

    async def _look_at_disk(self, daemon: Engine) -> None:
        with _emptied_on_failure(self.disk):
            self.disk = used_by_kind(await daemon.disk_usage())

    async def _look_at_logs(self, root: Path) -> None:
        ids = [container.id for container in self._shown() if container.log_limit_bytes is not None]
        with _emptied_on_failure(self.log_bytes):
            self.log_bytes = await asyncio.to_thread(json_file.sizes, root, ids)

    async def _look_at_usage(self, daemon: Engine) -> None:
        """Ask for all that run; those that were not answered have no series until the next time.

        Raises:
            EngineUnavailable: nobody was answered.
        """
        running = [container for container in self._shown() if container.is_running]
        if self._usage_outage != self.listing.outages:
            self._usage, self._usage_outage = {}, self.listing.outages
        failures: list[EngineUnavailable] = []
        answered: set[str] = set()

        async def ask(container: Container) -> None:
            if len(failures) >= _AWAY_FAILURES and not answered:
                return  # the daemon is away: the others need not wait for that too
            try:
                if await self._ask(daemon, container):
                    answered.add(container.id)
            except EngineUnavailable as error:
                failures.append(error)

        await of_each(running, ask, at_once=min(max(math.ceil(len(running) / _PART_AT_ONCE), 1), _MOST_AT_ONCE))
        self._usage = {one: lines for one, lines in self._usage.items() if one in answered}
        if failures and not answered:
            raise failures[0]

    async def _ask(self, daemon: Engine, container: Container) -> bool:
        """Ask what a container uses; False if it does not run any more.

        Raises:
            EngineUnavailable: no usable answer.
        """
        try:
            answer = await daemon.stats(container.id)
        except NoSuchContainer:
            return False
        return self.take_usage(container, answer)

    def take_usage(self, container: Container, answer: bytes) -> bool:
        """Take over what a container uses; False if it does not run any more.

        Raises:
            EngineUnavailable: the answer is no stats.
        """
        try:
            lines = usage.block(container, answer, now=time.time())
        except ValueError:
            raise EngineUnavailable(f"reading the stats of {container.name} failed") from None
        if lines is None:
            return False
        self._usage[container.id] = lines
        return True


@contextmanager
def _emptied_on_failure(seen: dict[str, Any]) -> Iterator[None]:
    """While it is asked for, what was seen before stands; if that fails, it is unknown."""
    try:
        yield
    except (EngineUnavailable, NoSuchContainer, OSError):
        seen.clear()
        raise
