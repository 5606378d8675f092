"""The numbers of a member, block by block → their least, most, mean and percentiles, in bounded memory.

They are exact up to `_MOST_DIFFERENT` different numbers; beyond it each is rounded by a 512th of it at most.
"""

from collections.abc import Sequence

import numpy as np

from collector.ports import PERCENTS, Spread
from collector.search import language

from .block import BlockView
from .columns import Array

_MOST_DIFFERENT = 500_000
_BITS = 9


class Numbers:
    """The numbers of the member `name`.

    Raises:
        QueryError: it can have none.
    """

    def __init__(self, name: str, most_different: int = _MOST_DIFFERENT) -> None:
        self._path = language.numeric(name)
        self._most_different = most_different
        self._numbers: Array = np.zeros(0)
        self._counts: Array = np.zeros(0, np.int64)
        self._sum = 0.0
        self._least, self._most = np.inf, -np.inf

    def add(self, view: BlockView, rows: Array) -> None:
        """Take those of these rows."""
        for column in [*view.head.integers, *view.head.floats]:
            if column.path == self._path:
                its_rows = view.rows_of(column)
                self.take(view.values(column)[rows if its_rows is None else rows[its_rows]])

    def take(self, values: Array) -> None:
        """Take numbers."""
        if not len(values):
            return
        numbers, counts = np.unique(values.astype(float), return_counts=True)
        with np.errstate(over="ignore", invalid="ignore"):  # infinities add up to infinity, or to none
            self._sum += float(np.dot(numbers, counts))
        self._least = min(self._least, float(numbers[0]))
        self._most = max(self._most, float(numbers[-1]))
        self._merge(np.concatenate([self._numbers, numbers]), np.concatenate([self._counts, counts]))
        if len(self._numbers) > self._most_different:
            mantissas, exponents = np.frexp(self._numbers)
            self._merge(np.ldexp(np.round(mantissas * (1 << _BITS)), exponents - _BITS), self._counts)

    def spread(self) -> Spread | None:
        """What is told of them; None if there are none."""
        count = int(self._counts.sum())
        if not count:
            return None
        percentiles = [self._at(-(-count * percent // 100)) for percent in PERCENTS]
        return Spread(count, self._least, self._most, self._sum / count, tuple(percentiles))

    def _at(self, rank: int) -> float:
        """The number that so many are at most."""
        found = self._numbers[int(np.searchsorted(np.cumsum(self._counts), rank))]
        return min(max(float(found), self._least), self._most)

    def _merge(self, numbers: Array, counts: Array) -> None:
        self._numbers, which = np.unique(numbers, return_inverse=True)
        self._counts = np.bincount(which, weights=counts).astype(np.int64)


def spreads(members: Sequence[tuple[str, Numbers]]) -> dict[str, Spread]:
    """Of each member that has numbers, what is told of them."""
    return {name: found for name, numbers in members if (found := numbers.spread()) is not None}
