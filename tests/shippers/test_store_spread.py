"""Percentiles of the embedded store."""

import numpy as np
import pytest

from shippers.store.spread import Numbers


def test_percentiles_are_exact_while_few_numbers_differ() -> None:
    numbers = Numbers("ms")
    for part in np.array_split(np.arange(1, 101), 7):
        numbers.take(part)
    spread = numbers.spread()
    assert spread is not None
    assert (spread.count, spread.least, spread.most, spread.mean) == (100, 1, 100, 50.5)
    assert spread.percentiles == (50, 90, 95, 99)


def test_percentiles_of_many_different_numbers_are_right_to_half_a_percent() -> None:
    numbers = Numbers("ms", most_different=5000)
    values = np.random.default_rng(1).lognormal(3, 2, 50_000) * np.tile([1, -1], 25_000)
    for part in np.array_split(values, 20):
        numbers.take(part)
    spread = numbers.spread()
    assert spread is not None
    assert (spread.count, spread.least, spread.most) == (50_000, values.min(), values.max())
    exact = np.percentile(values, [50, 90, 95, 99], method="inverted_cdf")
    assert spread.percentiles == pytest.approx(exact, rel=0.005)


def test_infinities_are_told_without_a_fault() -> None:
    numbers = Numbers("ms")
    numbers.take(np.array([1.0, np.inf, -np.inf]))
    spread = numbers.spread()
    assert spread is not None
    assert (spread.least, spread.most) == (-np.inf, np.inf)
