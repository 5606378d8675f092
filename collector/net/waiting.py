"""A server that comes up → its first answer, or why there is none; who waits is told what for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from collector.errors import Unavailable

Tell = Callable[[str], None]
T = TypeVar("T")

POLL_SECONDS = 1.0
_TELL_SECONDS = 10.0


async def until_ready(ask: Callable[[], Awaitable[T]], tell: Tell, *, seconds: float) -> T:
    """Ask until it is there, for `seconds` at most; says by `tell` what it waits for.

    Raises:
        Unavailable: it is not; whatever else `ask` raises ends the wait.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + seconds
    told, tell_at = "", 0.0
    while True:
        try:
            return await ask()
        except Unavailable as error:
            if clock() + POLL_SECONDS > deadline:
                raise
            if error.cause != told or clock() >= tell_at:
                tell(f"waiting up to {deadline - clock():.0f} s: {error.cause}")
                told, tell_at = error.cause, clock() + _TELL_SECONDS
        await asyncio.sleep(POLL_SECONDS)
