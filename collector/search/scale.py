"""The times of a histogram's buckets: the same for every output, and such as people read.

Each interval is a whole number of 4 ms, which is one of 256 ns: so a bucket's bound is exact for an index that counts
milliseconds as well as for one that reckons in double precision.
"""

from itertools import chain, count
from typing import NamedTuple

MOST_BUCKETS = 1000

_MILLISECOND = 1_000_000
_SECOND = 1000 * _MILLISECOND
_DAY = 86_400 * _SECOND
_INTERVALS = (
    *(n * _MILLISECOND for n in (4, 20, 100, 200, 500)),
    *(n * _SECOND for n in (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800)),
    *(n * 3600 * _SECOND for n in (1, 2, 3, 6, 12, 24)),
)


class Scale(NamedTuple):
    """`number` buckets of `interval` nanoseconds each, the first from `start` on."""

    start: int
    interval: int
    number: int

    @property
    def starts(self) -> range:
        """Where each bucket begins."""
        return range(self.start, self.start + self.number * self.interval, self.interval)


def scale(first: int, last: int, most: int) -> Scale:
    """Buckets that hold all times from `first` to `last` (both inclusive), `most` at most; bounds are multiples."""
    intervals = chain(_INTERVALS, (_DAY << doublings for doublings in count(1)))
    return next(found for interval in intervals if (found := _of(first, last, interval)).number <= most)


def _of(first: int, last: int, interval: int) -> Scale:
    start = first // interval * interval
    return Scale(start, interval, (last - start) // interval + 1)
