"""A running agent and the traffic it follows → numbers to show: one `Glance` per look."""

import asyncio
import time
from collections import deque

from msgspec import Struct

from collector.app.agent import Agent
from collector.demo.traffic import Traffic
from collector.model import Segment
from collector.web.live import Live

_LATEST = 64  # more than a screen has room for
_LATEST_OF_SEGMENT = 8  # a loud container must not hide the others
_RATE_SECONDS = 5.0
_SAMPLE_SECONDS = 0.1


class Spectator(Live):
    """The agent's live stream, which also counts what passes: per container, and the latest documents."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, int] = {}
        self.latest: deque[bytes] = deque(maxlen=_LATEST)

    def publish(self, segment: Segment, output: str = "") -> None:
        """Count a segment that was read, and show it to all who watch."""
        name = segment.stream.container
        self.read[name] = self.read.get(name, 0) + segment.count
        self.latest.extend(segment.documents[-_LATEST_OF_SEGMENT:])
        super().publish(segment, output)


class Row(Struct, frozen=True, kw_only=True):
    """One container; `backlog_bytes` are on disk and not read yet, `errors` lines of that level."""

    name: str
    about: str
    written: int
    read: int
    backlog_bytes: int
    errors: int
    rotated: int
    lines_per_second: float


class Glance(Struct, frozen=True, kw_only=True):
    """What is true at one moment. `lag_seconds` is how long the oldest line that is not yet delivered waits."""

    seconds: float
    rows: list[Row]
    written: int
    read: int
    delivered: int
    backlog_bytes: int
    errors: int
    lines_per_second: float
    lag_seconds: float
    not_ready: list[str]
    warnings: list[str]
    latest: list[bytes]


class View:
    """Looks at a demo again and again; rates are over the last seconds. `watch` must run meanwhile."""

    def __init__(self, agent: Agent, spectator: Spectator, traffic: Traffic, warnings: deque[str]) -> None:
        self._agent = agent
        self._spectator = spectator
        self._traffic = traffic
        self._warnings = warnings
        self._started = time.monotonic()
        self._samples: deque[tuple[float, list[int]]] = deque([(self._started, self._written())])
        self._waiting: deque[tuple[float, int]] = deque([(self._started, traffic.lines)])  # when so many were written

    @property
    def unread(self) -> int:
        """Lines written and not yet read."""
        return self._traffic.lines - sum(self._spectator.read.values())

    @property
    def settled(self) -> int:
        """Documents of which the agent says that they are done with."""
        return sum(pipeline.ledger.read - pipeline.ledger.in_flight for pipeline in self._agent.pipelines)

    async def watch(self) -> None:
        """Note what rates and lag are made of, until cancelled."""
        while True:
            await asyncio.sleep(_SAMPLE_SECONDS)
            self._note(time.monotonic())

    def glance(self) -> Glance:
        """Look once."""
        now = time.monotonic()
        self._note(now)
        backlog = self._backlog()
        rows = [
            Row(
                name=log.container.name,
                about=log.container.about,
                written=log.tally.count,
                read=self._spectator.read.get(log.container.name, 0),
                backlog_bytes=backlog.get(log.container.name, 0),
                errors=log.errors,
                rotated=log.rotated,
                lines_per_second=rate,
            )
            for log, rate in zip(self._traffic.logs, self._rates(), strict=True)
        ]
        return Glance(
            seconds=now - self._started,
            rows=rows,
            written=self._traffic.lines,
            read=sum(row.read for row in rows),
            delivered=self.settled,
            backlog_bytes=sum(backlog.values()),
            errors=self._traffic.errors,
            lines_per_second=sum(row.lines_per_second for row in rows),
            lag_seconds=now - self._waiting[0][0] if self._waiting else 0.0,
            not_ready=self._agent.not_ready(),
            warnings=list(self._warnings),
            latest=list(self._spectator.latest),
        )

    def _note(self, now: float) -> None:
        self._samples.append((now, self._written()))
        while now - self._samples[1][0] >= _RATE_SECONDS:
            self._samples.popleft()
        if not self._waiting or self._waiting[-1][1] != self._traffic.lines:
            self._waiting.append((now, self._traffic.lines))
        settled = self.settled
        while self._waiting and self._waiting[0][1] <= settled:
            self._waiting.popleft()

    def _written(self) -> list[int]:
        return [log.tally.count for log in self._traffic.logs]

    def _backlog(self) -> dict[str, int]:
        sources = [reader.source for pipeline in self._agent.pipelines for reader in pipeline.readers.values()]
        return {source.stream.container: source.backlog_bytes for source in sources}

    def _rates(self) -> list[float]:
        (then, before), (now, after) = self._samples[0], self._samples[-1]
        seconds = now - then
        return [(new - old) / seconds if seconds else 0.0 for new, old in zip(after, before, strict=True)]
