"""Documents of Docker's events that wait for one output, and the time up to which they are settled.

Events have no log file that is their queue: those that come while the output is away wait here, within a bound, and
those that nobody settled before a stop are told again by the daemon, as far as it remembers (the last 256).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from copy import copy
from datetime import UTC

from msgspec.structs import replace

from collector.discovery.share import Share
from collector.docker.event import Event
from collector.model import Segment
from collector.state.checkpoint import Checkpoints
from collector.text.times import moment
from collector.transform import docker_event
from collector.transform.stamps import Stamps

_AT_HAND = 4096  # documents of half a kilobyte each
_ALL = 1  # nanoseconds since 1970; 0 would be now


class EventQueue:
    """One output's. `cutoff` is that of its logs: Docker's time before which nothing is wanted, "" for all."""

    def __init__(self, checkpoints: Checkpoints, cutoff: str = "") -> None:
        self.lost = 0
        self._checkpoints = checkpoints
        self._cutoff = cutoff
        self._settled: int | None = None  # in an earlier run
        self._waiting: deque[Segment] = deque()
        self._came = asyncio.Event()

    @property
    def since(self) -> int:
        """Nanoseconds since 1970: those from then on are not all settled. At first as far back as logs are read."""
        saved = self._checkpoints.begin(docker_event.STREAM, self._cutoff)
        if saved.resume is not None:
            return saved.resume.position.order
        return moment(saved.cutoff, now=0, zone=UTC) if saved.cutoff else _ALL

    def put(self, event: Segment) -> None:
        """Let an event wait; one that was settled in an earlier run is left out."""
        if self._settled is None:
            since = self.since
            self._settled = since if since <= time.time_ns() else 0  # else the clock was set back meanwhile
        if event.ticket.end.order <= self._settled:  # of this run none is told twice, and its clock may be set back
            return
        if len(self._waiting) == _AT_HAND:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(event)
        self._came.set()

    async def pass_on(self, take: Callable[[Segment], Awaitable[None]]) -> None:
        """Give each to `take`, one after the other, until cancelled."""
        while True:
            await self._came.wait()
            self._came.clear()
            while self._waiting:
                await take(self._waiting[0])
                self._waiting.popleft()


class EventFeed:
    """What the daemon tells → a document in each output's queue, if such events are shipped and it is of our share."""

    def __init__(
        self,
        queues: Sequence[EventQueue],
        share: Share,
        *,
        stamps: Stamps,
        fields: Callable[[str, str, Mapping[str, str]], Mapping[str, str]],
    ) -> None:
        """`fields` makes those of a document: `LogStream.fields`."""
        self._queues = queues
        self._share = share
        self._stamps = stamps
        self._fields = fields

    @property
    def since(self) -> int:
        """Nanoseconds since 1970: events from then on are not settled in every output."""
        return min(queue.since for queue in self._queues)

    def put(self, event: Event, kind: str) -> None:
        """Let an event wait for each output; `kind` is that of an end."""
        if event.action in docker_event.SHIPPED and self._share.has(event.container_id):
            segment = docker_event.segment_of(event, kind, stamps=self._stamps, fields=self._fields)
            for queue in self._queues:  # each settles its own
                queue.put(replace(segment, ticket=copy(segment.ticket)))
