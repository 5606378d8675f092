"""When the rounds of several outputs are held: together, as far as none is held later than it would be by itself.

Then each looks at a log when the others have just looked at it, and finds the same lines.
"""

import asyncio

from collector.sources.rounds import Course


class Rhythm:
    """Whoever waits for the next round goes on with the first, if half of its own time has passed by then."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], float] = {}  # and from when on each may be woken
        self._courses: dict[asyncio.Future[None], Course] = {}  # of those that are woken

    async def wait(self, due: float, seconds: float) -> tuple[float, Course]:
        """Wait until `due`, by the loop's time, for a round that lasts so many seconds; when it is held, and how.

        Those that hold it together have the same course.
        """
        loop = asyncio.get_running_loop()
        sleep = loop.create_future()
        timer = loop.call_at(due, _end, sleep)
        self._waiting[sleep] = due - seconds / 2
        try:
            await sleep
        finally:
            timer.cancel()
            del self._waiting[sleep]
            course = self._courses.pop(sleep, None) or Course()
        now = loop.time()
        for other, soonest in self._waiting.items():
            if soonest <= now and other not in self._courses:
                self._courses[other] = course
                _end(other)
        return min(due, now), course


def _end(sleep: asyncio.Future[None]) -> None:
    if not sleep.done():
        sleep.set_result(None)
