"""ClickHouse: the laws of shippers and of batches, on a server with tokens that is the project's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ports import OutputContext
from tests.contract.batchwise import BatchLaws, ReadBackLaws
from tests.contract.shippers import Destination, ShipperContract
from tests.needs import marks
from tests.receivers.clickhouse import Receiver
from tests.receivers.destination import OnReceiver


@pytest.fixture(scope="module")
@marks("engines")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Receiver]]:
    """The servers of this module, ended together."""
    started: list[Receiver] = []
    yield started
    for server in started:
        server.stop()


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


class TestClickHouse(BatchLaws, ReadBackLaws, ShipperContract):
    takes_anything = True
    tells_duplicates = False

    @pytest.fixture
    def destination(
        self, receivers: list[Receiver], site: OutputContext, tmp_path_factory: pytest.TempPathFactory
    ) -> Destination:
        server = Receiver(tmp_path_factory.mktemp("clickhouse"))
        receivers.append(server)
        server.start()
        return OnReceiver(server, site)
