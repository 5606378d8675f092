"""Laws of waking: who waits is woken once, who waits later finds it, and no wait is longer than its deadline."""

import asyncio

import pytest

from collector.sources.wake import Wake


async def test_who_waits_is_woken() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(60))
    await asyncio.sleep(0)
    wake.set()
    wake.set()
    assert await waiting
    assert not await wake.wait(0)


async def test_what_was_set_before_ends_the_next_wait_and_no_other() -> None:
    wake = Wake()
    wake.set()
    assert await wake.wait(60)
    assert not await wake.wait(0.001)


async def test_a_wait_that_was_cancelled_leaves_the_next_one_as_it_was() -> None:
    wake = Wake()
    waiting = asyncio.create_task(wake.wait(60))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    wake.set()
    assert await wake.wait(60)
