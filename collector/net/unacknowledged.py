"""Bytes → a server over TCP or TLS that acknowledges nothing: what it may not have read is sent again.

What was sent in the last seconds is kept. When the server closes the connection, or the network breaks it, all of that
is sent once more before anything else, for nobody knows what the server had read. What is left: bytes that the server
had read and not yet stored when it died.

What the server says means nothing: some greet, or answer each line.
"""

import asyncio
from collections import deque
from contextlib import suppress

import structlog

from collector.errors import Unavailable
from collector.net.stream import Stream
from collector.net.stream_options import StreamOptions
from collector.net.streams import Protocol

log = structlog.get_logger(__name__)

KEPT_SECONDS = 30.0
PROMISE = (
    "nothing acknowledges a message: a server that fails loses what it has not read, and the agent can only send the "
    f"last {KEPT_SECONDS:g} seconds again"
)
KEPT_BYTES = (
    8 << 20
)  # what a receiver may not have read of a connection: Linux keeps 6 MiB at most for it; or the last batch


class Recent:
    """A connection, and what was sent on it last."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._sent: deque[tuple[float, bytes]] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Note what is sent now."""
        now = asyncio.get_running_loop().time()
        self._sent.append((now, data))
        self._size += len(data)
        while len(self._sent) > 1 and (self._size > KEPT_BYTES or self._sent[0][0] < now - KEPT_SECONDS):
            self._size -= len(self._sent.popleft()[1])

    def unsure(self) -> list[bytes]:
        """What was sent shortly before the connection ended."""
        since = self.stream.over_at - KEPT_SECONDS
        return [data for when, data in self._sent if when >= since]


class Unacknowledged:
    """The way to one destination of the output `output`; `kind` is what the hosts should be, in words for errors."""

    def __init__(self, options: StreamOptions, output: str, *, kind: str) -> None:
        """Read the named files; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        self._output = output
        self._again: deque[bytes] = deque()
        protocol = Protocol(_recent, is_heard=True, lost=self._lost, is_deaf=True)
        self._streams = options.streams(output, protocol, kind=kind)

    async def send(self, data: bytes) -> None:
        """Send whole messages, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        async with self._streams.use() as recent:
            await self._repeat(recent)
            await recent.stream.write(data)
            recent.add(data)

    async def probe(self) -> str:
        """That a connection is accepted, in words.

        Raises:
            Unavailable: it is not.
        """
        async with self._streams.use() as recent:
            return f"{recent.stream.host} accepts connections; it acknowledges no message"

    async def aclose(self) -> None:
        """Send what may be lost once more, and wait until the server has read the end; may be called twice."""
        await self._streams.end_idle()
        with suppress(Unavailable):
            if self._again:
                async with self._streams.use() as recent:
                    await self._repeat(recent)
        if not await self._streams.aclose() or self._again:
            log.warning("messages may be lost", output=self._output, reason="the server did not read to the end")
            self._again.clear()

    async def _repeat(self, recent: Recent) -> None:
        again = list(self._again)
        self._again.clear()
        for data in again:
            recent.add(data)  # first, so that it is kept if this connection breaks, too
        await recent.stream.write(b"".join(again))

    def _lost(self, recent: Recent) -> None:
        self._again.extend(recent.unsure())
        while len(self._again) > 1 and sum(map(len, self._again)) > KEPT_BYTES:
            self._again.popleft()


async def _recent(stream: Stream) -> Recent:
    return Recent(stream)
