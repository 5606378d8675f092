"""Pauses between attempts: full jitter, after the AWS Architecture Blog, "Exponential Backoff And Jitter" (2015)."""

import random

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 15.0  # what an output that is back waits for at most
_LONG = 6  # pauses: a quarter of a minute with luck, half a minute without


class Backoff:
    """Pauses that grow: each is random up to a bound that doubles, so that many agents do not come back at once.

    `pauses`: how many there were since it worked.
    """

    def __init__(
        self, first_seconds: float = _FIRST_PAUSE_SECONDS, longest_seconds: float = _LONGEST_PAUSE_SECONDS
    ) -> None:
        self._first = self._bound = first_seconds
        self._longest = longest_seconds
        self.pauses = 0

    def next(self, at_least: float | None = None) -> float:
        """Seconds to wait now; what a destination asks for is the least."""
        pause = random.uniform(self._bound / 10, self._bound)  # noqa: S311 - it hides nothing
        self._bound = min(self._bound * 2, self._longest)
        self.pauses += 1
        return max(pause, at_least or 0.0)

    @property
    def is_long(self) -> bool:
        """Whether it has been tried so often that somebody should know."""
        return self.pauses >= _LONG

    def reset(self) -> None:
        """It worked: begin with short pauses again."""
        self._bound = self._first
        self.pauses = 0
