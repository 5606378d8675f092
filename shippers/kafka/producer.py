"""One life of a producer: from its start to the first error, after which its numbers have a gap, or nobody knows.

Idempotent: what it sends again by itself stands there once and in order, as long as it lives. Whatever goes wrong for
good ends it, and the next one begins with numbers of its own.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from collector.errors import Unavailable
from collector.net.kafka import knock, quiet, unavailable

from .records import Sealed

_END_SECONDS = 2.0
_LOOK_SECONDS = 0.1
_LOOKS = 4  # at a topic that is not there yet: the broker may be making it


class Producer:
    """Sends batches of records. `brokers` and `who` are for errors."""

    def __init__(self, access: Mapping[str, Any], brokers: str, who: str, **options: Any) -> None:
        from aiokafka import AIOKafkaProducer

        quiet()
        self._access = access
        self._brokers, self._who = brokers, who
        self._known: set[str] = set()
        self._missing: set[str] = set()
        self._pending: set[asyncio.Future[Any]] = set()
        self.is_over = False
        self.kafka: Any = AIOKafkaProducer(**access, acks="all", enable_idempotence=True, **options)

    async def start(self) -> None:
        """Connect.

        Raises:
            Unavailable: no broker lets us in.
        """
        from aiokafka.errors import KafkaError

        seconds = self._access["request_timeout_ms"] / 1000
        try:
            await knock(self._access, self._who)
            async with asyncio.timeout(seconds):
                await self.kafka.start()
        except (KafkaError, OSError, TimeoutError) as error:
            raise self.unavailable(error) from None

    def unavailable(self, error: BaseException) -> Unavailable:
        """What an error means to an operator."""
        return unavailable(error, self._brokers, self._who)

    async def partitions(self, topic: str) -> Sequence[int]:
        """The partitions of a topic; none if it is not there.

        Raises:
            Unavailable: no broker says.
        """
        client = self.kafka.client
        for look in range(1 if topic in self._missing else _LOOKS):
            if look:
                await asyncio.sleep(_LOOK_SECONDS)
            if not client.cluster.partitions_for_topic(topic):
                client.set_topics({*self._known, topic})
                if not await self._update():
                    raise Unavailable(f"no broker of {self._brokers} answers", "check that they run")
            if found := client.cluster.partitions_for_topic(topic):
                self._known.add(topic)  # else nobody asks again who its leaders are
                self._missing.discard(topic)
                client.set_topics(self._known)
                return sorted(found)
        client.set_topics(self._known)
        self._missing.add(topic)
        return ()

    def is_denied(self, topic: str) -> bool:
        """Whether the brokers do not say what a topic is to who asks."""
        return topic in self.kafka.client.cluster.unauthorized_topics

    async def _update(self) -> bool:
        """Ask what topics there are; whether a broker has answered."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._access["request_timeout_ms"] / 1000):
                return bool(await self.kafka.client.force_metadata_update())
        return False

    async def send(self, batch: Sealed) -> asyncio.Future[Any]:
        """Put a batch into the queue of its partition; the future ends with the broker's answer."""
        found: asyncio.Future[Any] = await self.kafka.send_batch(batch.builder, batch.topic, partition=batch.partition)
        self._pending.add(found)
        found.add_done_callback(self._pending.discard)
        return found

    async def aclose(self) -> None:
        """End it, whatever is still under way; may be called twice."""
        self.is_over = True
        for one in list(self._pending):
            one.cancel()
        await self._end_sender()
        with suppress(TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                await self.kafka.stop()

    async def _end_sender(self) -> None:
        """End its task, which tries for ever while no broker answers, and the batches that wait: `stop` would wait."""
        task = self.kafka._sender.sender_task
        while task is not None and not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.2)
        if task is not None and not task.cancelled():
            task.exception()
        waiting = self.kafka._message_accumulator
        for queue in waiting._batches.values():
            waiting._pending_batches.update(queue)  # each takes itself out when it ends
        for batch in list(waiting._pending_batches):
            batch.future.cancel()
