"""The machine's clock → one by which something may be deleted for good; what is said only now and then.

Standard library only.

A clock can be wrong: a machine wakes up in another year until its time server answers, somebody sets a date. What is
deleted for its age is gone, so no single look at the clock decides it.
"""

import math
import time
from collections.abc import Callable

SURE_SECONDS = 600.0
"""So long the clock has to have gone on steadily."""

_MOST_NEWS = 100  # errors that are remembered: some hold a number that differs each time
_JUMP_SECONDS = 60.0  # a time server that mends a clock slowly moves it by half a millisecond a second


class SureClock:
    """The time, once there is no doubt about it; to be looked at again and again, whatever it says."""

    def __init__(self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        """`wall` gives seconds since 1970, `steady` those since anything, which nobody can set."""
        self._wall = wall
        self._steady = steady
        self._offset: float | None = None
        self._steady_since = 0.0

    def now(self) -> float | None:
        """Seconds since 1970; None within ten minutes of the first look, or of a jump: to wake up is one."""
        wall, steady = self._wall(), self._steady()
        offset, before = wall - steady, self._offset
        self._offset = offset
        if before is None or abs(offset - before) > _JUMP_SECONDS:
            self._steady_since = steady
        return wall if steady - self._steady_since >= SURE_SECONDS else None


class Notice:
    """Something that is said at most once in so many seconds, so that it does not fill the log."""

    __slots__ = ("_due", "_seconds", "_steady")

    def __init__(self, seconds: float, steady: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._steady = steady
        self._due = -math.inf

    def is_due(self) -> bool:
        """Whether to say it now; if so, it is taken for said."""
        now = self._steady()
        if now < self._due:
            return False
        self._due = now + self._seconds
        return True


class News:
    """Errors of something that is tried again and again: each is told once, and again only when it is back much later.

    An error is told no more while it goes on, nor soon again where it comes back behind successes or other errors.
    """

    __slots__ = ("_current", "_notices", "_seconds", "_steady")

    def __init__(self, seconds: float = 600.0, steady: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._steady = steady
        self._current = ""
        self._notices: dict[str, Notice] = {}

    def is_new(self, error: str) -> bool:
        """It failed with this error: whether to tell it now; if so, it is taken for told."""
        if error == self._current:
            return False
        self._current = error
        if error not in self._notices and len(self._notices) >= _MOST_NEWS:
            self._notices.clear()
        return self._notices.setdefault(error, Notice(self._seconds, self._steady)).is_due()

    def over(self) -> None:
        """It has succeeded."""
        self._current = ""
