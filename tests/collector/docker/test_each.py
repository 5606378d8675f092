"""Many are asked about, a few at once."""

import asyncio

import pytest

from collector.docker.each import of_each
from collector.docker.engine import EngineUnavailable


async def test_answers_are_in_the_order_of_what_was_asked_however_late_each_comes() -> None:
    gates = [asyncio.Event() for _ in range(5)]

    async def ask(number: int) -> int:
        if number < 4:
            await gates[number + 1].wait()  # each waits for the next
        gates[number].set()
        return number * 10

    assert await of_each(range(5), ask) == [0, 10, 20, 30, 40]


@pytest.mark.parametrize("at_once", [1, 8])
async def test_no_more_are_asked_at_once_than_may_be(at_once: int) -> None:
    under_way: set[int] = set()
    seen = []

    async def ask(number: int) -> None:
        under_way.add(number)
        await asyncio.sleep(0)
        seen.append(len(under_way))
        under_way.remove(number)

    assert await of_each(range(50), ask, at_once=at_once) == [None] * 50
    assert max(seen) == at_once


async def test_an_error_ends_the_others_and_nothing_goes_on_behind_it() -> None:
    ended = []

    async def ask(number: int) -> None:
        if number == 1:
            raise EngineUnavailable("away")
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(number)

    with pytest.raises(ExceptionGroup, match="unhandled errors"):
        await of_each(range(3), ask)
    assert sorted(ended) == [0, 2]  # in any order: a group keeps its tasks in a set


async def test_of_none_there_is_no_answer() -> None:
    assert await of_each([], asyncio.sleep) == []
