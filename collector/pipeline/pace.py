"""Limits that let lines wait: they are read no faster. The clock decides when they are, never which of them."""

import asyncio
from collections.abc import Sequence

from collector.reading import Limit, Reading


class Pace:
    """That of one stream: at once as much as a limit allows in its span, then as much as that in each span."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self._due = dict.fromkeys(limits, 0.0)  # the loop's time at which all that passed is allowed

    def passed(self, lines: int, size: int) -> None:
        """So many lines, of so many bytes, were read."""
        now = asyncio.get_running_loop().time()
        for limit, due in self._due.items():
            cost = size if limit.unit == "bytes" else lines
            self._due[limit] = max(due, now - limit.seconds) + cost * limit.seconds / limit.most

    @property
    def seconds(self) -> float:
        """For how long nothing more may be read."""
        now = asyncio.get_running_loop().time()
        return max(0.0, *(due - now for due in self._due.values()))


def pace_of(reading: Reading) -> Pace | None:
    """That of a stream that is read so; None if it need not wait."""
    return Pace(reading.limits) if reading.limits and reading.on_excess == "wait" else None
