"""`collector.net.unacknowledged`: what a server may not have read is sent again, and nothing else."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.errors import Unavailable
from collector.net.stream_options import StreamOptions
from collector.net.unacknowledged import KEPT_BYTES, Unacknowledged
from tests.collector.net.stream_server import StreamServer
from tests.collector.waiting import until
from tests.examples import examples

MIB = 1 << 20


class Options(StreamOptions):
    default_port = 5000


def way_to(server: StreamServer, *, kept_seconds: float = 30, timeout_seconds: float = 20) -> Unacknowledged:
    options = Options(hosts=[server.host], request_timeout_seconds=timeout_seconds)
    return Unacknowledged(options, "out", kind="a server", kept_seconds=kept_seconds)


class Reader(StreamServer):
    """Keeps what comes, and says something to each connection first."""

    def __init__(self, banner: bytes = b"") -> None:
        super().__init__(self._take)
        self.taken = bytearray()
        self._banner = banner

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self._banner)
        while data := await reader.read(1 << 16):
            self.taken += data
            writer.write(self._banner)


class Failing(StreamServer):
    """A server of which each connection breaks after so many bytes as `lives` says, with the last of them unread."""

    unread_bytes = 3 * MIB  # with what the systems hold, less than is kept of a connection

    def __init__(self, lives: Iterable[int]) -> None:
        super().__init__(self._take)
        self.lives = deque(lives)
        self.taken: list[bytes] = []
        self.open: list[tuple[bytearray, asyncio.StreamWriter]] = []

    def fail(self, *which: int) -> None:
        """Break those of the open connections that `which` names; all, if none."""
        for number, connection in enumerate(list(self.open)):
            if not which or number in which:
                self._fail(*connection)

    def messages(self) -> set[bytes]:
        """What was taken whole."""
        return {message for taken in self.taken for message in taken.split(b"\n")[:-1]}

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
        taken, life = bytearray(), self.lives.popleft() if self.lives else 0
        self.open.append(this := (taken, writer))
        try:
            while data := await reader.read(1 << 16):
                if writer.transport.is_closing():  # what the reader still had
                    return
                taken += data
                if life and len(taken) >= life:
                    self._fail(*this)
        finally:
            self.taken.append(bytes(taken))
            self.open = [each for each in self.open if each is not this]

    def _fail(self, taken: bytearray, writer: asyncio.StreamWriter) -> None:
        del taken[max(0, len(taken) - self.unread_bytes) :]
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()


async def sent(way: Unacknowledged, message: bytes) -> None:
    """Send it again as long as it fails, as the delivery does."""
    for _ in range(20):
        with suppress(Unavailable):
            await way.send(message + b"\n")
            return
    raise AssertionError("the server is away")


async def test_what_a_server_says_makes_nothing_be_sent_again() -> None:
    async with Reader(b"ready\r\n") as server:
        way = way_to(server)
        for number in range(5):
            await way.send(b"%d\n" % number)
            await until(lambda: server.taken.endswith(b"%d\n" % number))  # noqa: B023 - it is called in this turn
        await way.aclose()
        assert (bytes(server.taken), server.connections) == (b"0\n1\n2\n3\n4\n", 1)


async def test_a_message_that_is_larger_than_what_is_kept_is_sent_again_too() -> None:
    async with Reader() as server:
        way = way_to(server)
        large = b"x" * KEPT_BYTES + b"\n"
        await way.send(large)
        await server.close_all(is_reset=True)
        server.taken.clear()
        await way.send(b"next\n")
        await way.aclose()
        assert bytes(server.taken) == large + b"next\n"


@examples(0.3)
@example(rounds=[[3 * MIB] * 4], lives=[])
@example(rounds=[[3 * MIB] * 4], lives=[0, 0, 0, 0, 9 * MIB])
@given(
    rounds=st.lists(st.lists(st.sampled_from([1, MIB, 3 * MIB]), min_size=1, max_size=4), min_size=1, max_size=4),
    lives=st.lists(st.sampled_from([0, 1, MIB, 4 * MIB, 9 * MIB, 13 * MIB]), max_size=5),
)
async def test_a_server_that_fails_with_some_of_several_connections_unread_loses_nothing(
    rounds: Sequence[Sequence[int]], lives: Sequence[int]
) -> None:
    async with Failing(lives) as server:
        way = way_to(server)
        messages: set[bytes] = set()
        for sizes in rounds:
            made = [b"%d " % (len(messages) + at) + b"x" * size for at, size in enumerate(sizes)]
            messages.update(made)
            await asyncio.gather(*(sent(way, message) for message in made))
            server.fail()
        server.lives.clear()
        await way.send(b"the last\n")
        await way.aclose()
        assert messages <= server.messages()


@pytest.mark.parametrize("broken", [0, 1])
async def test_what_one_idle_connection_lost_does_not_wait_until_another_one_breaks(broken: int) -> None:
    async with Failing([]) as server:
        way = way_to(server)
        await asyncio.gather(way.send(b"one\n"), way.send(b"other\n"))
        await until(lambda: len(server.open) == 2 and all(taken for taken, _ in server.open))
        lost = {bytes(server.open[broken][0])[:-1]}
        server.fail(broken)
        await until(lambda: len(server.open) == 1)
        await way.send(b"next\n")
        await until(lambda: b"next" in server.open[0][0])
        assert lost <= set(bytes(server.open[0][0]).split(b"\n"))
        await way.aclose()


async def test_what_was_sent_before_a_write_that_takes_too_long_is_sent_again() -> None:
    async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with Reader() as server:
        take, server.serve = server.serve, take_nothing
        way = way_to(server, kept_seconds=0.5, timeout_seconds=0.7)
        large = b"x" * (16 * MIB)
        await way.send(b"before\n")
        with pytest.raises(Unavailable, match="takes no data"):
            await way.send(large)
        server.serve = take
        await way.send(b"next\n")
        await way.aclose()
        assert bytes(server.taken) == b"before\nnext\n"


async def test_what_the_system_of_the_server_had_no_room_for_is_sent_again_however_old_it_is() -> None:
    async def take_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await asyncio.Event().wait()

    async with Reader() as server:
        take, server.serve = server.serve, take_nothing
        way = way_to(server, kept_seconds=0)
        old = b"x" * MIB + b"\n"  # it takes all but that what the sending system has room for
        await way.send(old)
        server.serve = take
        await server.close_all(is_reset=True)
        await way.send(b"next\n")
        await way.aclose()
        assert bytes(server.taken) == old + b"next\n"


async def test_what_was_sent_long_before_the_server_closed_the_connection_is_not_sent_again() -> None:
    async with Reader() as server:
        way = way_to(server, kept_seconds=0)
        await way.send(b"old\n")
        await until(lambda: server.taken)
        await server.close_all()
        await way.send(b"next\n")
        await way.aclose()
        assert bytes(server.taken) == b"old\nnext\n"


async def test_what_is_not_kept_of_a_connection_that_breaks_is_told() -> None:
    async with Reader() as server:
        way = way_to(server)
        for _ in range(4):
            await way.send(b"x" * (KEPT_BYTES // 2))
        with capture_logs() as logs:
            await server.close_all(is_reset=True)
            await way.send(b"next\n")
        assert [(each["event"], each["output"]) for each in logs] == [("messages may be lost", "out")]
        await way.aclose()
