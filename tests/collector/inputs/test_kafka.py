"""The input kafka, against a real broker: each topic has one partition, and its name is that of the stream."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from collector.inputs.kafka import Settings
from tests.contract.inputs import InputContract
from tests.engines.kafka import Kafka
from tests.needs import marks


def at_once(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Do it in a loop of its own, whatever runs in this thread."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001 - raised below
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if errors:
        raise errors[0]


class TestKafka(InputContract):
    name = "relay"

    @pytest.fixture(autouse=True)
    @marks("engines")
    def _broker(self, tmp_path: Path) -> Iterator[None]:
        (tmp_path / "kafka").mkdir()
        self.kafka = Kafka(tmp_path / "kafka").start()
        self.made: set[str] = set()
        yield
        self.kafka.stop()

    def settings(self, directory: Path) -> Settings:
        return Settings(
            brokers=(self.kafka.plain,), refresh_seconds=0.3, session_timeout_seconds=6, request_timeout_seconds=5
        )

    def write(self, directory: Path, name: str, *messages: str) -> None:
        async def work() -> None:
            if name not in self.made:
                await self.admin(lambda admin: admin.create_topics([NewTopic(name, 1, 1)]))
                self.made.add(name)
            async with AIOKafkaProducer(bootstrap_servers=self.kafka.plain) as producer:
                for message in messages:
                    await producer.send(name, message.encode())

        at_once(work)

    def remove(self, directory: Path, name: str) -> None:
        at_once(lambda: self.admin(lambda admin: admin.delete_topics([name])))

    def hide(self, directory: Path) -> None:
        self.kafka.kill()

    def show(self, directory: Path) -> None:
        self.kafka.start()

    async def admin(self, work: Callable[[Any], Awaitable[object]]) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.kafka.plain)
        try:
            await admin.start()
            await work(admin)
        finally:
            await admin.close()
