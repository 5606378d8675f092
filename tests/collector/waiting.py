"""Waits on conditions with a deadline."""

import asyncio
from collections.abc import Callable

_DEADLINE_SECONDS = 20.0


async def until(condition: Callable[[], object], *, seconds: float = _DEADLINE_SECONDS) -> None:
    """Return as soon as `condition` holds; fail if it does not within `seconds`."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what is waited for is not ours to set an event
            await asyncio.sleep(0.005)
