"""Several hosts of one destination → open connections, kept for whoever comes next; why there is none → the error.

- A connection is opened when it is needed, used by one task at a time, and used again if that went well.
- One that the server has closed meanwhile, or on which it said what nobody asked, is not used again: bytes written to
  it would be lost without a word. So is one that is idle for long, or made with certificates that are replaced since.
- The hosts are tried in turn, each once. One that fails is set aside, for pauses that double; while it is, it is tried
  only when no other is left.
"""

import asyncio
import random
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Generic, NamedTuple, TypeVar

import structlog

from collector.errors import Unavailable
from collector.net.addresses import Address
from collector.net.stream import CLOSE_SECONDS, CONNECT_SECONDS, Stream, connected

log = structlog.get_logger(__name__)

IDLE_SECONDS = 60.0
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0

Session = TypeVar("Session")
Tls = ssl.SSLContext | None


class Protocol(NamedTuple, Generic[Session]):
    """What is said on a connection before and behind all else.

    `greet` makes a session of a connection, and raises Unavailable if the server does not want one; `farewell` is sent
    before the connection is closed. With `is_heard` the end waits for the server to close, too (`Stream.aclose`).
    `lost` is told of each session that did not end by our own will. With `is_deaf` nothing is read, so whatever the
    server says means nothing.
    """

    greet: Callable[[Stream], Awaitable[Session]]
    farewell: Callable[[Session], bytes] = lambda _: b""
    is_heard: bool = False
    lost: Callable[[Session], None] = lambda _: None
    is_deaf: bool = False


async def _as_it_is(stream: Stream) -> Stream:
    return stream


PLAIN: Protocol[Stream] = Protocol(_as_it_is)
"""Nothing is said: the session is the connection."""


class _Host:
    """One host, and what its connections tell of it."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self.failures = 0  # in a row; above 0 the host is set aside
        self.again_at = 0.0


class _Kept(Generic[Session]):
    """An open connection, and with what it was made."""

    def __init__(self, session: Session, stream: Stream, host: _Host, tls: Tls) -> None:
        self.session = session
        self.stream = stream
        self.host = host
        self.tls = tls


class Streams(Generic[Session]):
    """The connections to one destination; `kind` is what the hosts should be, in words for errors."""

    def __init__(
        self,
        addresses: Sequence[Address],
        protocol: Protocol[Session],
        *,
        kind: str,
        tls: Callable[[], Tls] = lambda: None,
        timeout_seconds: float,
        connect_seconds: float = CONNECT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = ", ".join(map(str, addresses))
        self._hosts = [_Host(address) for address in addresses]
        self._next = random.randrange(len(addresses))  # noqa: S311 - many agents do not all begin with the first
        self._protocol = protocol
        self._kind = kind
        self._tls = tls
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = connect_seconds
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._idle: dict[_Kept[Session], asyncio.TimerHandle] = {}
        self._is_closed = False

    @asynccontextmanager
    async def use(self) -> AsyncIterator[Session]:
        """A connection for one task. When the task fails, or is cancelled, the connection is closed: nothing is known.

        Raises:
            Unavailable: no host accepts one.
        """
        kept = await self._idle_one() or await self._new()
        kept.stream.has_sent = False
        try:
            yield kept.session
        except BaseException as error:
            if isinstance(error, Unavailable):
                self._set_aside(kept.host, error)
            kept.stream.abort()
            self._protocol.lost(kept.session)
            raise
        self._works(kept.host)
        self._keep(kept)

    async def aclose(self, within_seconds: float = CLOSE_SECONDS) -> bool:
        """Close what is not in use; may be called twice. Whether all of them closed as they should."""
        self._is_closed = True
        return await self.end_idle(within_seconds)

    async def end_idle(self, within_seconds: float = CLOSE_SECONDS) -> bool:
        """Close what is not in use, and open anew what is needed then. Whether all of them closed as they should."""
        idle, self._idle = self._idle, {}
        for timer in idle.values():
            timer.cancel()
        return all(await asyncio.gather(*(self._end(kept, within_seconds) for kept in idle)))

    async def _end(self, kept: _Kept[Session], within_seconds: float) -> bool:
        farewell, is_heard = self._protocol.farewell(kept.session), self._protocol.is_heard
        if is_well := await kept.stream.aclose(farewell, is_heard=is_heard, within_seconds=within_seconds):
            return is_well
        self._protocol.lost(kept.session)
        return False

    async def _idle_one(self) -> _Kept[Session] | None:
        if self._idle:
            for _ in range(2):  # turns of the event loop: it sees what has arrived meanwhile, such as an end
                await asyncio.sleep(0)
        tls = self._tls()
        for kept in [each for each in self._idle if not each.stream.is_fresh or each.tls is not tls]:
            self._idle.pop(kept).cancel()
            self._close(kept)
        if not self._idle:
            return None
        kept, timer = self._idle.popitem()
        timer.cancel()
        return kept

    async def _new(self) -> _Kept[Session]:
        for number, host in enumerate(hosts := self._in_turn(), 1):
            tls = self._tls()
            try:
                stream = await connected(
                    host.address,
                    tls,
                    self._kind,
                    seconds=self._timeout_seconds,
                    connect_seconds=self._connect_seconds,
                )
                return _Kept(await self._greeted(stream), stream, host, tls)
            except Unavailable as error:
                self._set_aside(host, error)
                if number == len(hosts):
                    raise
        raise AssertionError("there is a host at least")

    async def _greeted(self, stream: Stream) -> Session:
        if self._protocol.is_deaf:
            stream.ignore_answers()
        try:
            return await self._protocol.greet(stream)
        except BaseException as error:
            if isinstance(error, Unavailable):
                error.is_lost = False  # no document is on its way
            stream.abort()
            raise

    def _in_turn(self) -> list[_Host]:
        """Those that are not set aside, one further than last time; then the others, the first to be due first."""
        now = self._clock()
        turned = [*self._hosts[self._next :], *self._hosts[: self._next]]
        self._next = (self._next + 1) % len(self._hosts)
        aside = [host for host in turned if host.failures and now < host.again_at]
        return [*(host for host in turned if host not in aside), *sorted(aside, key=lambda host: host.again_at)]

    def _set_aside(self, host: _Host, error: Unavailable) -> None:
        if not host.failures and len(self._hosts) > 1:
            log.warning("node unavailable", node=str(host.address), reason=error.cause)
        pause = min(_FIRST_PAUSE_SECONDS * 2.0 ** min(host.failures, 10), _LONGEST_PAUSE_SECONDS)
        host.failures += 1
        host.again_at = self._clock() + pause

    def _works(self, host: _Host) -> None:
        if host.failures and len(self._hosts) > 1:
            log.info("node recovered", node=str(host.address))
        host.failures = 0

    def _keep(self, kept: _Kept[Session]) -> None:
        if self._is_closed or kept.stream.is_over:
            self._close(kept)
        else:
            loop = asyncio.get_running_loop()
            self._idle[kept] = loop.call_later(self._idle_seconds, self._forget, kept)

    def _forget(self, kept: _Kept[Session]) -> None:
        if self._idle.pop(kept, None):
            self._close(kept)

    def _close(self, kept: _Kept[Session]) -> None:
        if not kept.stream.is_fresh:
            self._protocol.lost(kept.session)
        kept.stream.close(self._protocol.farewell(kept.session))
