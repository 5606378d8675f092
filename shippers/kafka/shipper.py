"""One batch → records → the brokers' answers → a receipt."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from collector.errors import Unavailable
from collector.model import Batch, Receipt, Rejected, Segment
from collector.net.kafka import Access, knock, quiet

from .producer import Producer
from .records import Packing, Sealed
from .settings import Options

_NOT_ALLOWED = "topic_not_allowed"
_UNSAID = Unavailable("the brokers did not answer in time", "check that the partitions of the topics have leaders")


class Sorted(NamedTuple):
    """The segments of a batch with topic and partitions; those that wait for their topic; and what is refused."""

    segments: Sequence[tuple[Segment, str, Sequence[int]]]
    waiting: Sequence[Segment] = ()
    waits: Mapping[str, str] = {}
    rejected: Sequence[Rejected] = ()


class Outcome(NamedTuple):
    """What became of batches of records: how many documents were taken, which are refused, and which are to be sent.

    `unknown` were perhaps taken, for the reason `fault`; `denied` were not, for nobody may write into their topics.
    """

    delivered: int
    too_large: Sequence[Sealed]
    denied: Sequence[Sealed]
    unknown: Sequence[Sealed]
    fault: BaseException | None

    @property
    def is_good(self) -> bool:
        """Whether all was taken."""
        return not (self.too_large or self.denied or self.unknown)


class KafkaShipper:
    """A shipper (`collector.ports.Shipper`) with one producer at a time."""

    def __init__(self, settings: Options, access: Access) -> None:
        self.settings = settings
        self._access = access
        self._how = settings.how()
        self._producer: Producer | None = None
        self._turn = asyncio.Lock()  # records of one container stand there in the order of its lines
        self._number = 0
        quiet()

    async def ship(self, batch: Batch) -> Receipt:
        """Send it, and wait until the brokers have answered for each record.

        Raises:
            Unavailable: nothing was taken, as far as is known.
        """
        if not batch.count:
            return Receipt()
        async with self._turn:
            producer = await self.ready()
            found = await self.sort(batch, producer)
            packing = self.packing(found, producer)
            sealed = packing.sealed
            futures = await self._enqueue(sealed, producer)
        outcome = await self._outcome(sealed, futures, producer)
        rejected = [*found.rejected, *packing.rejected]
        if single := [one for one in outcome.too_large if one.count > 1]:
            outcome = await self._one_by_one(single, outcome)
        rejected += [each for one in outcome.too_large if one.count == 1 for each in one.rejected(self.refusal())]
        return _receipt(found, outcome, rejected, producer)

    async def probe(self) -> str:
        """That the brokers let us in, and how many there are.

        Raises:
            Unavailable: they do not.
        """
        producer = self._new_producer()
        try:
            await producer.start()
            brokers = producer.kafka.client.cluster.brokers()
            return f"Kafka cluster with {len(brokers)} broker{'' if len(brokers) == 1 else 's'}"
        finally:
            await producer.aclose()

    async def read_back(self, segment: Segment) -> Collection[str]:
        """Those of the segment's ids that stand at the ends of its topic's partitions.

        Raises:
            Unavailable: the topic cannot be read.
        """
        from .reading import ids_at_end

        access = self._access()
        await knock(access, self.settings.who)
        topic = self.settings.topic_of(segment.stream.target, segment.day)
        return await ids_at_end(access, topic, set(segment.ids))

    async def aclose(self) -> None:
        """End the producer; may be called twice. What is under way is left: nobody waits for it any more."""
        producer, self._producer = self._producer, None
        if producer is not None:
            await producer.aclose()

    # ------------------------------------------------------------------ parts of it, for transactions, too

    async def ready(self) -> Producer:
        """The producer, a new one if there is none.

        Raises:
            Unavailable: no broker lets us in.
        """
        if self._producer is None or self._producer.is_over:
            producer = self._new_producer()
            try:
                await producer.start()
            except BaseException:
                await producer.aclose()
                raise
            self._producer = producer
        return self._producer

    def options(self) -> dict[str, Any]:
        """Of the producer, besides how it gets in."""
        compression = None if self.settings.compression == "none" else self.settings.compression
        return {"max_batch_size": self._how.batch_bytes, "compression_type": compression}

    def _new_producer(self) -> Producer:
        settings = self.settings
        return Producer(self._access(), ", ".join(settings.brokers), settings.who, **self.options())

    async def sort(self, batch: Batch, producer: Producer) -> Sorted:
        """Find the topic of each segment."""
        segments, waiting, waits, rejected = [], [], {}, []
        known: dict[str, Sequence[int]] = {}
        for segment in batch.segments:
            topic = self.settings.topic_of(segment.stream.target, segment.day)
            if not topic:
                reason = "its topic is none of those in topics"
                rejected += [
                    Rejected(segment, index, _NOT_ALLOWED, reason, is_final=True) for index in range(segment.count)
                ]
                continue
            if topic not in known:
                known[topic] = await producer.partitions(topic)
            if known[topic]:
                segments.append((segment, topic, known[topic]))
            else:
                waiting.append(segment)
                fault = (
                    f"Kafka does not allow {self.settings.who} to see the topic {topic}: grant it in the ACLs"
                    if producer.is_denied(topic)
                    else f"the topic {topic} does not exist: create it, or correct the target"
                )
                waits[segment.stream.target] = fault
        return Sorted(segments, waiting, waits, rejected)

    def packing(self, found: Sorted, producer: Producer, *, is_single: bool = False) -> Packing:
        """Make the records."""
        self._number += 1
        packing = Packing(self._how, producer.kafka.create_batch, is_single=is_single, turn=self._number)
        for segment, topic, partitions in found.segments:
            packing.add(segment, topic, partitions)
        return packing

    def refusal(self) -> str:
        """Why a record is refused that is not too large for us."""
        return "the brokers refuse a record of this size: max.message.bytes of the topic"

    async def _enqueue(self, sealed: Sequence[Sealed], producer: Producer) -> list[asyncio.Future[Any]]:
        from aiokafka.errors import KafkaError

        found: list[asyncio.Future[Any]] = []
        try:
            for one in sealed:
                found.append(await producer.send(one))  # noqa: PERF401 - those before an error are kept
        except (KafkaError, TimeoutError) as error:
            failed = asyncio.get_running_loop().create_future()
            failed.set_exception(error)
            found.append(failed)
        return found

    async def _outcome(
        self, sealed: Sequence[Sealed], futures: Sequence[asyncio.Future[Any]], producer: Producer
    ) -> Outcome:
        """Wait for the answers; without one for each, or with an error, the producer's life is over."""
        if futures:
            await asyncio.wait(futures, timeout=self.settings.request_timeout_seconds)
        outcome = outcome_of(sealed, futures)
        if not outcome.is_good:
            await producer.aclose()
        return outcome

    async def _one_by_one(self, sealed: Sequence[Sealed], before: Outcome) -> Outcome:
        """Send each record of these alone: one of them is too large, or all are together."""
        part = Batch(tuple(segment for one in sealed for segment in one.batch().segments))
        try:
            async with self._turn:
                producer = await self.ready()
                packing = self.packing(await self.sort(part, producer), producer, is_single=True)
                futures = await self._enqueue(packing.sealed, producer)
            after = await self._outcome(packing.sealed, futures, producer)
        except Unavailable as error:
            after = Outcome(0, (), (), sealed, error)
        return Outcome(
            before.delivered + after.delivered,
            [*(one for one in before.too_large if one.count == 1), *after.too_large],
            [*before.denied, *after.denied],
            [*before.unknown, *after.unknown],
            after.fault or before.fault,
        )


