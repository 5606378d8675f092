"""The broker is real, keeps what it has over a kill, and lets in only who has the password."""

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaConnectionError

from tests.engines.kafka import PASSWORD, Kafka
from tests.receivers.kafka import stored

FORMED = [("pilotfish", b"pilotfish"), ("id", b"1")]


@pytest.mark.engines
async def test_a_record_survives_a_kill() -> None:
    kafka = Kafka(settings={"auto.create.topics.enable": "true"}).start()
    try:
        async with AIOKafkaProducer(bootstrap_servers=kafka.plain, enable_idempotence=True) as producer:
            await producer.send_and_wait("shop", b"{}", headers=FORMED)
        kafka.kill()
        kafka.start()
        assert await stored(kafka.plain) == {"1": [b"{}"]}
    finally:
        kafka.stop()


@pytest.mark.engines
async def test_a_wrong_password_is_refused() -> None:
    kafka = Kafka().start()
    try:
        for mechanism in ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            await connect(AIOKafkaProducer(**kafka.access(mechanism, PASSWORD)))
            with pytest.raises(KafkaConnectionError):
                await connect(AIOKafkaProducer(**kafka.access(mechanism, "wrong")))
    finally:
        kafka.stop()


async def connect(producer: AIOKafkaProducer) -> None:
    try:
        await producer.start()
    finally:
        await producer.stop()
