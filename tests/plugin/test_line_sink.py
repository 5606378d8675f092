"""An output over TCP of another package keeps the laws of all outputs by the kit alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from collector.errors import Unavailable
from collector.ports import OutputContext, Shipper
from tests.collector.net.stream_server import StreamServer
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract
from tests.receivers.framed_server import apart

from .line_sink import Settings


class Sink:
    """Such a server, on `StreamServer`."""

    def __init__(self, site: OutputContext) -> None:
        self.answer = b"OK\n"
        self.lines: list[bytes] = []
        self.server = StreamServer(self._serve)
        self._site = site

    @property
    def settings(self) -> Settings:
        return Settings.model_validate({"hosts": self.server.host})

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for line in self.lines:
            name, document = apart(line.decode())
            found.setdefault(name, []).append(document)
        return found

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readline():
            self.lines += [await _line(reader) for _ in range(int(head))]
            writer.write(self.answer)


async def _line(reader: asyncio.StreamReader) -> bytes:
    pieces: list[bytes] = []
    while True:
        try:
            return b"".join([*pieces, await reader.readuntil(b"\n")])
        except asyncio.LimitOverrunError as error:
            pieces.append(await reader.readexactly(error.consumed))


@pytest.fixture
async def sink(site: OutputContext) -> AsyncIterator[Sink]:
    sink = Sink(site)
    async with sink.server:
        yield sink


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory) -> OutputContext:
    return OutputContext("away", tmp_path_factory.mktemp("state"))


class TestLineSink(ShipperContract):
    deduplicates = False
    takes_anything = True

    @pytest.fixture
    def destination(self, sink: Sink) -> Destination:
        return sink


async def test_another_answer_is_no_success(sink: Sink) -> None:
    sink.answer = b"what?\n"
    shipper = sink.open()
    with pytest.raises(Unavailable, match="answers in other words: check that `hosts` names a sink of lines"):
        await shipper.ship(batch(plain_segment(3)))
    await shipper.aclose()
