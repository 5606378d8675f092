"""Redis: the laws of shippers and of batches, on a real server, as streams and as lists."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from collector.ports import OutputContext
from tests.contract.batchwise import BatchLaws, ReadBackLaws
from tests.contract.shippers import Destination, ShipperContract
from tests.needs import marks
from tests.receivers.destination import OnReceiver
from tests.receivers.redis import Receiver


@pytest.fixture(scope="module")
@marks("engines")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A server that the tests of this module share; each begins with an empty one."""
    with Receiver(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def server(receiver: Receiver) -> Receiver:
    receiver.start()
    with receiver.client() as client:
        client.flushall()
    return receiver


class TestRedis(BatchLaws, ReadBackLaws, ShipperContract):
    takes_anything = True
    mode: ClassVar[str] = "stream"

    @pytest.fixture
    def destination(self, server: Receiver, site: OutputContext) -> Destination:
        return OnReceiver(server, site, mode=self.mode)


class TestRedisLists(TestRedis):
    mode = "list"


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")
