"""Batch → windows that a Beats input acknowledges → receipt: what was acknowledged is delivered, the rest is unknown.

A window is sent when the one before is acknowledged. Where the connection breaks, or the server says what nobody
understands, only what was acknowledged counts, and the others are sent again. A server at work says so every few
seconds, and is waited for; not for ever, since meanwhile nothing is read.
"""

import asyncio
from collections.abc import Sequence

from collector.documents.form import Form
from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.net.stream import Stream
from collector.net.streams import Streams
from shippers.logstash.lumberjack import ACK_BYTES, EMPTY_WINDOW, acknowledged, marked, window

_ANSWER_SECONDS = 1.0  # of an input that answers an empty window; older ones do not


class Windows:
    """A shipper (`collector.ports.Shipper`) to Beats inputs."""

    def __init__(self, streams: Streams[Stream], *, form: Form, most: int, level: int, work_seconds: float) -> None:
        """`most` documents are in a window, deflated at `level`; a server may be at work on it for `work_seconds`."""
        self._streams = streams
        self._form = form
        self._most = most
        self._level = level
        self._work_seconds = work_seconds

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch, window after window.

        Raises:
            Unavailable: none of it was acknowledged.
        """
        if not batch.count:
            return Receipt()
        documents = await asyncio.to_thread(self._marked, batch)
        taken = _Taken()
        try:
            async with self._streams.use() as stream:
                for first in range(0, len(documents), self._most):
                    await self._send(stream, documents[first : first + self._most], taken)
        except Unavailable:
            if not taken.count:
                raise
        return Receipt(delivered=taken.count, retry=_behind(batch, taken.count))

    async def probe(self) -> str:
        """Connect, and send a window without documents, which newer servers answer.

        Raises:
            Unavailable: no server accepts a connection, or it answers in another protocol.
        """
        async with self._streams.use() as stream:
            await stream.write(EMPTY_WINDOW)
            try:
                async with asyncio.timeout(_ANSWER_SECONDS):
                    _number_of(stream, await stream.read_exactly(ACK_BYTES))
            except TimeoutError:
                return f"{stream.host} accepts connections"
            return f"{stream.host} answers as a Beats input"

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._streams.aclose()

    def _marked(self, batch: Batch) -> list[bytes]:
        return [document for segment in batch.segments for document in marked(segment, self._form)]

    async def _send(self, stream: Stream, documents: Sequence[bytes], taken: "_Taken") -> None:
        await stream.write(await asyncio.to_thread(window, documents, self._level))
        before = taken.count
        try:
            async with asyncio.timeout(self._work_seconds):
                while taken.count < before + len(documents):
                    number = _number_of(stream, await stream.read_exactly(ACK_BYTES))
                    if number > len(documents):
                        raise stream.stranger(f"acknowledges document {number} of {len(documents)}")
                    taken.count = max(taken.count, before + number)
        except TimeoutError:
            raise Unavailable(
                f"{stream.host} has been at work on {len(documents)} documents for too long",
                "check what its pipeline delivers to",
            ) from None


class _Taken:
    """How many documents of a batch were acknowledged, from its beginning."""

    count = 0


def _number_of(stream: Stream, frame: bytes) -> int:
    try:
        return acknowledged(frame)
    except ValueError:
        raise stream.stranger("answers in another protocol than that of Beats") from None


def _behind(batch: Batch, count: int) -> Batch:
    """What is behind the first `count` documents."""
    left = []
    for segment in batch.segments:
        if segment.count > count:
            left.append(segment.part(range(count, segment.count)))
        count = max(count - segment.count, 0)
    return Batch(tuple(left))
