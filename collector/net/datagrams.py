"""Datagrams → one of several hosts by UDP: they may vanish on the way, and nobody says so.

What can be known is told: that the name is unknown, or that the host says nobody listens there. The name is looked up
again every minute, since what it stands for changes. No more go in a second than was asked for, in small groups: what
comes faster than a server reads fills the buffer of its socket, and the system drops the rest.
"""

import asyncio
import math
import random
import socket
import time
from collections.abc import Callable, Iterable, Sequence

from collector.errors import Unavailable
from collector.net.addresses import Address
from collector.net.stream import CONNECT_SECONDS, reason

MOST_BYTES = 65_000  # of a datagram: 65,507 less what IPv6 and its options take
LOOK_UP_SECONDS = 60.0
PACKETS_PER_SECOND = 10_000
_PACKET_BYTES = 1452  # of a datagram in a packet of Ethernet by IPv6; by IPv4 20 more
_AT_ONCE = 16  # packets that may make up for a wait that took longer; a buffer of the usual size takes about 90
_LEAST_WAIT_SECONDS = 0.002  # shorter ones cost more of the processor than they spread datagrams
_IN_A_TURN = 64  # datagrams, before others in this process have their turn
PROMISE = "nothing acknowledges a datagram, and any may be lost on its way"
_REMEDY = "check `hosts`, the network, and that the server runs"


class Pace:
    """How long each datagram waits, so that no more than `packets_per_second` go."""

    def __init__(self, packets_per_second: float, clock: Callable[[], float]) -> None:
        self._packet_seconds = 1 / packets_per_second
        self._clock = clock
        self._due = -math.inf  # when what was counted so far may have gone

    def seconds(self, size: int) -> float:
        """Count a datagram of so many bytes; how long it has to wait: 0, or at least a millisecond."""
        now = self._clock()
        begin = max(self._due, now - _AT_ONCE * self._packet_seconds)
        self._due = begin + max(1, -(-size // _PACKET_BYTES)) * self._packet_seconds
        return begin - now if begin - now >= _LEAST_WAIT_SECONDS else 0.0


class Datagrams:
    """The way to one destination; each batch of datagrams goes by itself."""

    def __init__(
        self,
        addresses: Sequence[Address],
        *,
        packets_per_second: float = PACKETS_PER_SECOND,
        look_up_seconds: float = LOOK_UP_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = ", ".join(map(str, addresses))
        self._addresses = addresses
        self._next = random.randrange(len(addresses))  # noqa: S311 - many agents do not all begin with the first
        self._look_up_seconds = look_up_seconds
        self._clock = clock
        self._pace = Pace(packets_per_second, clock)
        self._socket: socket.socket | None = None
        self._host = self.name
        self._until = 0.0
        self._turn = asyncio.Lock()

    async def send(self, datagrams: Iterable[bytes]) -> None:
        """Send them all to one host; the next host gets what is sent after a failure.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    connection = await self._connected()
                await _send_all(connection, datagrams, self._pace)
            except (OSError, TimeoutError) as error:
                self.close()
                raise Unavailable(f"{self._host} cannot be reached ({reason(error)})", _REMEDY) from None

    async def probe(self) -> str:
        """That the name is known, in words.

        Raises:
            Unavailable: it is not.
        """
        await self.send(())
        return f"{self.name} has an address; UDP does not show whether a server listens there"

    def close(self) -> None:
        """Release the socket; may be called twice."""
        if self._socket:
            self._socket.close()
            self._socket = None

    async def _connected(self) -> socket.socket:
        if self._socket and self._clock() < self._until:
            return self._socket
        if self._socket is None:
            self._next = (self._next + 1) % len(self._addresses)
        self.close()
        address = self._addresses[self._next]
        self._host = str(address)
        found = await asyncio.get_running_loop().getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)
        family, kind, protocol, _, target = found[0]
        connection = socket.socket(family, kind, protocol)
        connection.setblocking(False)
        try:
            connection.connect(target)  # of a datagram socket: it notes the target and waits for nothing
        except OSError:
            connection.close()
            raise
        self._socket = connection
        self._until = self._clock() + self._look_up_seconds
        return connection


async def _send_all(connection: socket.socket, datagrams: Iterable[bytes], pace: Pace) -> None:
    loop = asyncio.get_running_loop()
    for number, data in enumerate(datagrams, 1):
        if wait := pace.seconds(len(data)):
            await asyncio.sleep(wait)
        try:
            connection.send(data)
        except BlockingIOError:
            await loop.sock_sendall(connection, data)
        if number % _IN_A_TURN == 0:
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    if code := connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):  # what the host says of those before
        raise OSError(code, "")
