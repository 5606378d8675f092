"""Laws of the queue: batches are due when full or old, the bytes on their way are bounded, and readers take turns."""

import asyncio

import pytest

from collector.delivery.batches import Batches
from collector.model import Batch, Segment
from tests.collector.waiting import until
from tests.contract.segments import plain_segment

LONG = 3600.0
SIZE = plain_segment(10).size


def queue(*, batches: float = 1.0, linger: float = LONG, bound: float = 100.0) -> Batches:
    """A queue whose sizes are told in segments of `SIZE` bytes."""
    return Batches(batch_bytes=int(batches * SIZE), linger_seconds=linger, bound_bytes=int(bound * SIZE))


def one(number: int = 0) -> Segment:
    return plain_segment(10, first=number % 100)


ONE = one()


async def taken(found: Batches) -> Batch | None:
    async with asyncio.timeout(10):
        return await found.take()


async def test_a_full_batch_is_due_at_once() -> None:
    found = queue(batches=2)
    segments = [one(), one()]
    for segment in segments:
        await found.put(segment)
    assert await taken(found) == Batch(tuple(segments))


async def test_a_batch_that_is_not_full_waits_for_its_linger() -> None:
    found = queue(batches=2, linger=0.05)
    began = asyncio.get_running_loop().time()
    await found.put(ONE)
    assert await taken(found) == Batch((ONE,))
    assert asyncio.get_running_loop().time() - began >= 0.045


async def test_one_who_waits_gets_the_batch_that_becomes_full() -> None:
    found = queue()
    waiting = asyncio.ensure_future(taken(found))
    await asyncio.sleep(0)
    await found.put(ONE)
    assert await waiting == Batch((ONE,))


async def test_a_batch_is_not_larger_than_asked_for() -> None:
    found = queue(batches=2.5)
    for _ in range(5):
        await found.put(one())
    found.close()
    assert [batch.count for batch in [await taken(found) for _ in range(3)] if batch] == [20, 20, 10]


async def test_a_segment_over_the_size_of_a_batch_goes_alone() -> None:
    found = queue(batches=0.5)
    await found.put(ONE)
    await found.put(ONE)
    assert await taken(found) == Batch((ONE,))


async def test_a_closed_queue_gives_what_it_has_and_then_none() -> None:
    found = queue(batches=10)
    await found.put(ONE)
    found.close()
    assert await taken(found) == Batch((ONE,))
    assert [await taken(found), await taken(found)] == [None, None]


async def test_closing_wakes_everyone_who_waits() -> None:
    found = queue()
    waiting = [asyncio.ensure_future(taken(found)) for _ in range(3)]
    await asyncio.sleep(0)
    found.close()
    assert await asyncio.gather(*waiting) == [None, None, None]


async def test_putting_waits_for_room_until_a_segment_is_settled() -> None:
    found = queue(bound=2)
    await found.put(one())
    await found.put(one())
    third = asyncio.ensure_future(found.put(one()))
    await taken(found)
    assert not third.done()  # what is under way counts
    found.release(SIZE)
    await third


async def test_a_larger_bound_lets_in_who_waits_and_a_smaller_one_throws_nothing_out() -> None:
    found = queue(bound=1)
    await found.put(one())
    waiting = [asyncio.ensure_future(found.put(one())) for _ in range(3)]
    await asyncio.sleep(0)
    found.resize(3 * SIZE)
    await asyncio.gather(*waiting[:2])
    assert not waiting[2].done()
    found.resize(SIZE)
    for _ in range(2):
        found.release(SIZE)
    await asyncio.sleep(0)
    assert not waiting[2].done()
    found.release(SIZE)
    await waiting[2]


async def test_a_segment_over_the_bound_waits_until_it_is_alone() -> None:
    found = queue(bound=0.5)
    await found.put(one())
    second = asyncio.ensure_future(found.put(one()))
    await asyncio.sleep(0)
    assert not second.done()
    found.release(SIZE)
    await second


