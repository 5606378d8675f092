"""New connections → the server's protocol, as long as there are not too many: each costs memory and a descriptor.

One host cannot take all of them, so that a health check on this machine is answered while somebody else plays.
"""

import asyncio
from collections import Counter
from typing import cast

import structlog
from aiohttp import web

log = structlog.get_logger(__name__)

MOST = 64  # open connections
MOST_OF_ONE = 32  # from one address: all tails, and whoever scrapes
_TELL_EVERY_SECONDS = 60.0
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Door:
    """A factory of protocols, as `loop.create_server` takes it."""

    def __init__(self, server: web.Server) -> None:
        self.inside: Counter[str] = Counter()  # open connections by address
        self.server = server
        self._tell_at = 0.0  # the loop's time

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Visitor(self)

    def is_open(self, host: str) -> bool:
        """Whether another from this address may come in."""
        if self.inside.total() < MOST and self.inside[host] < MOST_OF_ONE:
            return True
        now = asyncio.get_running_loop().time()
        if now >= self._tell_at:
            log.warning("too many connections: more are turned away", address=host, open=self.inside.total())
            self._tell_at = now + _TELL_EVERY_SECONDS
        return False


class _Visitor(asyncio.Protocol):
    """A connection: what comes goes to the server, unless it was turned away."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._host = ""
        self._server: asyncio.Protocol | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        peer = transport.get_extra_info("peername")
        self._host = str(peer[0]) if peer else ""
        if self._door.is_open(self._host):
            self._door.inside[self._host] += 1
            self._server = self._door.server()
            self._server.connection_made(transport)
        else:
            cast("asyncio.WriteTransport", transport).write(_BUSY)  # uvloop's are no subclasses
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._server is not None:
            self._door.inside -= Counter([self._host])
            self._server.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._server is not None:
            self._server.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._server is None else self._server.eof_received()

    def pause_writing(self) -> None:
        if self._server is not None:
            self._server.pause_writing()

    def resume_writing(self) -> None:
        if self._server is not None:
            self._server.resume_writing()
