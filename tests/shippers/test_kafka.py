"""The output kafka, against a real broker."""

import asyncio
from collections.abc import Iterator
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from collector.ports import OutputContext, Shipper
from shippers.kafka import Settings
from tests.contract.shippers import Destination, ShipperContract
from tests.engines.kafka import Kafka
from tests.needs import marks
from tests.receivers.kafka import Receiver, stored


@pytest.fixture(scope="session")
@marks("engines")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with Receiver(tmp_path_factory.mktemp("kafka")) as receiver:
        yield receiver.kafka


class Topics:
    """Topics that begin with a name of their own."""

    def __init__(self, kafka: Kafka, site: OutputContext, **options: Any) -> None:
        self.prefix = f"t{uuid4().hex[:8]}-"
        self._kafka = kafka
        self._site = site
        self._options = {"topic": f"{self.prefix}{{target}}", "brokers": [kafka.plain], **options}

    @property
    def settings(self) -> Settings:
        return Settings(**self._options)

    def open(self) -> Shipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        return await asyncio.to_thread(lambda: asyncio.run(stored(self._kafka.plain, self.prefix)))


class TestKafka(ShipperContract):
    deduplicates = False
    options: ClassVar[dict[str, Any]] = {}

    @pytest.fixture
    def destination(self, kafka: Kafka, site: OutputContext) -> Destination:
        return Topics(kafka, site, **self.options)


class TestKafkaBundles(TestKafka):
    options: ClassVar[dict[str, Any]] = {"record": "bundle", "compression": "gzip"}


class TestKafkaById(TestKafka):
    options: ClassVar[dict[str, Any]] = {"key": "id", "compression": "lz4"}


class TestKafkaTransactions(TestKafka):
    deduplicates_batches = True
    options: ClassVar[dict[str, Any]] = {"transactional": True}
