"""Documents of Docker's events that wait for one output, and the time up to which they are settled.

Events have no log file that is their queue: those that come while the output is away wait here, within a bound, and
those that nobody settled before a stop are told again by the daemon, as far as it remembers (the last 256).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from copy import copy
from datetime import UTC

from msgspec.structs import replace

from collector.discovery.share import Share
from collector.docker.event import Event
from collector.model import LogStream, Segment, StreamKey
from collector.state.checkpoint import Checkpoints
from collector.text.times import moment
from collector.transform import docker_event
from collector.transform.stamps import Stamps

_AT_HAND = 4096  # documents of half a kilobyte each
_ALL = 1  # nanoseconds since 1970; 0 would be now


class EventQueue:
    """One output's, for the events of all inputs."""

    def __init__(self, checkpoints: Checkpoints) -> None:
        self.lost = 0
        self._checkpoints = checkpoints
        self._settled: dict[StreamKey, int] = {}  # in an earlier run: nanoseconds since 1970
        self._waiting: deque[Segment] = deque()
        self._came = asyncio.Event()

    @property
    def streams(self) -> Collection[StreamKey]:
        """Those whose events come here."""
        return self._settled.keys()

    def open(self, stream: LogStream, cutoff: str) -> int:
        """Nanoseconds since 1970: events of the stream from then on are not all settled.

        At first as far back as logs are read: `cutoff` is Docker's time before which nothing is wanted, "" for all.
        """
        saved = self._checkpoints.begin(stream, cutoff)
        if saved.resume is not None:
            since = saved.resume.position.order
        else:
            since = moment(saved.cutoff, now=0, zone=UTC) if saved.cutoff else _ALL
        # else the clock was set back meanwhile
        self._settled.setdefault(stream.key, since if since <= time.time_ns() else 0)
        return since

    def put(self, event: Segment) -> None:
        """Let an event of a stream that was opened wait; one that was settled in an earlier run is left out."""
        # of this run none is told twice, and its clock may be set back
        if event.ticket.end.order <= self._settled[event.stream.key]:
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
    """What one input is told → a document in each output's queue, if such events are shipped and it is of our share."""

    def __init__(
        self,
        queues: Iterable[EventQueue],
        share: Share,
        *,
        input_name: str = "docker",
        cutoff: str = "",
        stamps: Stamps,
        fields: Callable[[str, str, Mapping[str, str]], Mapping[str, str]],
    ) -> None:
        """`fields` makes those of a document: `LogStream.fields`."""
        self._share = share
        self._stream = docker_event.stream_of(input_name)
        self._stamps = stamps
        self._fields = fields
        self._queues = list(queues)
        self.since = min(queue.open(self._stream, cutoff) for queue in self._queues)

    def put(self, event: Event, kind: str) -> None:
        """Let an event wait for each output; `kind` is that of an end."""
        if event.action in docker_event.SHIPPED and self._share.has(event.container_id):
            segment = docker_event.segment_of(
                event, kind, stamps=self._stamps, fields=self._fields, stream=self._stream
            )
            for queue in self._queues:  # each settles its own
                queue.put(replace(segment, ticket=copy(segment.ticket)))
