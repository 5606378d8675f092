"""Laws of the gate: no more is inside than the bound, in the order of arrival, and nobody who left keeps others out."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.delivery.gate import Gate


async def waiting(gate: Gate, *sizes: int) -> list[asyncio.Task[None]]:
    found = [asyncio.create_task(gate.enter(size)) for size in sizes]
    await asyncio.sleep(0)
    return found


@pytest.mark.parametrize("others", [1, 2])
async def test_who_gives_up_waiting_keeps_out_nobody_who_has_room(others: int) -> None:
    gate = Gate(10)
    await gate.enter(4)
    *large, small = await waiting(gate, *[7, 8][:others], 5)
    assert not small.done()
    for task in large:
        task.cancel()
    async with asyncio.timeout(5):
        await small
    assert gate.inside == 9
    assert gate.enter_at_once(1)


async def test_what_is_larger_than_the_bound_enters_alone() -> None:
    gate = Gate(10)
    await gate.enter(10)
    large, small = await waiting(gate, 25, 1)
    gate.leave(10)
    await large
    assert not small.done()
    assert not gate.enter_at_once(1)
    gate.leave(25)
    await small


async def test_nobody_enters_a_gate_that_is_shut_and_all_do_once_it_is_not() -> None:
    gate = Gate(2)
    gate.is_shut = True
    found = await waiting(gate, 1, 1, 1)
    gate.is_shut = False
    gate.admit()
    await asyncio.gather(*found[:2])
    assert not found[2].done()
    gate.bound = 3
    gate.admit()
    await found[2]


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), max_size=20))
def test_whoever_gives_up_the_rest_enter_in_order_and_within_the_bound(those: list[tuple[int, bool]]) -> None:
    async def run() -> None:
        gate, entered = Gate(10), list[int]()

        async def pass_through(number: int, size: int) -> None:
            await gate.enter(size)
            assert gate.inside <= max(10, size)
            entered.append(number)
            await asyncio.sleep(0)
            gate.leave(size)

        await gate.enter(10)
        tasks = [asyncio.ensure_future(pass_through(number, size)) for number, (size, _) in enumerate(those)]
        await asyncio.sleep(0)
        for task, (_, gives_up) in zip(tasks, those, strict=True):
            if gives_up:
                task.cancel()
        gate.leave(10)
        async with asyncio.timeout(5):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(one is None or isinstance(one, asyncio.CancelledError) for one in results)
        assert entered == [number for number, (_, gives_up) in enumerate(those) if not gives_up]
        assert gate.inside == 0

    asyncio.run(run())
