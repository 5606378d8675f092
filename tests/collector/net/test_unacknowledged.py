"""`collector.net.unacknowledged`: what a server may not have read is sent again, and nothing else."""

import asyncio

from collector.net.stream_options import StreamOptions
from collector.net.unacknowledged import KEPT_BYTES, Unacknowledged
from tests.collector.net.stream_server import StreamServer
from tests.collector.waiting import until


class Options(StreamOptions):
    default_port = 5000


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


async def test_what_a_server_says_makes_nothing_be_sent_again() -> None:
    async with Reader(b"ready\r\n") as server:
        way = Unacknowledged(Options(hosts=[server.host]), "out", kind="a server")
        for number in range(5):
            await way.send(b"%d\n" % number)
            await until(lambda: server.taken.endswith(b"%d\n" % number))  # noqa: B023 - it is called in this turn
        await way.aclose()
        assert (bytes(server.taken), server.connections) == (b"0\n1\n2\n3\n4\n", 1)


async def test_a_message_that_is_larger_than_what_is_kept_is_sent_again_too() -> None:
    async with Reader() as server:
        way = Unacknowledged(Options(hosts=[server.host]), "out", kind="a server")
        large = b"x" * KEPT_BYTES + b"\n"
        await way.send(large)
        await server.close_all(is_reset=True)
        server.taken.clear()
        await way.send(b"next\n")
        await way.aclose()
        assert bytes(server.taken) == large + b"next\n"
