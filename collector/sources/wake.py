"""A sleeper that can be woken: what `asyncio.Event` and `asyncio.timeout` do together, in half of their memory.

An idle log sleeps nearly always, and there are thousands.
"""

import asyncio


class Wake:
    """For one sleeper; what wakes it while it is awake ends its next sleep at once."""

    __slots__ = ("_is_set", "_sleep")

    def __init__(self) -> None:
        self._is_set = False
        self._sleep: asyncio.Future[None] | None = None

    @property
    def is_due(self) -> bool:
        """Whether it was woken, and has not met that yet."""
        return self._is_set

    def set(self) -> None:
        """Wake it."""
        self._is_set = True
        _end(self._sleep)

    def end(self) -> None:
        """Its sleep is over, though there is no news; nothing happens to one that is awake."""
        _end(self._sleep)

    async def sleep(self, seconds: float | None = None) -> bool:
        """Sleep until woken, but not longer than this (None: than until somebody ends it); whether it was woken."""
        if not self._is_set:
            loop = asyncio.get_running_loop()
            self._sleep = loop.create_future()
            timer = None if seconds is None else loop.call_later(seconds, _end, self._sleep)
            try:
                await self._sleep
            finally:
                if timer is not None:
                    timer.cancel()
                self._sleep = None
        was_set, self._is_set = self._is_set, False
        return was_set


def _end(sleep: asyncio.Future[None] | None) -> None:
    if sleep is not None and not sleep.done():
        sleep.set_result(None)
