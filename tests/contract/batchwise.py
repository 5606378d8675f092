"""The laws of shippers whose destination tells a batch that it has by the whole of it (`has_frozen_batches`).

Their output keeps each batch as it is until it is acknowledged, so the same batch is all that comes again. A test
class subclasses this beside `ShipperContract`, which holds them to all other laws.
"""

import asyncio
from typing import ClassVar

from collector.model import Batch
from collector.ports import ReadsBack

from .segments import batch, plain_segment
from .shippers import Destination, ShipperContract, deliver


class BatchLaws(ShipperContract):
    """What is sent again with the same borders is a duplicate as a whole."""

    deduplicates: ClassVar[bool] = False  # one document in another batch
    deduplicates_batches: ClassVar[bool] = True
    tells_duplicates: ClassVar[bool] = True
    """The answer to a batch that is there says so; else it counts as delivered again."""

    async def test_the_same_batch_again_is_a_duplicate_and_stands_there_once(self, destination: Destination) -> None:
        sent = _mixed()
        async with self.opened(destination) as shipper:
            first = await deliver(shipper, sent)
            again = await deliver(shipper, sent)
        assert (first.delivered, first.duplicate) == (150, 0)
        if self.tells_duplicates:
            assert (again.delivered, again.duplicate) == (0, 150)
        await self.assert_stored(destination, [sent])

    async def test_the_same_batch_after_a_restart_is_a_duplicate(self, destination: Destination) -> None:
        sent = _mixed()
        async with self.opened(destination) as shipper:
            await deliver(shipper, sent)
        async with self.opened(destination) as shipper:
            again = await deliver(shipper, sent)
        if self.tells_duplicates:
            assert (again.delivered, again.duplicate) == (0, 150)
        await self.assert_stored(destination, [sent])

    async def test_the_same_batch_at_the_same_time_stands_there_once(self, destination: Destination) -> None:
        sent = _mixed()
        async with self.opened(destination) as one, self.opened(destination) as other:
            receipts = await asyncio.gather(*(deliver(each, sent) for each in (one, other, one, other)))
        if self.tells_duplicates:
            assert sum(receipt.delivered for receipt in receipts) == 150
            assert sum(receipt.duplicate for receipt in receipts) == 450
        await self.assert_stored(destination, [sent])

    async def test_a_batch_that_was_cut_off_at_any_moment_and_comes_again_stands_there_once(
        self, destination: Destination
    ) -> None:
        sent = [batch(plain_segment(200, first=200 * n), plain_segment(20, "till", first=20 * n)) for n in range(12)]
        for number, each in enumerate(sent):
            shipper = destination.open()
            task = asyncio.create_task(shipper.ship(each))
            await asyncio.wait([task], timeout=number * 0.002)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await shipper.aclose()
        async with self.opened(destination) as shipper:
            for each in sent:
                await deliver(shipper, each)
        await self.assert_stored(destination, sent)

    async def test_batches_that_share_no_document_are_never_taken_for_each_other(
        self, destination: Destination
    ) -> None:
        sent = [batch(plain_segment(1, first=n)) for n in range(10)]
        async with self.opened(destination) as shipper:
            receipts = [await deliver(shipper, each) for each in (*sent, *reversed(sent))]
        if self.tells_duplicates:
            assert [receipt.delivered for receipt in receipts] == [1] * 10 + [0] * 10
        await self.assert_stored(destination, sent)


class ReadBackLaws(ShipperContract):
    """The destination can be asked for a document by its id (`collector.ports.ReadsBack`)."""

    async def test_documents_are_read_back_by_their_ids(self, destination: Destination) -> None:
        sent = batch(plain_segment(20), plain_segment(5, "till"))
        async with self.opened(destination) as shipper:
            assert isinstance(shipper, ReadsBack)
            await deliver(shipper, sent)
            assert await shipper.read_back(sent.segments[0]) == set(sent.segments[0].ids)
            assert await shipper.read_back(plain_segment(3, "elsewhere")) == set()


def _mixed() -> Batch:
    return batch(plain_segment(50), plain_segment(50, "till", day="2026-11-22"), plain_segment(50, first=50))
