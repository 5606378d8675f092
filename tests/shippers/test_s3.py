"""S3: the laws of shippers and of batches, on a real SeaweedFS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.ports import OutputContext
from tests.contract.batchwise import BatchLaws, ReadBackLaws
from tests.contract.shippers import Destination, ShipperContract
from tests.needs import marks
from tests.receivers.destination import OnReceiver
from tests.receivers.s3 import BUCKET, Receiver


@pytest.fixture(scope="module")
@marks("engines")
def receiver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receiver]:
    """A server that the tests of this module share; each begins with an empty bucket."""
    with Receiver(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def server(receiver: Receiver) -> Receiver:
    for name in receiver.names():
        assert receiver.ask("DELETE", f"/{BUCKET}/{name}")[0] == 204
    return receiver


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("far", tmp_path / "state")


class TestS3(BatchLaws, ReadBackLaws, ShipperContract):
    takes_anything = True

    @pytest.fixture
    def destination(self, server: Receiver, site: OutputContext) -> Destination:
        return OnReceiver(server, site)
