"""GELF over TCP or TLS, each message with a NUL behind it, and by UDP, in chunks: nothing is acknowledged."""

import asyncio

from collector.errors import TOO_LARGE
from collector.files import gzip
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.datagrams import Datagrams
from collector.net.unacknowledged import Unacknowledged

from .datagrams import MOST_CHUNKS, chunks
from .messages import Contents, messages


class GelfByTcp:
    """A shipper (`collector.ports.Shipper`) that writes to a connection."""

    def __init__(self, contents: Contents, server: Unacknowledged) -> None:
        self._contents = contents
        self._server = server

    async def ship(self, batch: Batch) -> Receipt:
        """Send a message for each document, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        if batch.count:
            await self._server.send(await asyncio.to_thread(self._data, batch))
        return Receipt(delivered=batch.count)

    async def probe(self) -> str:
        """That a connection is accepted.

        Raises:
            Unavailable: it is not.
        """
        return await self._server.probe()

    async def aclose(self) -> None:
        """Wait until the server has read the end; may be called twice."""
        await self._server.aclose()

    def _data(self, batch: Batch) -> bytes:
        made = [message for segment in batch.segments for message in messages(segment, self._contents)]
        return b"\0".join([*made, b""])  # none of them holds a NUL: JSON escapes it


class GelfByUdp:
    """A shipper (`collector.ports.Shipper`) that sends datagrams."""

    def __init__(self, contents: Contents, server: Datagrams, *, chunk_bytes: int, compress: bool) -> None:
        self._contents = contents
        self._server = server
        self._chunk_bytes = chunk_bytes
        self._compress = compress

    async def ship(self, batch: Batch) -> Receipt:
        """Send a message for each document, but for those that take too many chunks.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        if not batch.count:
            return Receipt()
        datagrams, rejected = await asyncio.to_thread(self._datagrams, batch)
        await self._server.send(datagrams)
        return Receipt(delivered=batch.count - len(rejected), rejected=tuple(rejected))

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        return await self._server.probe()

    async def aclose(self) -> None:
        """Release the socket; may be called twice."""
        self._server.close()

    def _datagrams(self, batch: Batch) -> tuple[list[bytes], list[Rejected]]:
        datagrams: list[bytes] = []
        rejected: list[Rejected] = []
        for segment in batch.segments:
            for index, message in enumerate(messages(segment, self._contents)):
                if made := chunks(self._compressed(message), self._chunk_bytes):
                    datagrams += made
                else:
                    rejected.append(self._too_large(segment, index, message))
        return datagrams, rejected

    def _compressed(self, message: bytes) -> bytes:
        return gzip.compress(message) if self._compress and len(message) > self._chunk_bytes // 4 else message

    def _too_large(self, segment: Segment, index: int, message: bytes) -> Rejected:
        reason = f"a message of {len(message)} bytes takes more than {MOST_CHUNKS} chunks of {self._chunk_bytes} bytes"
        return Rejected(segment, index, TOO_LARGE, reason, is_final=True)
