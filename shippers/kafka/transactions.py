"""One batch → one transaction: a reader of committed records sees each document once.

What was committed is known by the whole of a segment, so a batch has to be sent again with the borders that it had:
`has_frozen_batches`. Before a transaction its segments are noted on disk; with its records the position is committed,
which is the transaction's number as the offset of a consumer group named like the producer. After a crash, or an
answer that was lost, the next producer under that name has Kafka end what was open, and the offset tells whether it
was committed. The producer's name is kept beside the notes: a zombie with it is fenced.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Any

import structlog

from collector.errors import Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.kafka import Access
from collector.ports import OutputContext

from .journal import Intent, Journal
from .producer import Producer
from .records import TOO_LARGE, Packing
from .settings import Options
from .shipper import KafkaShipper, Sorted, outcome_of

log = structlog.get_logger(__name__)

_ROUNDS = 3  # as it is; each record alone; without those that are too large
_LOOK_AGAIN_SECONDS = 1.0  # brokers before 4.0 may tell a committed offset a moment later


class TransactionalShipper(KafkaShipper):
    """A shipper whose producer has one transaction at a time."""

    def __init__(self, settings: Options, access: Access, context: OutputContext) -> None:
        super().__init__(settings, access)
        self._output = context.output
        self._is_closed = False
        self._journal = Journal(context.directory)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka-journal")  # one, so that closing comes last

    async def ship(self, batch: Batch) -> Receipt:
        """Send what was not committed before, and commit it.

        Raises:
            Unavailable: nobody knows whether it was committed: that is asked before anything else is sent.
        """
        if not batch.count:
            return Receipt()
        async with self._turn:
            await self._noted(self._journal.open)
            producer = await self.ready()
            if self._journal.doubt is not None:
                await self._learn(self._journal.doubt, producer)
            known = self._known(batch)
            found = await self.sort(Batch(tuple(known.new.values())), producer)
            refused = await self._transact(found)
            return known.receipt(found, refused)

    async def aclose(self) -> None:
        """End the producer and close the notes."""
        await super().aclose()
        if not self._is_closed:
            self._is_closed = True
            await asyncio.get_running_loop().run_in_executor(self._thread, self._journal.close)
            self._thread.shutdown(wait=False)

    def options(self) -> dict[str, Any]:
        """Of the producer, besides how it gets in."""
        transaction_ms = min(int(self.settings.request_timeout_seconds * 2000), 900_000)
        return {
            **super().options(),
            "transactional_id": self._name,
            "transaction_timeout_ms": transaction_ms,
        }

    @property
    def _name(self) -> str:
        return f"pilotfish-{self._output}-{self._journal.name}"

    async def probe(self) -> str:
        """That the brokers let us in; without the producer's name, which would fence the agent that runs."""
        return await KafkaShipper(self.settings, self._access).probe()

    def _known(self, batch: Batch) -> "Known":
        known = Known()
        for segment in batch.segments:
            token = token_of(segment)
            refused = self._journal.refused_of(token)
            if refused is not None or token in known.new:
                known.duplicate += segment.count - len(refused or ())
                known.rejected += refusals(segment, refused or (), self.refusal())
            elif segment.count:
                known.new[token] = segment
        return known

    async def _transact(self, found: Sorted) -> list[Rejected]:
        """Commit all segments that have a topic; which documents were left out as too large."""
        refused: list[Rejected] = []
        for number in range(_ROUNDS):
            if not found.segments:
                return refused
            producer = await self.ready()
            packing = self.packing(_without(found, refused), producer, is_single=number > 0)
            left_out = [*refused, *packing.rejected]
            too_large = await self._try(found, packing, left_out, producer)
            if not too_large:
                return left_out
            refused += [each for each in too_large if number > 0]
        raise Unavailable(self.refusal(), "set max_record_bytes to max.message.bytes of the topic")

    async def _try(
        self, found: Sorted, packing: Packing, refused: Sequence[Rejected], producer: Producer
    ) -> list[Rejected]:
        """One transaction; what the brokers find too large in it, and then it was not committed."""
        from aiokafka.errors import KafkaError

        intent = await self._intend(found, refused)
        try:
            async with asyncio.timeout(self.settings.request_timeout_seconds):
                await producer.kafka.begin_transaction()
                futures = [await producer.send(one) for one in packing.sealed]
                if futures:
                    await asyncio.wait(futures)
                outcome = outcome_of(packing.sealed, futures)
                if outcome.is_good:
                    await self._commit(intent, producer)
        except (KafkaError, TimeoutError, AssertionError) as error:
            await producer.aclose()
            raise producer.unavailable(error) from None
        except asyncio.CancelledError:
            await producer.aclose()
            raise
        if outcome.is_good:
            await self._noted(lambda: self._journal.settle(is_committed=True))
            return []
        await producer.aclose()  # its transaction is aborted by the next one
        if not outcome.too_large:
            if outcome.fault is None:
                raise Unavailable("Kafka does not allow to write into a topic", "grant it in the ACLs of the cluster")
            raise producer.unavailable(outcome.fault)
        await self._noted(lambda: self._journal.settle(is_committed=False))
        return [each for one in outcome.too_large for each in one.rejected(self.refusal())]

    async def _intend(self, found: Sorted, refused: Sequence[Rejected]) -> Intent:
        """Note what is about to be committed."""
        names = {each.segment.ids[each.index] for each in refused}
        segments = {token_of(segment): segment for segment, _, _ in found.segments}
        left_out = {
            token: kept for token, one in segments.items() if (kept := [each for each in one.ids if each in names])
        }
        topic = found.segments[0][1]
        intent: Intent = await self._noted(lambda: self._journal.intend(topic, [*segments], left_out))
        return intent

    async def _commit(self, intent: Intent, producer: Producer) -> None:
        from aiokafka import TopicPartition
        from aiokafka.structs import OffsetAndMetadata

        position = OffsetAndMetadata(intent.number, _digest(intent.segments))
        await producer.kafka.send_offsets_to_transaction({TopicPartition(intent.topic, 0): position}, self._name)
        await producer.kafka.commit_transaction()

    async def _learn(self, doubt: Intent, producer: Producer) -> None:
        """Ask whether the last transaction was committed; its producer has begun anew, so it has ended."""
        for _ in range(2):
            if await self._is_committed(doubt, producer):
                break
            await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        else:
            await self._noted(lambda: self._journal.settle(is_committed=False))
            return
        log.info("transaction found committed", output=self._output, segments=len(doubt.segments))
        await self._noted(lambda: self._journal.settle(is_committed=True))

    async def _is_committed(self, doubt: Intent, producer: Producer) -> bool:
        from aiokafka import TopicPartition
        from aiokafka.admin import AIOKafkaAdminClient
        from aiokafka.errors import KafkaError

        admin = AIOKafkaAdminClient(**self._access())
        place = TopicPartition(doubt.topic, 0)
        try:
            async with asyncio.timeout(self.settings.request_timeout_seconds):
                await admin.start()
                found = (await admin.list_consumer_group_offsets(self._name, partitions=[place])).get(place)
        except (KafkaError, OSError, TimeoutError) as error:
            raise producer.unavailable(error) from None
        finally:
            await admin.close()
        return found is not None and (found.offset, found.metadata) == (doubt.number, _digest(doubt.segments))

    async def _noted(self, write: Any) -> Any:
        """Write into the journal, in a thread.

        Raises:
            Unavailable: it cannot be written.
        """
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, write)
        except BlockingIOError:
            self._journal.close()
            raise Unavailable(
                "another process commits transactions under the name of this output",
                "stop the agent before you test the output",
            ) from None
        except OSError as error:
            self._journal.close()
            raise Unavailable(
                f"the notes on transactions cannot be written ({error.strerror or error})",
                "check the free space and the permissions of state_dir",
            ) from None


