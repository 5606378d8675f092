"""New connections → the server's protocol, as long as there are not too many: each costs memory and a descriptor.

One host cannot take all of them, and this machine has some of its own, so that a health check is answered while
somebody else plays. Who is turned away is told that the agent is busy. What is sent and not taken has a time as well,
and a client that is gone without a word, as when its cable is pulled, keeps its place for no longer than another.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Iterable
from typing import cast

import structlog
from aiohttp import web

from collector.clock import Notice
from collector.state.places import BUSY

log = structlog.get_logger(__name__)

MOST = 64  # open connections from elsewhere
MOST_OF_ONE = 32  # from one address, or from this machine: all tails, and whoever scrapes
TAKE_SECONDS = 30.0  # that a client may leave an answer lying
LEAST_BYTES_PER_SECOND = 256 << 10  # a long answer has longer
GONE_SECONDS = 60  # that a client may leave whatever is sent unacknowledged: Linux waits for hours
_PROBES = 3  # of a connection on which nothing is sent
_PART_SECONDS = 1.0  # that one who is turned away may take to hear it
_MOST_PARTING = 32  # such connections
_TELL_EVERY_SECONDS = 60.0
_BODY = f'{{"error":"{BUSY}","remedy":"close some of them, or try again later"}}\n'.encode()
_BUSY = (
    b"HTTP/1.1 503 Service Unavailable\r\nServer: pilotfish\r\nContent-Type: application/json\r\n"
    b"Retry-After: 5\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(_BODY), _BODY)
)
_HERE = "this machine"


def notice_who_is_gone(listening: Iterable[socket.socket], seconds: int = GONE_SECONDS) -> None:
    """Have connections to these sockets end whose clients have not answered for so long, also where none is asked."""
    for one in listening:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, max(1, seconds // 2))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, max(1, seconds // 2 // _PROBES))
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 1000 * seconds)


class ConnectionLimit:
    """A factory of protocols, as `loop.create_server` takes it."""

    def __init__(self, server: web.Server) -> None:
        self.inside: Counter[str] = Counter()  # open connections by address
        self.parting = 0
        self.server = server
        self._notice = Notice(_TELL_EVERY_SECONDS)

    def __call__(self) -> asyncio.Protocol:
        """The protocol of a new connection."""
        return _Visitor(self)

    def is_open(self, host: str) -> bool:
        """Whether another from this address may come in."""
        others = self.inside.total() - self.inside[_HERE]
        if self.inside[host] < MOST_OF_ONE and (host == _HERE or others < MOST):
            return True
        self.tell("too many HTTP connections: refusing new ones", host)
        return False

    def tell(self, what: str, host: str) -> None:
        """Say what is done to a client, now and then."""
        if self._notice.is_due():
            log.warning(what, address=host, open=self.inside.total())


class _Visitor(asyncio.Protocol):
    """A connection: what comes goes to the server, unless it was turned away."""

    def __init__(self, limit: ConnectionLimit) -> None:
        self._limit = limit
        self._host = ""
        self._server: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._late: asyncio.TimerHandle | None = None
        self._parts = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are no subclasses
        self._host = _host_of(transport)
        if self._limit.is_open(self._host):
            self._transport.set_write_buffer_limits(high=0)  # anything that is not taken at once has its time
            self._limit.inside[self._host] += 1
            self._server = self._limit.server()
            self._server.connection_made(transport)
        else:
            self._turn_away(self._transport)

    def _turn_away(self, transport: asyncio.Transport) -> None:
        """Tell why, and let the client read it: to close while it still asks would reset what it is told."""
        transport.write(_BUSY)
        if self._limit.parting >= _MOST_PARTING:
            transport.close()
            return
        self._parts = True
        self._limit.parting += 1
        transport.write_eof()
        self._late = asyncio.get_running_loop().call_later(_PART_SECONDS, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._in_time()
        self._limit.parting -= self._parts
        if self._server is not None:
            self._limit.inside -= Counter([self._host])
            self._server.connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._server is not None:
            self._server.data_received(data)

    def eof_received(self) -> bool | None:
        return None if self._server is None else self._server.eof_received()

    def pause_writing(self) -> None:
        if self._server is not None and self._transport is not None:
            waiting = self._transport.get_write_buffer_size()
            self._in_time()
            seconds = TAKE_SECONDS + waiting / LEAST_BYTES_PER_SECOND
            self._late = asyncio.get_running_loop().call_later(seconds, self._cut)
            self._server.pause_writing()

    def resume_writing(self) -> None:
        if self._server is not None:
            self._in_time()
            self._server.resume_writing()

    def _in_time(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _cut(self) -> None:
        if self._transport is not None:
            self._limit.tell("HTTP client does not read its response: connection closed", self._host)
            self._transport.abort()


def _host_of(transport: asyncio.BaseTransport) -> str:
    """Where a connection comes from: who asks an address from this very address sits on this machine."""
    peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    host = str(peer[0]) if peer else ""
    return _HERE if own and host == own[0] else host
