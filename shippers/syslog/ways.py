"""Messages → a syslog server, by one of three ways: what is known of each message afterwards."""

from collections.abc import Sequence
from typing import Protocol

from collector.errors import Unavailable
from collector.net.datagrams import Datagrams
from collector.net.stream_options import StreamOptions
from collector.net.streams import Protocol as Spoken
from collector.net.unacknowledged import Unacknowledged
from shippers.syslog import relp
from shippers.syslog.relp import Outcome


class Way(Protocol):
    """How messages go."""

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them; what is known then of each.

        Raises:
            Unavailable: nothing is known.
        """
        ...

    async def probe(self) -> str:
        """What is there, in words.

        Raises:
            Unavailable: nobody is.
        """
        ...

    async def aclose(self) -> None:
        """Release everything; may be called twice."""
        ...


class OverTcp:
    """Over TCP or TLS."""

    def __init__(self, options: StreamOptions, output: str, *, is_counted: bool) -> None:
        self._is_counted = is_counted
        self._server = Unacknowledged(options, output, kind="a syslog server")

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them, behind what may be lost of those before.

        Raises:
            Unavailable: the connection broke, or there is none.
        """
        if self._is_counted:
            data = b"".join([b"%d %b" % (len(message), message) for message in messages])
        else:
            data = b"\n".join([*messages, b""])
        await self._server.send(data)
        return _all_taken()

    async def probe(self) -> str:
        """That a connection is accepted.

        Raises:
            Unavailable: it is not.
        """
        return await self._server.probe()

    async def aclose(self) -> None:
        """Wait until the server has read the end."""
        await self._server.aclose()


class OverUdp:
    """By UDP."""

    def __init__(self, datagrams: Datagrams) -> None:
        self._datagrams = datagrams

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send each as a datagram.

        Raises:
            Unavailable: the name is unknown, or nobody listens there.
        """
        await self._datagrams.send(messages)
        return _all_taken()

    async def probe(self) -> str:
        """That the name is known.

        Raises:
            Unavailable: it is not.
        """
        return await self._datagrams.probe()

    async def aclose(self) -> None:
        """Release the socket."""
        self._datagrams.close()


class OverRelp:
    """By RELP over TCP or TLS."""

    def __init__(self, options: StreamOptions, output: str) -> None:
        spoken = Spoken(relp.opened, lambda session: session.farewell())
        self._streams = options.streams(output, spoken, kind="a RELP server")

    async def send(self, messages: Sequence[bytes]) -> Outcome:
        """Send them and read what the server says of each; of those left open nothing is known.

        Raises:
            Unavailable: nothing is known of any.
        """
        outcome = Outcome(len(messages))
        try:
            async with self._streams.use() as session:
                await session.send(messages, outcome)
        except Unavailable:
            if len(outcome.open) == len(messages):
                raise
        return outcome

    async def probe(self) -> str:
        """Which server is there.

        Raises:
            Unavailable: none is.
        """
        async with self._streams.use() as session:
            return session.server

    async def aclose(self) -> None:
        """End the sessions."""
        await self._streams.aclose()


def _all_taken() -> Outcome:
    return Outcome(0)
