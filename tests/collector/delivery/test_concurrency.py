"""Laws of the limit: it grows where that makes things faster, and nowhere else; the gate keeps to it, in order."""

import asyncio
import heapq
import random
from collections.abc import Callable

import pytest

from collector.delivery.concurrency import AdaptiveLimit, Concurrency
from tests.collector.waiting import until

Link = Callable[[int, random.Random], float | None]
"""Requests under way → seconds until the answer; None if it refuses for load."""


def limits(
    link: Link, *, most: int = 8, begin: float = 0.0, seconds: float = 200.0, limit: AdaptiveLimit | None = None
) -> list[int]:
    """The limit after each answer, with a sender that always has more to send than it may."""
    chance = random.Random(4711)
    limit = limit or AdaptiveLimit(most)
    now = begin
    under_way: list[tuple[float, float, bool]] = []  # when it ends, how long it took, whether it was refused
    found = []
    while now < begin + seconds:
        while len(under_way) < limit.limit:
            takes = link(len(under_way) + 1, chance)
            lasts = 0.2 if takes is None else takes
            heapq.heappush(under_way, (now + lasts, lasts, takes is None))
        now, lasts, is_overloaded = heapq.heappop(under_way)
        limit.answered(now, lasts, is_overloaded=is_overloaded, was_reached=True)
        found.append(limit.limit)
    return found


def settled(found: list[int]) -> float:
    """The mean of the second half."""
    half = found[len(found) // 2 :]
    return sum(half) / len(half)


def test_it_begins_with_two_or_with_all_there_may_be() -> None:
    assert [AdaptiveLimit(most).limit for most in (1, 2, 8)] == [1, 2, 2]


def test_a_link_that_does_not_slow_down_gets_all_there_may_be() -> None:
    found = limits(lambda under_way, chance: 0.3)
    assert found == sorted(found)
    assert found[-1] == 8


@pytest.mark.parametrize("jitter", [0.1, 0.3, 0.6])
def test_a_link_that_varies_gets_more_than_at_first(jitter: float) -> None:
    assert settled(limits(lambda under_way, chance: 0.3 * chance.uniform(1 - jitter, 1 + jitter))) > 4


def test_a_link_that_only_queues_what_is_more_keeps_the_first_limit() -> None:
    found = limits(lambda under_way, chance: 0.1 * under_way * chance.uniform(0.9, 1.1))
    assert settled(found) < 3
    assert max(found) <= 3


@pytest.mark.parametrize("bears", [1, 3, 5])
def test_a_link_that_refuses_above_a_number_gets_about_that_number(bears: int) -> None:
    found = limits(lambda under_way, chance: 0.3 if under_way <= bears else None)
    assert bears - 1 <= settled(found) <= bears + 1


def test_a_link_that_becomes_much_slower_gets_less() -> None:
    limit = AdaptiveLimit(8)
    assert limits(lambda under_way, chance: 0.3, limit=limit)[-1] == 8
    found = limits(lambda under_way, chance: 0.3 if under_way <= 4 else 0.3 * under_way, limit=limit, begin=300.0)
    assert settled(found) < 7


def test_an_outage_leaves_one_and_what_is_back_gets_more_again() -> None:
    limit = AdaptiveLimit(8)
    assert limits(lambda under_way, chance: None, limit=limit)[-1] == 1
    assert limits(lambda under_way, chance: 0.3, limit=limit, begin=300.0)[-1] == 8


def test_what_nobody_waits_for_does_not_grow() -> None:
    limit = AdaptiveLimit(8)
    for second in range(1000):
        limit.answered(float(second), 0.3, is_overloaded=False, was_reached=False)
    assert limit.limit == 2


# ------------------------------------------------------------------ the gate


async def test_no_more_are_inside_than_the_limit_and_the_others_come_in_order() -> None:
    gate = Concurrency(2)
    inside: list[int] = []
    left: list[int] = []
    go = asyncio.Event()

    async def pass_through(number: int) -> None:
        await gate.enter()
        inside.append(number)
        assert len(inside) - len(left) <= 2
        await go.wait()
        left.append(number)
        gate.leave()

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        for number in range(10):
            tasks.create_task(pass_through(number))
        await until(lambda: inside == [0, 1])
        go.set()
    assert inside == list(range(10))


@pytest.mark.parametrize("admitted", [False, True])
async def test_one_who_is_cancelled_leaves_the_turn_to_the_next(admitted: bool) -> None:
    gate = Concurrency(1)
    await gate.enter()
    cancelled, next_one = (asyncio.ensure_future(gate.enter()) for _ in range(2))
    await asyncio.sleep(0)
    if admitted:
        gate.leave()
    cancelled.cancel()
    await asyncio.gather(cancelled, return_exceptions=True)
    if not admitted:
        gate.leave()
    async with asyncio.timeout(10):
        await next_one


async def test_each_limit_is_told_and_a_larger_one_lets_the_next_in() -> None:
    told: list[int] = []
    gate = Concurrency(4, changed=told.append)
    for _ in range(4):
        await gate.enter()
        gate.learn(0.3, is_overloaded=True)
        gate.leave()
    assert told == [2, 1]
