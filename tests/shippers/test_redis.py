"""Redis: the laws of shippers and of batches, on a real server, as streams and as lists."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from collector.ports import OutputContext, Shipper
from shippers.redis import Settings
from tests.contract.batchwise import BatchLaws
from tests.contract.segments import batch, plain_segment
from tests.contract.shippers import Destination, ShipperContract, deliver
from tests.needs import marks
from tests.receivers.redis import Receiver


@pytest.fixture(scope="module")
@marks("engines")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A server that the tests of this module share; each begins with an empty one."""
    server = Receiver(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def server(receiver: Receiver) -> Receiver:
    receiver.start()
    with receiver.client() as client:
        client.flushall()
    return receiver


class Keys:
    """The server as the contract sees it."""

    def __init__(self, server: Receiver, site: OutputContext, **options: Any) -> None:
        self._server = server
        self._site = site
        self.settings = Settings.model_validate({**server.options(), **options})

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(self._server.stored)


class TestRedis(BatchLaws, ShipperContract):
    takes_anything = True
    mode: ClassVar[str] = "stream"

    @pytest.fixture
    def destination(self, server: Receiver, site: OutputContext) -> Destination:
        return Keys(server, site, mode=self.mode)

    async def test_documents_are_read_back_by_their_ids(self, destination: Destination) -> None:
        sent = batch(plain_segment(20), plain_segment(5, "till"))
        shipper = destination.open()
        await deliver(shipper, sent)
        read_back = shipper.read_back  # type: ignore[attr-defined]
        assert await read_back(sent.segments[0]) == set(sent.segments[0].ids)
        assert await read_back(plain_segment(3, "elsewhere")) == set()
        await shipper.aclose()


class TestRedisLists(TestRedis):
    mode = "list"


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")
