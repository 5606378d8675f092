"""Waits on conditions with a deadline."""

import asyncio
from collections.abc import Callable

_DEADLINE_SECONDS = 20.0


async def until(condition: Callable[[], object]) -> None:
    """Return as soon as `condition` holds; fail if it never does."""
    async with asyncio.timeout(_DEADLINE_SECONDS):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to set an event
            await asyncio.sleep(0.005)
