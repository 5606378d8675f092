"""Many containers → what is asked about each, a few at once: a daemon answers slowly, and others ask it, too."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

INSPECTS_AT_ONCE = 8

Of = TypeVar("Of")
Answer = TypeVar("Answer")


async def of_each(
    asked: Iterable[Of], ask: Callable[[Of], Awaitable[Answer]], *, at_once: int = INSPECTS_AT_ONCE
) -> list[Answer]:
    """What `ask` gives for each, in their order.

    Raises:
        ExceptionGroup: what `ask` raises; the others are cancelled.
    """
    limit = asyncio.Semaphore(at_once)

    async def one(each: Of) -> Answer:
        async with limit:
            return await ask(each)

    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(one(each)) for each in asked]
    return [answer.result() for answer in answers]
