"""Which indices took a document lately: one that did is none that takes nothing."""

import time
from collections.abc import Callable, Iterable

_MOST_INDICES = 10_000  # that are remembered
_LATELY_SECONDS = 600.0


class Indices:
    """Which indices took a document lately."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._took: dict[str, float] = {}  # when, in the order of time

    def take_note(self, names: Iterable[str]) -> None:
        """These took a document now."""
        for name in names:
            self._took.pop(name, None)
            self._took[name] = self._clock()
        while len(self._took) > _MOST_INDICES:
            del self._took[next(iter(self._took))]

    def takes(self, name: str) -> bool:
        """Whether it took a document lately."""
        return name in self._took and self._clock() - self._took[name] < _LATELY_SECONDS
