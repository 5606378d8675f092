"""Bytes → a server over TCP or TLS that acknowledges nothing: what it may not have read is sent again.

What was sent on a connection in the last seconds is kept, and what the server's system has not acknowledged. When the
server closes the connection, or the network breaks it, all of that is sent once more before anything else, for nobody
knows what the server had read. However many connections break at once, what one of them may have lost takes no room
from another. What is left: bytes that the server had read and not yet stored when it died.

What the server says means nothing: some greet, or answer each line.
"""

import asyncio
import math
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
KEPT_BYTES = 8 << 20  # at least, of a connection: more than the systems hold for a server that is slow all the time


class Recent:
    """A connection, and what was sent on it last."""

    def __init__(self, stream: Stream, kept_seconds: float) -> None:
        self.stream = stream
        self._kept_seconds = kept_seconds
        self._sent: deque[tuple[float, bytes]] = deque()
        self._size = 0
        self._unread_bytes = 0  # at the end of `_sent`, for which the server's system had no room yet
        self._writing_since = math.inf
        self._forgotten_at = -math.inf  # when the last was sent that is not kept

    async def write(self, data: bytes) -> None:
        """Send, and keep what was sent.

        Raises:
            Unavailable: the connection broke; `data` is not kept.
        """
        loop = asyncio.get_running_loop()
        self._writing_since = loop.time()  # a server that reads no more may make it last long
        await self.stream.write(data)
        self._writing_since = math.inf
        self._unread_bytes = self.stream.unacknowledged_bytes()
        self._sent.append((loop.time(), data))
        self._size += len(data)
        while self._can_forget():
            self._forgotten_at, forgotten = self._sent.popleft()
            self._size -= len(forgotten)

    def unsure(self) -> list[bytes]:
        """What was sent shortly before the connection ended, and what its break took with it."""
        since = self._since()
        unread = self._unread_bytes if self.stream.is_broken else 0
        found: deque[bytes] = deque()
        for when, data in reversed(self._sent):
            if when < since and unread <= 0:
                break
            found.appendleft(data)
            unread -= len(data)
        return list(found)

    @property
    def has_forgotten(self) -> bool:
        """Whether too much was sent shortly before the connection ended to keep all of it."""
        return self._forgotten_at >= self._since()

    def _since(self) -> float:
        return min(self.stream.over_at, self._writing_since) - self._kept_seconds

    def _can_forget(self) -> bool:
        when, data = self._sent[0]
        left = self._size - len(data)
        is_old = when < self._sent[-1][0] - self._kept_seconds
        return left >= KEPT_BYTES or (is_old and left >= self._unread_bytes)


class Unacknowledged:
    """The way to one destination of the output `output`; `kind` is what the hosts should be, in words for errors."""

    def __init__(self, options: StreamOptions, output: str, *, kind: str, kept_seconds: float = KEPT_SECONDS) -> None:
        """Read the named files; connects to nothing yet.

        Raises:
            ConfigurationError: a file cannot be read, or holds no certificate or key.
        """
        self._output = output
        self._again: deque[bytes] = deque()  # at most what is kept of each connection that there may be

        async def recent(stream: Stream) -> Recent:
            return Recent(stream, kept_seconds)

        protocol = Protocol(recent, is_heard=True, lost=self._lost, is_deaf=True)
        self._streams = options.streams(output, protocol, kind=kind)

    async def send(self, data: bytes) -> None:
        """Send whole messages, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        async with self._streams.use() as recent:
            await self._repeat(recent)
            await recent.write(data)

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
        while self._again:
            data = self._again.popleft()
            try:
                await recent.write(data)
            except BaseException:
                self._again.appendleft(data)
                raise

    def _lost(self, recent: Recent) -> None:
        if recent.has_forgotten:
            reason = f"a connection broke on which more than {KEPT_BYTES >> 20} MiB were sent shortly before"
            log.warning("messages may be lost", output=self._output, reason=reason)
        self._again.extendleft(reversed(recent.unsure()))  # before what was to be sent behind it