def outcome_of(sealed: Sequence[Sealed], futures: Sequence[asyncio.Future[Any]]) -> Outcome:
    """What the answers say; where one is missing, nobody knows."""
    from aiokafka import errors

    too_large, denied, unknown = [], [], []
    delivered, fault = 0, None
    for number, one in enumerate(sealed):
        future = futures[number] if number < len(futures) else None
        if future is None or not future.done() or future.cancelled():
            unknown.append(one)
        elif (error := future.exception()) is None:
            delivered += one.count
        elif isinstance(error, errors.MessageSizeTooLargeError | errors.RecordListTooLargeError):
            too_large.append(one)
        elif isinstance(error, errors.TopicAuthorizationFailedError):
            denied.append(one)
        else:
            unknown.append(one)
            fault = error
    return Outcome(delivered, too_large, denied, unknown, fault)


def _receipt(found: Sorted, outcome: Outcome, rejected: Sequence[Rejected], producer: Producer) -> Receipt:
    denied = [segment for one in outcome.denied for segment in one.batch().segments]
    unknown = [segment for one in outcome.unknown for segment in one.batch().segments]
    if unknown and not (outcome.delivered or rejected or denied or found.waiting):
        raise producer.unavailable(outcome.fault) if outcome.fault else _UNSAID
    waits = {one.stream.target: "its topic may not be written: allow it in the ACLs" for one in denied}
    return Receipt(
        delivered=outcome.delivered,
        rejected=tuple(rejected),
        retry=Batch((*found.waiting, *denied, *unknown)),
        waits={**found.waits, **waits},
    )
