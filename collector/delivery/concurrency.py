"""How many requests may be under way to one destination: as many as make it faster.

Additive increase, multiplicative decrease, as in Vector's adaptive request concurrency
(vector.dev/docs/architecture/arc, `src/sinks/util/adaptive_concurrency/controller.rs`). Vector grows while answers do
not get slower than usual, and so drifts to its maximum when the queue is in our own machine. Here, as in TCP Vegas, the
measure is the fastest that was seen: where three requests take half as long again as two, the third only costs memory.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from math import sqrt

from collector.delivery.gate import Gate

_FIRST = 2  # one is read while another is sent
_DECREASE = 0.9
_WEIGHT = 0.4  # of the last window in the mean
_FAR_DEVIATIONS = 2.5
_FAR_SHARE = 0.5  # of the mean: a link that never varied would call any delay far
_FAR_SECONDS = 0.05  # below this it is our own machine that was busy
_PAYS = 1.2  # times the least: one request more pays; where it only queues, three for two take 1.5 times as long
_PAYS_NOT = 1.35  # times the least: the last one did not pay
_DRIFT = 0.02  # of the least towards what is now: a destination may have become slower for good
_SAMPLES = 2  # a window has so many for each request under way


class AdaptiveLimit:
    """The arithmetic: answers in, `limit` out. Times are seconds of any one clock."""

    def __init__(self, most: int) -> None:
        self.limit = self._least_limit = min(_FIRST, most)
        self._most = most
        self._mean: float | None = None  # of windows
        self._variance = 0.0
        self._least = 0.0  # the fastest window in which the limit was reached
        self._changed_at = 0.0
        self._begin_window(0.0)

    def answered(self, now: float, seconds: float, *, is_overloaded: bool, was_reached: bool) -> None:
        """An answer came after so many seconds; `was_reached` says that so many were under way."""
        self._was_reached |= was_reached
        if is_overloaded:
            self._is_overloaded = True
        elif now - seconds >= self._changed_at:  # what began before tells of another limit
            self._sum += seconds
            self._count += 1
        if now >= self._window_end and (self._is_overloaded or self._count >= _SAMPLES * self.limit):
            before = self.limit
            self._adapt(self._sum / self._count if self._count else None)
            self._changed_at = now if self.limit != before else self._changed_at
            self._begin_window(now)

    def _begin_window(self, now: float) -> None:
        self._window_end = now + (self._mean or 0.0)
        self._sum = 0.0
        self._count = 0
        self._was_reached = False
        self._is_overloaded = False

    def _adapt(self, current: float | None) -> None:
        if self._is_overloaded or (current is not None and self._is_far(current)):
            self.limit = max(1, int(self.limit * _DECREASE))
        elif self._was_reached and current is not None:
            self.limit = self._next_limit(current)
        if current is not None:
            self._learn(current)

    def _next_limit(self, current: float) -> int:
        least = min(self._least or current, current)
        if self.limit < self._least_limit:
            return self.limit + 1
        if current > _PAYS_NOT * least:
            return max(self.limit - 1, self._least_limit)
        if self._mean is not None and current <= min(self._mean, _PAYS * least):
            return min(self.limit + 1, self._most)
        return self.limit

    def _is_far(self, current: float) -> bool:
        if self._mean is None:
            return False
        far = max(_FAR_DEVIATIONS * sqrt(self._variance), _FAR_SHARE * self._mean, _FAR_SECONDS)
        return current - self._mean >= far

    def _learn(self, current: float) -> None:
        if self._was_reached and self.limit >= self._least_limit:
            self._least = min(current, (self._least or current) + _DRIFT * (current - (self._least or current)))
        if self._mean is None:
            self._mean = current
            return
        delta = current - self._mean
        self._mean += _WEIGHT * delta
        self._variance = (1 - _WEIGHT) * (self._variance + _WEIGHT * delta * delta)


class Concurrency:
    """At most `limit` are inside; others wait in the order in which they came.

    `changed` is told of each new limit, and of the first.
    """

    def __init__(self, most: int, *, changed: Callable[[int], None] = lambda limit: None) -> None:
        self._adaptive = AdaptiveLimit(most)
        self._changed = changed
        self._gate = Gate(self.limit)
        self._emptied = asyncio.Event()
        changed(self.limit)

    @property
    def limit(self) -> int:
        """How many may be inside now."""
        return self._adaptive.limit

    async def enter(self) -> None:
        """Wait for a turn. To be followed by `leave`, whatever happens."""
        await self._gate.enter()

    def leave(self) -> None:
        """The turn is over."""
        self._gate.leave()
        if not self._gate.inside:
            self._emptied.set()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until nobody is inside; nobody enters until the end. One at a time may ask for it."""
        self._gate.is_shut = True
        try:
            while self._gate.inside:
                self._emptied.clear()
                await self._emptied.wait()
            yield
        finally:
            self._gate.is_shut = False
            self._gate.admit()

    def learn(self, seconds: float, *, is_overloaded: bool) -> None:
        """The answer to a request came after so many seconds. To be called before its `leave`."""
        before = self.limit
        now = asyncio.get_running_loop().time()
        was_reached = self._gate.inside >= before
        self._adaptive.answered(now, seconds, is_overloaded=is_overloaded, was_reached=was_reached)
        if self.limit != before:
            self._gate.bound = self.limit
            self._changed(self.limit)
