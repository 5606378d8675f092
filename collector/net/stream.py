"""One connection over TCP or TLS: bytes out and bytes in, each wait bounded; whatever breaks is Unavailable.

What arrives is kept until it is asked for, whether somebody waits or not: so that a server which has closed the
connection, or says what nobody asked, is noticed before the next write.
"""

import asyncio
import fcntl
import os
import socket
import ssl
import sys
import termios
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

from collector.errors import Unavailable
from collector.net.addresses import Address

CONNECT_SECONDS = 5.0  # packets that vanish are noticed early, however long an answer may take
CLOSE_SECONDS = 2.0
WORDS = 300  # characters of a server's own words that an error repeats
_MOST_UNREAD_BYTES = 1 << 20
_PROBE_SECONDS = 30
_MOST_MILLISECONDS = 600_000
_READ_ON = "check its log, and that it expects this protocol at this port"


class Wire(asyncio.Protocol):
    """What the event loop tells of a connection. `transport` is where bytes are written, once it is there."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self.unread: Final = bytearray()
        self.is_over = False
        self.over_at = 0.0  # the loop's time
        self.error: Exception | None = None
        self.is_deaf = False  # to what the server says
        self.closed: Final[asyncio.Future[None]] = asyncio.get_running_loop().create_future()
        self._is_full = False  # of what is to be written
        self._waiter: asyncio.Future[None] | None = None

    @property
    def is_full(self) -> bool:
        """Whether bytes that were written are not yet with the operating system."""
        return self._is_full

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is there."""
        self.transport = cast(asyncio.Transport, transport)
        # full while a byte is left; asyncio's TLS takes a limit of 0 for full with none
        self.transport.set_write_buffer_limits(1 if transport.get_extra_info("sslcontext") else 0, 0)

    def data_received(self, data: bytes) -> None:
        """The server says something."""
        if self.is_deaf:
            return
        self.unread.extend(data)
        if len(self.unread) > _MOST_UNREAD_BYTES:
            self.transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """The server says no more. The connection is closed: a server that has gone reads no more either."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if not self.is_over:  # else it is of our own closing
            self.error = exc
        if not self.closed.done():
            self.closed.set_result(None)
        self._end()

    def pause_writing(self) -> None:
        """Bytes wait for room in the operating system."""
        self._is_full = True

    def resume_writing(self) -> None:
        """None do."""
        self._is_full = False
        self._wake()

    async def change(self) -> None:
        """Wait until something has come of it. One task at a time."""
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def take(self, count: int) -> bytes:
        """The first bytes that have arrived."""
        taken = bytes(self.unread[:count])
        del self.unread[:count]
        if len(self.unread) <= _MOST_UNREAD_BYTES and not self.is_over:
            self.transport.resume_reading()
        return taken

    def _end(self) -> None:
        if not self.is_over:
            self.is_over = True
            self.over_at = asyncio.get_running_loop().time()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Stream:
    """An open connection, used by one task at a time. `host` and `kind` are for errors: where it leads, and to what."""

    def __init__(self, wire: Wire, host: str, kind: str, seconds: float, *, has_tls: bool = False) -> None:
        self.host = host
        self.has_sent = False  # since it was given to whoever uses it
        self._wire = wire
        self._kind = kind
        self._seconds = seconds
        self._has_tls = has_tls

    @property
    def is_fresh(self) -> bool:
        """Whether it can be written to as if it were new: the server neither closed it nor said what nobody asked."""
        return not self._wire.is_over and not self._wire.unread and not self._wire.transport.is_closing()

    @property
    def is_over(self) -> bool:
        """Whether the server has closed it, as far as is known."""
        return self._wire.is_over

    @property
    def is_broken(self) -> bool:
        """Whether it ends otherwise than by the server closing it, which has then read all that its system had."""
        return not self._wire.is_over or self._wire.error is not None

    @property
    def over_at(self) -> float:
        """When that was, by the loop's time; now, if it is open."""
        return self._wire.over_at if self._wire.is_over else asyncio.get_running_loop().time()

    def unacknowledged_bytes(self) -> int:
        """How much of what was written the server's system does not have yet, as far as this one knows."""
        connection: socket.socket = self._wire.transport.get_extra_info("socket")
        try:
            return int.from_bytes(fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except (OSError, ValueError):  # it has just ended
            return 0

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send; returns when the operating system has all of it, which does not mean that it arrived.

        Raises:
            Unavailable: the connection broke, or takes nothing for too long.
        """
        if self._wire.is_over:
            raise self.broken()
        self.has_sent = self.has_sent or len(data) > 0
        self._wire.transport.write(data)
        await self._until(lambda: not self._wire.is_full, "takes no data")

    async def read_exactly(self, count: int) -> bytes:
        """So many bytes of what the server says.

        Raises:
            Unavailable: the connection broke before, or they do not come in time.
        """
        await self._until(lambda: len(self._wire.unread) >= count)
        return self._wire.take(count)

    async def read_until(self, end: bytes, *, most_bytes: int) -> bytes:
        """What the server says up to and with `end`.

        Raises:
            Unavailable: the connection broke before, it does not come in time, or is longer than `most_bytes`.
        """
        unread = self._wire.unread
        await self._until(lambda: unread.find(end) >= 0 or len(unread) > most_bytes)
        found = unread.find(end)
        if found < 0 or found + len(end) > most_bytes:
            raise self.stranger(f"sends an answer of more than {most_bytes} bytes")
        return self._wire.take(found + len(end))

    async def read_some(self, at_least: int = 1) -> bytes:
        """What the server has said meanwhile; waits for so many bytes, and takes fewer if no more come.

        Raises:
            Unavailable: the connection broke, or nothing comes in time.
        """
        try:
            await self._until(lambda: len(self._wire.unread) >= at_least)
        except Unavailable:
            if not self._wire.unread:
                raise
        return self._wire.take(len(self._wire.unread))

    def ignore_answers(self) -> None:
        """Drop what the server has said, and what it will say."""
        self._wire.is_deaf = True
        self._wire.take(len(self._wire.unread))

    def stranger(self, cause: str) -> Unavailable:
        """The error of a server that answers as no such server does; `cause` stands behind its name."""
        return Unavailable(f"{self.host} {cause}", f"check that `hosts` names {self._kind}")

    def broken(self) -> Unavailable:
        """The error of a connection that the server, or the network, has ended."""
        error = self._wire.error
        cause = (
            f"the connection to {self.host} broke ({reason(error)})" if error else f"{self.host} closed the connection"
        )
        remedy = f"{_READ_ON}; it may require client_cert_file" if self._has_tls else _READ_ON
        return Unavailable(cause, remedy, is_lost=self.has_sent)

    def abort(self) -> None:
        """Close it at once; what was not sent yet is lost."""
        self._wire.transport.abort()

    def close(self, farewell: bytes = b"") -> None:
        """Close it behind the last byte, and behind `farewell`; returns at once."""
        if farewell and not self._wire.is_over:
            self._wire.transport.write(farewell)
        self._wire.transport.close()

    async def aclose(
        self, farewell: bytes = b"", *, is_heard: bool = False, within_seconds: float = CLOSE_SECONDS
    ) -> bool:
        """Close it and wait until it is closed, but not for long; whether that went as it should.

        `is_heard`: end what is sent, and let the server close. One that does has read everything up to there, if it
        is no proxy.
        """
        transport = self._wire.transport
        if is_heard and not self._wire.is_over and transport.can_write_eof():
            transport.write(farewell)
            with suppress(OSError):  # the connection was reset, and the event loop does not know yet
                transport.write_eof()
        else:
            self.close(farewell)
        try:
            async with asyncio.timeout(within_seconds):
                await asyncio.shield(self._wire.closed)
        except TimeoutError:
            transport.abort()
            await asyncio.shield(self._wire.closed)
            return False
        return self._wire.error is None

    async def _until(self, holds: Callable[[], bool], lacks: str = "did not answer") -> None:
        if holds():
            return
        try:
            async with asyncio.timeout(self._seconds):
                while not holds():
                    if self._wire.is_over:
                        raise self.broken()
                    await self._wire.change()
        except TimeoutError:
            cause = f"{self.host} {lacks} within {self._seconds:g} s"
            raise Unavailable(cause, "raise request_timeout_seconds if it is slow") from None


async def connected(
    address: Address, tls: ssl.SSLContext | None, kind: str, *, seconds: float, connect_seconds: float = CONNECT_SECONDS
) -> Stream:
    """A connection to `address`, whose name is looked up anew; `seconds` is how long each later wait may take.

    Raises:
        Unavailable: there is none, and why.
    """
    host = str(address)
    try:
        async with asyncio.timeout(connect_seconds):
            wire = await _first(address, tls, connect_seconds)
    except (OSError, TimeoutError) as error:
        raise _unreachable(host, error, connect_seconds, has_tls=tls is not None) from None
    _keep_watch(wire.transport.get_extra_info("socket"), seconds)
    return Stream(wire, host, kind, seconds, has_tls=tls is not None)


async def _first(address: Address, tls: ssl.SSLContext | None, connect_seconds: float) -> Wire:
    """A connection to the first address of the name that accepts one; packets to one of them may vanish."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    end = loop.time() + connect_seconds
    for left, (*_, (ip, port, *_)) in zip(range(len(found), 0, -1), found, strict=True):
        try:
            async with asyncio.timeout((end - loop.time()) / left):
                name = address.host if tls else None
                _, wire = await loop.create_connection(Wire, str(ip), int(port), ssl=tls, server_hostname=name)
                return wire
        except (OSError, TimeoutError):
            if left == 1:
                raise
    raise OSError("the name has no address")


def reason(error: Exception | None) -> str:
    """What the system says of an error, on one line."""
    told = str(error) or ("closed by the server" if isinstance(error, ConnectionError) else type(error).__name__)
    if isinstance(error, OSError):
        code = error.errno if isinstance(error.errno, int) else 0  # below zero: of the name's resolution
        told = os.strerror(code) if code > 0 else str(error.strerror or told)
    return " ".join(told.split())[:WORDS]


def _unreachable(host: str, error: Exception, connect_seconds: float, *, has_tls: bool) -> Unavailable:
    remedy = "check `hosts`, the network, and that the server runs"
    if isinstance(error, ssl.SSLCertVerificationError):
        why = " ".join(str(error).split())[:WORDS]
        remedy = "set ca_file to the CA certificate of the server, and use a host name of the server's certificate"
        return Unavailable(f"the certificate of {host} cannot be verified ({why})", remedy)
    if isinstance(error, ssl.SSLError):
        why = " ".join(str(error).split())[:WORDS]
        remedy = "check that this port expects TLS, and whether the server requires client_cert_file"
        return Unavailable(f"no TLS connection to {host} ({why})", remedy)
    if isinstance(error, TimeoutError) and error.errno is None:
        return Unavailable(f"{host} did not accept a connection within {connect_seconds:g} s", remedy)
    if has_tls:
        remedy = "check `hosts`, the network, that the server runs, and that this port expects TLS"
    return Unavailable(f"{host} cannot be reached ({reason(error)})", remedy)


def _keep_watch(connection: socket.socket, seconds: float) -> None:
    """Have the system end a connection whose other side has vanished: of what is sent, and of one that is idle."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _PROBE_SECONDS)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
    connection.setsockopt(
        socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, max(1000, min(int(seconds * 1000), _MOST_MILLISECONDS))
    )
