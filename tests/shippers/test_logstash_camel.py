"""The laws of every shipper against a server of lumberjack that others wrote: that of Apache Camel."""

from collections.abc import Iterator
from contextlib import closing
from typing import cast

import pytest

from collector.ports import OutputContext, Shipper
from shippers.logstash import Settings
from tests.contract.shippers import HOSTILE_LOGS, Destination, ShipperContract
from tests.engines.camel import Camel
from tests.needs import marks
from tests.receivers.framed_server import Documents, stored_in

# What Java's numbers, texts and maps do not keep as it was written; it is acknowledged all the same.
CHANGED = ("ud800", "1e999", '"second"')


@pytest.fixture(scope="module")
@marks("engines")
def camel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camel]:
    with closing(Camel(tmp_path_factory.mktemp("camel")).start()) as server:
        yield server


class OnCamel:
    """What arrives from now on is all there is."""

    def __init__(self, camel: Camel, site: OutputContext) -> None:
        self.settings = Settings.model_validate({"hosts": f"127.0.0.1:{camel.port}", "window": 100})
        self._file = camel.file
        self._site = site
        self._file.write_bytes(b"")

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> Documents:
        return stored_in(self._file)


class TestLumberjackOfCamel(ShipperContract):
    deduplicates = False
    takes_anything = True
    hostile_logs = tuple(log for log in HOSTILE_LOGS if not any(each in log for each in CHANGED))

    @pytest.fixture
    def destination(self, site: OutputContext, camel: Camel) -> Destination:
        return cast(Destination, OnCamel(camel, site))