class Known:
    """What is known of a batch: the segments by token that are `new`, and what became of the others."""

    def __init__(self) -> None:
        self.new: dict[str, Segment] = {}
        self.duplicate = 0
        self.rejected: list[Rejected] = []

    def receipt(self, found: Sorted, refused: Sequence[Rejected]) -> Receipt:
        """What became of all of it, once what has a topic was committed."""
        return Receipt(
            delivered=sum(segment.count for segment, _, _ in found.segments) - len(refused),
            duplicate=self.duplicate,
            rejected=(*found.rejected, *self.rejected, *refused),
            retry=Batch(tuple(found.waiting)),
            waits=dict(found.waits),
        )


def token_of(segment: Segment) -> str:
    """What stands for a segment as a whole: its ids and the length of its documents."""
    return blake2b(f"{segment.size} {' '.join(segment.ids)}".encode(errors="replace"), digest_size=12).hexdigest()


def refusals(segment: Segment, names: Sequence[str], reason: str) -> list[Rejected]:
    """The documents of a segment with these ids, as rejected."""
    places = {name: index for index, name in enumerate(segment.ids)}
    return [Rejected(segment, places[name], TOO_LARGE, reason) for name in names if name in places]


def _without(found: Sorted, refused: Sequence[Rejected]) -> Sorted:
    """Without the documents that the brokers find too large."""
    if not refused:
        return found
    names = {each.segment.ids[each.index] for each in refused}
    kept = [
        (segment.part([index for index, name in enumerate(segment.ids) if name not in names]), topic, partitions)
        for segment, topic, partitions in found.segments
    ]
    return found._replace(segments=kept)


def _digest(segments: Sequence[str]) -> str:
    return blake2b(" ".join(segments).encode(), digest_size=12).hexdigest()
