"""Kafka as a receiver: one broker that makes topics when they are first written to."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from tests.engines.kafka import Kafka
from tests.receivers import receiver

ID, FORM = "id", "pilotfish"


class Receiver(receiver.Receiver):
    """Documents are read back as a reader with `read_committed` sees them, from all topics."""

    server = f"Kafka {Kafka.version}"
    ways: ClassVar = {"bundles": {"record": "bundle"}, "in transactions": {"transactional": True}}

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(directory)
        self.kafka = Kafka(directory, {"auto.create.topics.enable": "true", **(settings or {})})

    def start(self) -> None:
        self.kafka.start()

    def kill(self) -> None:
        self.kafka.kill()

    def stop(self) -> None:
        self.kafka.stop()

    def options(self) -> Mapping[str, Any]:
        return {"type": "kafka", "brokers": [self.kafka.plain]}

    def stored(self) -> dict[str, list[bytes]]:
        return asyncio.run(stored(self.kafka.plain))

    @property
    def port(self) -> int:
        return self.kafka.port


async def stored(address: str, topics: str = "") -> dict[str, list[bytes]]:
    """Every committed document in topics that begin so, by its id."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=address, isolation_level="read_committed", enable_auto_commit=False,
        auto_offset_reset="earliest", check_crcs=False,
    )  # fmt: skip
    found: dict[str, list[bytes]] = {}
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        names = [one for one in cluster.topics(exclude_internal_topics=True) if one.startswith(topics)]
        partitions = [one for name in names for one in partitions_of(cluster, name)]
        if not partitions:
            return found
        ends = await consumer.end_offsets(partitions)  # of what is committed: the last stable offset
        consumer.assign([one for one in partitions if ends[one]])
        while any([await consumer.position(one) < end for one, end in ends.items() if end]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    for name, document in documents_of(dict(record.headers), record.value):
                        found.setdefault(name, []).append(document)
    finally:
        await consumer.stop()
    return found


def partitions_of(cluster: Any, topic: str) -> list[Any]:
    return [TopicPartition(topic, number) for number in cluster.partitions_for_topic(topic) or ()]


def documents_of(headers: Mapping[str, bytes], value: bytes) -> list[tuple[str, bytes]]:
    """The documents of one record with their ids."""
    if headers[FORM] != b"bundle":
        return [(headers[ID].decode(), value)]
    found = [line.removeprefix(b'{"_id":').partition(b",") for line in value.split(b"\n")[:-1]]
    return [(msgspec.json.decode(name, type=str), b"{" + rest) for name, _, rest in found]
