"""An output of another package over TCP: documents → a server that acknowledges each batch with a line."""

from typing import Literal

from collector.model import Batch, Receipt
from collector.net.stream import Stream
from collector.net.stream_options import StreamOptions
from collector.net.streams import PLAIN, Streams
from collector.ports import OutputContext, ShipperSettings


class Settings(StreamOptions, ShipperSettings):
    """A server that acknowledges each batch with a line."""

    type: Literal["line_sink"] = "line_sink"

    def open(self, context: OutputContext) -> "LineSink":
        """Read the named files and make the shipper; connects to nothing yet."""
        return LineSink(self.streams(context.output, PLAIN, kind="a sink of lines"))


class LineSink:
    """A shipper (`collector.ports.Shipper`) to such a server."""

    def __init__(self, streams: Streams[Stream]) -> None:
        self._streams = streams

    async def ship(self, batch: Batch) -> Receipt:
        """Send the lines, behind their number.

        Raises:
            Unavailable: nothing is known of the batch.
        """
        async with self._streams.use() as stream:
            await stream.write(b"%d\n%b" % (batch.count, batch.lines()))
            if await stream.read_until(b"\n", most_bytes=100) != b"OK\n":
                raise stream.stranger("answers in other words")
        return Receipt(delivered=batch.count)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._streams.aclose()
