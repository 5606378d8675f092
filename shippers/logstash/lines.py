"""Batch → documents as JSON to Logstash's input `tcp` or `udp`; nothing acknowledges them.

What the operating system took counts as delivered. What is sent twice over TCP, since a connection broke, has the same
`_id`. By UDP a document is a datagram, and nothing is known of it.
"""

import asyncio

from collector.documents.form import Form
from collector.errors import TOO_LARGE
from collector.model import Batch, Receipt, Rejected
from collector.net.datagrams import MOST_BYTES, Datagrams
from collector.net.unacknowledged import Unacknowledged


class Lines:
    """A shipper (`collector.ports.Shipper`) that writes one document a line, its `_id` as the first member."""

    def __init__(self, server: Unacknowledged, form: Form) -> None:
        self._server = server
        self._form = form

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke before the operating system had all of it.
        """
        if batch.count:
            await self._server.send(await asyncio.to_thread(batch.lines, self._form.written))
        return Receipt(delivered=batch.count)

    async def probe(self) -> str:
        """Connect.

        Raises:
            Unavailable: no server accepts a connection.
        """
        return await self._server.probe()

    async def aclose(self) -> None:
        """Close the connections when the server has read to the end, or soon; may be called twice."""
        await self._server.aclose()


class LinesByUdp:
    """A shipper (`collector.ports.Shipper`) that sends each document as a datagram, its `_id` as the first member."""

    def __init__(self, datagrams: Datagrams, form: Form) -> None:
        self._datagrams = datagrams
        self._form = form

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
            await self._datagrams.send(line for line in lines if len(line) <= MOST_BYTES)
        return Receipt(delivered=len(lines) - len(rejected), rejected=tuple(rejected))

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        return await self._datagrams.probe()

    async def aclose(self) -> None:
        """Release the socket; may be called twice."""
        self._datagrams.close()
