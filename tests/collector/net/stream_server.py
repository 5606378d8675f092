"""A server on a plain or TLS socket, which a test makes answer, close, or be silent."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Self

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def take_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Read to the end."""
    while await reader.read(1 << 16):
        pass


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send back what comes."""
    while data := await reader.read(1 << 16):
        writer.write(data)
        await writer.drain()


class StreamServer:
    """Serves each connection by `serve`, which may be changed between two; counts them."""

    def __init__(self, serve: Serve = echo, *, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.serve = serve
        self.port = port
        self.connections = 0
        self.connected = asyncio.Event()
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None] | None] = set()

    @property
    def host(self) -> str:
        """As options name it."""
        return f"127.0.0.1:{self.port}"

    async def close_all(self, *, is_reset: bool = False) -> None:
        """End the connections, by FIN or by RST; returns when the system has done so."""
        writers = list(self._writers)
        for writer in writers:
            if is_reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.close()
        await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)

    def say(self, data: bytes) -> None:
        """Write on all connections."""
        for writer in self._writers:
            writer.write(data)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        tasks = [task for task in self._tasks if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.connected.set()
        task = asyncio.current_task()
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await self.serve(reader, writer)
        finally:
            writer.transport.abort() if writer.transport.is_closing() else writer.close()
            self._writers.discard(writer)
            self._tasks.discard(task)
