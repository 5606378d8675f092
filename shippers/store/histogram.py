"""Times of what matches → buckets, though their bounds are known only when all of it was seen.

Meanwhile they are counted in a unit of which every interval that can come out is a multiple: an interval is never
shorter than what the times seen so far ask for.
"""

import numpy as np

from collector.ports import Bucket, Query
from collector.search.scale import scale

from .block import BlockView
from .columns import Array
from .rows import MAX_TIME

_MILLISECOND = 1_000_000
_UNITS = [n * _MILLISECOND for n in (4, 20, 100, 500, 1000, 5000, 30_000, 60_000, 300_000, 1_800_000, 3_600_000)]
_MOST_COUNTS = 1 << 17


class Histogram:
    """The histogram that a query asks for."""

    def __init__(self, query: Query) -> None:
        self._most = query.buckets
        self._since = None if query.since is None else max(0, query.since)
        self._until = None if query.until is None else min(query.until - 1, MAX_TIME)
        self._first, self._last = MAX_TIME, 0
        self._unit = _UNITS[0]
        self._size = 0
        self._units: list[Array] = []
        self._counts: list[Array] = []
        if query.buckets and self._since is not None and self._until is not None and self._since <= self._until:
            self._unit = scale(self._since, self._until, query.buckets).interval

    def add(self, view: BlockView, rows: Array, count: int) -> None:
        """Take the times of these rows, `count` of them."""
        is_all = count == view.count
        if is_all and view.head.first // self._unit == view.head.last // self._unit:
            self._note(view.head.first, view.head.last, np.array([view.head.first // self._unit]), np.array([count]))
            return
        times = view.times if is_all else view.times[rows]
        places = times // self._unit
        least, most = int(places.min()), int(places.max())
        if most - least < 4 * len(places):
            found = np.bincount(places - least)
            units = np.flatnonzero(found)
            counts = found[units]
            units += least
        else:
            units, counts = np.unique(places, return_counts=True)
        self._note(int(times.min()), int(times.max()), units, counts)

    def buckets(self) -> list[Bucket]:
        """How many there are in each bucket."""
        first = self._first if self._since is None else self._since
        last = self._last if self._until is None else self._until
        if last < first or (not self._units and (self._since is None or self._until is None)):
            return []
        chosen = scale(first, last, self._most)
        counts = np.zeros(chosen.number, np.int64)
        for units, found in zip(self._units, self._counts, strict=True):
            np.add.at(counts, (units * self._unit - chosen.start) // chosen.interval, found)
        return [Bucket(start, count) for start, count in zip(chosen.starts, counts.tolist(), strict=True)]

    def _note(self, first: int, last: int, units: Array, counts: Array) -> None:
        self._first, self._last = min(self._first, first), max(self._last, last)
        self._units.append(units)
        self._counts.append(counts)
        self._size += len(units)
        if self._size > _MOST_COUNTS:
            self._fold()

    def _fold(self) -> None:
        """Count all in the longest unit that will do."""
        least = (self._last - self._first) // self._most
        unit = max([self._unit, *(unit for unit in _UNITS if unit <= least)])
        all_units = np.concatenate(self._units) // (unit // self._unit)
        units, which = np.unique(all_units, return_inverse=True)
        counts = np.zeros(len(units), np.int64)
        np.add.at(counts, which, np.concatenate(self._counts))
        self._unit, self._units, self._counts, self._size = unit, [units], [counts], 0
