"""A node of a destination as a plain socket, which a test makes slow, silent or wrong."""

import asyncio
import contextlib
from typing import Self

from collector.net.http_node import Question

BULK = Question("POST", "/_bulk", b"{}\n", {})


def reply(status: int, body: bytes) -> bytes:
    """An answer as it stands on the wire."""
    return b"HTTP/1.1 %d Odd\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body)


OK = reply(200, b"{}")
BUSY = reply(503, b"{}")


class Endpoint:
    """A node as a socket: answers after `delay_seconds`, or with None never; counts what it is asked."""

    def __init__(self, delay_seconds: float | None = 0.0, answer: bytes = OK) -> None:
        self.delay_seconds = delay_seconds
        self.answer = answer
        self.asked = 0
        self.most_at_once = 0
        self.port = 0
        self._under_way = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None] | None] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        serving = [task for task in self._serving if task]
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        self._serving.add(task)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                while True:
                    await reader.readuntil(b"\r\n\r\n")
                    await reader.readexactly(len(BULK.body or b""))
                    await self._answer(reader, writer)
        finally:
            writer.transport.abort()
            self._serving.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked += 1
        self._under_way += 1
        self.most_at_once = max(self.most_at_once, self._under_way)
        try:
            if self.delay_seconds is None:
                await reader.read()  # until the other side has enough
            else:
                await asyncio.sleep(self.delay_seconds)
            writer.write(self.answer)
            await writer.drain()
        finally:
            self._under_way -= 1
