"""The last records of a topic's partitions → ids of documents in them."""

import asyncio
import re
from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from collector.errors import Unavailable

_LOOK_BACK = 500  # records of each partition
_ID = re.compile(rb'\{"_id":("(?:[^"\\]|\\.)*"),')  # only that is read: applications write what is no JSON to many


async def ids_at_end(access: Mapping[str, Any], topic: str, wanted: Collection[str]) -> Collection[str]:
    """Those of the `wanted` ids that committed records near the ends of the partitions have.

    Raises:
        Unavailable: the topic cannot be read.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition
    from aiokafka.errors import KafkaError

    consumer = AIOKafkaConsumer(
        **access, isolation_level="read_committed", enable_auto_commit=False, auto_offset_reset="earliest"
    )
    found: set[str] = set()
    try:
        async with asyncio.timeout(access["request_timeout_ms"] / 1000):
            await consumer.start()
            await consumer._client.set_topics([topic])
            numbers = consumer.partitions_for_topic(topic) or ()
            ends = await consumer.end_offsets([TopicPartition(topic, number) for number in numbers])
            consumer.assign([one for one, end in ends.items() if end])
            for one in consumer.assignment():
                consumer.seek(one, max(0, ends[one] - _LOOK_BACK))
            while any([await consumer.position(one) < ends[one] for one in consumer.assignment()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        found |= ids_of(dict(record.headers), record.value) & set(wanted)
    except (KafkaError, OSError, TimeoutError) as error:
        raise Unavailable(
            f"the topic {topic} cannot be read ({type(error).__name__})", "allow this user to read it"
        ) from None
    finally:
        await consumer.stop()
    return found


def ids_of(headers: Mapping[str, bytes], value: bytes | None) -> set[str]:
    """The ids of the documents of a record."""
    if headers.get("pilotfish") != b"bundle":
        return {headers.get("id", b"").decode(errors="replace")}
    begins = filter(None, map(_ID.match, (value or b"").splitlines()))
    return {msgspec.json.decode(begin[1], type=str) for begin in begins}
