"""Messages → a syslog server, by one of three ways: what is known of each message afterwards.

Over TCP and TLS, nothing acknowledges a message. What was sent in the last seconds is kept; when the server closes the
connection, or the network breaks it, all of that is sent once more before anything else, for nobody knows what the
server had read. Some messages then arrive twice, with the same id.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import structlog

from collector.errors import Unavailable
from collector.net.datagrams import Datagrams
from collector.net.stream import Stream
from collector.net.stream_options import StreamOptions
from collector.net.streams import Protocol as Spoken
from shippers.syslog import relp
from shippers.syslog.relp import Outcome

log = structlog.get_logger(__name__)

KEPT_SECONDS = 30.0
KEPT_BYTES = 8 << 20  # what a receiver may not have read of a connection: Linux keeps 6 MiB at most for it


class Way(Protocol):
    """How messages go."""

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them; what is known then of each.

        Raises:
            Unavailable: nothing is known.
        """
        ...

    async def probe(self) -> str:
        """What is there, in words.

        Raises:
            Unavailable: nobody is.
        """
        ...

    async def aclose(self) -> None:
        """Release everything; may be called twice."""
        ...


class Recent:
    """A connection over TCP, and what was sent on it last."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._sent: deque[tuple[float, bytes]] = deque()
        self._size = 0

    def add(self, data: bytes) -> None:
        """Note what is sent now."""
        now = asyncio.get_running_loop().time()
        self._sent.append((now, data))
        self._size += len(data)
        while self._size > KEPT_BYTES or self._sent[0][0] < now - KEPT_SECONDS:
            self._size -= len(self._sent.popleft()[1])
            if not self._sent:
                break

    def unsure(self) -> list[bytes]:
        """What was sent shortly before the connection ended."""
        since = self.stream.over_at - KEPT_SECONDS
        return [data for when, data in self._sent if when >= since]


async def _recent(stream: Stream) -> Recent:
    return Recent(stream)


class OverTcp:
    """Over TCP or TLS."""

    def __init__(self, options: StreamOptions, output: str, *, is_counted: bool) -> None:
        self._is_counted = is_counted
        self._output = output
        self._again: deque[bytes] = deque()
        spoken = Spoken(_recent, is_heard=True, lost=self._lost)
        self._streams = options.streams(output, spoken, kind="a syslog server")

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        if self._is_counted:
            data = b"".join([b"%d %b" % (len(message), message) for message in messages])
        else:
            data = b"\n".join([*messages, b""])
        async with self._streams.use() as recent:
            await self._repeat(recent)
            await recent.stream.write(data)
            recent.add(data)
        return _all_taken()

    async def probe(self) -> str:
        """That a connection is accepted.

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
        while sum(map(len, self._again)) > KEPT_BYTES:
            self._again.popleft()


class OverUdp:
    """By UDP."""

    def __init__(self, options: StreamOptions) -> None:
        self._datagrams = Datagrams(options.addresses())
        self._turn = asyncio.Lock()

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send each as a datagram.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        async with self._turn:
            await self._datagrams.send(messages)
        return _all_taken()

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        async with self._turn:
            await self._datagrams.send(())
        return f"{self._datagrams.name} is a known address; UDP does not show whether a server listens there"

    async def aclose(self) -> None:
        """Release the socket."""
        self._datagrams.close()


class OverRelp:
    """By RELP over TCP or TLS."""

    def __init__(self, options: StreamOptions, output: str) -> None:
        spoken = Spoken(relp.opened, lambda session: session.farewell())
        self._streams = options.streams(output, spoken, kind="a RELP server")

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them and read what the server says of each; of those left open nothing is known.

        Raises:
            Unavailable: nothing is known of any.
        """
        outcome = Outcome(len(messages))
        try:
            async with self._streams.use() as session:
                await session.send(messages, outcome)
        except Unavailable:
            if len(outcome.open) == len(messages):
                raise
        return outcome

    async def probe(self) -> str:
        """Which server is there.

        Raises:
            Unavailable: none is.
        """
        async with self._streams.use() as session:
            return session.server

    async def aclose(self) -> None:
        """End the sessions."""
        await self._streams.aclose()


def _all_taken() -> Outcome:
    return Outcome(0)
