"""ClickHouse: the laws of shippers and of batches, on a server with tokens that is the project's own."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ports import OutputContext, Shipper
from shippers.clickhouse import Settings
from tests.contract.batchwise import BatchLaws
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.needs import marks
from tests.receivers.clickhouse import Receiver


@pytest.fixture(scope="module")
@marks("engines")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Receiver]]:
    """The servers of this module, ended together."""
    started: list[Receiver] = []
    yield started
    for server in started:
        server.stop()


class Rows:
    """The server as the contract sees it."""

    def __init__(self, server: Receiver, site: OutputContext) -> None:
        self._server = server
        self._site = site
        self.settings = Settings.model_validate(server.options())

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(self._server.stored)


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


class TestClickHouse(BatchLaws, ShipperContract):
    takes_anything = True
    tells_duplicates = False

    @pytest.fixture
    def destination(
        self, receivers: list[Receiver], site: OutputContext, tmp_path_factory: pytest.TempPathFactory
    ) -> Destination:
        server = Receiver(tmp_path_factory.mktemp("clickhouse"))
        receivers.append(server)
        server.start()
        return Rows(server, site)

    async def test_documents_are_read_back_by_their_ids(self, destination: Destination) -> None:
        sent = batch(plain_segment(20), plain_segment(5, "till"))
        shipper = destination.open()
        await deliver(shipper, sent)
        read_back = shipper.read_back  # type: ignore[attr-defined]
        assert await read_back(sent.segments[0]) == set(sent.segments[0].ids)
        assert await read_back(plain_segment(3, "elsewhere")) == set()
        await shipper.aclose()