async def test_a_quiet_reader_is_not_overtaken_by_loud_ones() -> None:
    found = queue(bound=1)
    order: list[str] = []

    async def read(name: str, times: int) -> None:
        for _ in range(times):
            await found.put(one())
            order.append(name)

    await found.put(one())
    async with asyncio.TaskGroup() as readers:
        readers.create_task(read("loud", 5))
        await asyncio.sleep(0)
        readers.create_task(read("quiet", 1))
        await asyncio.sleep(0)
        for number in range(6):
            found.release(SIZE)
            await until(lambda number=number: len(order) == number + 1)  # type: ignore[misc]
    assert order.index("quiet") == 1


@pytest.mark.parametrize("granted", [False, True])
async def test_a_reader_that_is_cancelled_leaves_its_room_to_the_next(granted: bool) -> None:
    found = queue(bound=1)
    await found.put(one())
    cancelled, next_one = (asyncio.ensure_future(found.put(one())) for _ in range(2))
    await asyncio.sleep(0)
    if granted:
        found.release(SIZE)
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    if not granted:
        found.release(SIZE)
    async with asyncio.timeout(10):
        await next_one


async def test_nothing_is_lost_between_many_readers_and_takers() -> None:
    found = queue(batches=3, linger=0.0, bound=7)
    sent = [[one(10 * reader + n) for n in range(25)] for reader in range(8)]
    got: list[Segment] = []

    async def read(segments: list[Segment]) -> None:
        for segment in segments:
            await found.put(segment)

    async def take() -> None:
        while (batch := await found.take()) is not None:
            got.extend(batch.segments)
            await asyncio.sleep(0)
            for segment in batch.segments:
                found.release(segment.size)

    async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(take())
        async with asyncio.TaskGroup() as readers:
            for segments in sent:
                readers.create_task(read(segments))
        found.close()
    assert sorted(map(id, got)) == sorted(id(segment) for segments in sent for segment in segments)
    for segments in sent:  # each reader's own are in order
        places = [next(n for n, it in enumerate(got) if it is segment) for segment in segments]
        assert places == sorted(places)


# ------------------------------------------------------------------ rounds


async def test_what_is_gathered_leaves_together_behind_the_round() -> None:
    found = queue(batches=10, linger=0.01)
    waiting = asyncio.ensure_future(taken(found))
    with found.gathering(1.0):
        await found.put(ONE)
        await asyncio.sleep(0.05)
        await found.put(ONE)
        assert not waiting.done()
    assert await waiting == Batch((ONE, ONE))


async def test_a_full_batch_leaves_while_more_is_gathered() -> None:
    found = queue(batches=2)
    with found.gathering(1.0):
        for _ in range(3):
            await found.put(ONE)
        assert await taken(found) == Batch((ONE, ONE))
        assert found._wait_seconds() is None


@pytest.mark.parametrize(("waited", "next_seconds", "is_due"), [(9.5, 1.0, True), (8.5, 1.0, False), (0.0, 0.1, False)])
async def test_behind_a_round_leaves_what_would_be_overdue_in_the_next(
    waited: float, next_seconds: float, is_due: bool
) -> None:
    found = queue(batches=10, linger=10.0)
    now = asyncio.get_running_loop().time()
    with found.gathering(next_seconds):
        await found.put(one(), now)
        await found.put(one(), now - waited)
    assert (found._wait_seconds() == 0.0) == is_due


async def test_a_segment_has_waited_since_it_may_have_been_written() -> None:
    found = queue(batches=10, linger=10.0)
    now = asyncio.get_running_loop().time()
    await found.put(ONE, now)
    await found.put(ONE, now - 10.0)
    assert await taken(found) == Batch((ONE, ONE))
    await found.put(ONE, now)
    assert (found._wait_seconds() or 0) > 5
