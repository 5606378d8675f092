"""Batch → documents as JSON to Logstash's input `tcp` or `udp`; nothing acknowledges them.

What the operating system took counts as delivered. Over TCP, what was sent in the last seconds is kept: when the server
closes the connection, or the network breaks it, all of that is sent once more before anything else, for nobody knows
what the server had read. What is sent twice has the same `_id`. By UDP a document is a datagram, and nothing is known.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress

import structlog

from collector.documents.form import Form
from collector.errors import TOO_LARGE, Unavailable
from collector.model import Batch, Receipt, Rejected
from collector.net.datagrams import MOST_BYTES, Datagrams
from collector.net.stream import Stream
from collector.net.streams import Protocol, Streams

log = structlog.get_logger(__name__)

KEPT_SECONDS = 30.0
KEPT_BYTES = 8 << 20  # what a receiver may not have read of a connection: Linux keeps 6 MiB at most for it


class Recent:
    """A connection, and what was sent on it last."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._sent: deque[tuple[float, bytes]] = deque()
        self._size = 0

    async def send(self, text: bytes) -> None:
        """Send it, and keep it until it is old, or much was sent since.

        Raises:
            Unavailable: the connection broke.
        """
        await self.stream.write(text)
        now = asyncio.get_running_loop().time()
        self._sent.append((now, text))
        self._size += len(text)
        while self._size - len(self._sent[0][1]) > KEPT_BYTES or self._sent[0][0] < now - KEPT_SECONDS:
            self._size -= len(self._sent.popleft()[1])

    def unsure(self) -> list[bytes]:
        """What was sent shortly before the connection ended."""
        since = self.stream.over_at - KEPT_SECONDS
        return [text for when, text in self._sent if when >= since]


class Lines:
    """A shipper (`collector.ports.Shipper`) that writes one document a line, its `_id` as the first member."""

    def __init__(self, streams: Callable[[Protocol[Recent]], Streams[Recent]], form: Form, output: str) -> None:
        self._form = form
        self._output = output
        self._again: deque[bytes] = deque()
        self._streams = streams(Protocol(_recent, is_heard=True, lost=self._lost))

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke before the operating system had all of it.
        """
        if not batch.count:
            return Receipt()
        text = await asyncio.to_thread(batch.lines, self._form.written)
        async with self._streams.use() as recent:
            await self._repeat(recent)
            await recent.send(text)
        return Receipt(delivered=batch.count)

    async def probe(self) -> str:
        """Connect.

        Raises:
            Unavailable: no server accepts a connection.
        """
        async with self._streams.use() as recent:
            return f"{recent.stream.host} accepts connections; it acknowledges nothing"

    async def aclose(self) -> None:
        """Close the connections when the server has read to the end, or soon; may be called twice."""
        await self._streams.aclose()
        if not self._again:
            return
        with suppress(Unavailable):
            async with self._streams.use() as recent:
                await self._repeat(recent)
        if self._again:
            log.warning("documents may be lost", output=self._output, reason="the server did not read to the end")
            self._again.clear()

    async def _repeat(self, recent: Recent) -> None:
        while self._again:
            text = self._again.popleft()
            try:
                await recent.send(text)
            except BaseException:
                self._again.appendleft(text)
                raise

    def _lost(self, recent: Recent) -> None:
        self._again.extend(recent.unsure())
        while sum(map(len, self._again)) > KEPT_BYTES:
            self._again.popleft()


class LinesByUdp:
    """A shipper (`collector.ports.Shipper`) that sends each document as a datagram, its `_id` as the first member."""

    def __init__(self, datagrams: Datagrams, form: Form) -> None:
        self._datagrams = datagrams
        self._form = form
        self._turn = asyncio.Lock()

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch, but for what is larger than a datagram.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        lines = batch.lines(self._form.written).split(b"\n")[:-1]
        places = [(segment, index) for segment in batch.segments for index in range(segment.count)]
        rejected = [
            Rejected(segment, index, TOO_LARGE, f"a datagram has {MOST_BYTES} bytes at most", is_final=True)
            for line, (segment, index) in zip(lines, places, strict=True)
            if len(line) > MOST_BYTES
        ]
        if len(rejected) < len(lines):
            async with self._turn:
                await self._datagrams.send(line for line in lines if len(line) <= MOST_BYTES)
        return Receipt(delivered=len(lines) - len(rejected), rejected=tuple(rejected))

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        async with self._turn:
            await self._datagrams.send(())
        return f"{self._datagrams.name} has an address; by UDP, nobody answers whether a server is there"

    async def aclose(self) -> None:
        """Release the socket; may be called twice."""
        self._datagrams.close()


async def _recent(stream: Stream) -> Recent:
    return Recent(stream)
