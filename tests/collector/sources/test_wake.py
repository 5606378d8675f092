"""Laws of sleeping: it ends when its time is over or somebody wakes, and no waking is lost."""

import asyncio

import pytest

from collector.sources.wake import Wake


async def test_a_sleep_ends_when_somebody_wakes() -> None:
    wake = Wake()
    sleeper = asyncio.create_task(wake.sleep(60))
    await asyncio.sleep(0)
    assert not sleeper.done()
    wake.set()
    wake.set()
    assert await sleeper
    assert not await wake.sleep(0)


async def test_a_sleep_ends_when_its_time_is_over() -> None:
    assert not await Wake().sleep(0.001)


async def test_who_is_woken_while_awake_does_not_fall_asleep_once() -> None:
    wake = Wake()
    wake.set()
    assert await wake.sleep(60)
    assert not await wake.sleep(0)


async def test_a_sleep_that_was_cancelled_leaves_nothing_behind() -> None:
    wake = Wake()
    sleeper = asyncio.create_task(wake.sleep(60))
    await asyncio.sleep(0)
    sleeper.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeper
    wake.set()
    assert await wake.sleep(60)
