"""Batch → lines of JSON to Logstash's input `tcp` with the codec `json_lines`; nothing is acknowledged.

What the operating system took counts as delivered. A connection that the server has closed is noticed before the next
batch; what was on its way then is lost.
"""

import asyncio

from collector.documents.form import Form
from collector.model import Batch, Receipt
from collector.net.stream import Stream
from collector.net.streams import Streams


class Lines:
    """A shipper (`collector.ports.Shipper`) that writes one document a line, its `_id` as the first member."""

    def __init__(self, streams: Streams[Stream], form: Form) -> None:
        self._streams = streams
        self._form = form

    async def ship(self, batch: Batch) -> Receipt:
        """Send the batch.

        Raises:
            Unavailable: the connection broke before the operating system had all of it.
        """
        if not batch.count:
            return Receipt()
        text = await asyncio.to_thread(batch.lines, self._form.written)
        async with self._streams.use() as stream:
            await stream.write(text)
        return Receipt(delivered=batch.count)

    async def probe(self) -> str:
        """Connect.

        Raises:
            Unavailable: no server accepts a connection.
        """
        async with self._streams.use() as stream:
            return f"{stream.host} accepts connections"

    async def aclose(self) -> None:
        """Close the connections behind their last byte; may be called twice."""
        await self._streams.aclose()
