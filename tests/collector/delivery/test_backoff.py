"""Laws of pauses: random up to a bound that grows, and a time after which somebody should know."""

from itertools import count

import pytest

from collector.delivery.backoff import Backoff


def test_pauses_grow_to_a_bound_and_begin_anew() -> None:
    backoff = Backoff(1.0)
    bounds = [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0]
    assert all(bound / 10 <= backoff.next() <= bound for bound in bounds)
    assert backoff.next(at_least=100.0) == 100.0
    backoff.reset()
    assert backoff.next() <= 1.0


@pytest.mark.parametrize("backoff", [Backoff(), Backoff(0.001)])
def test_what_is_tried_for_about_half_a_minute_is_long(backoff: Backoff) -> None:
    """With the pauses in use, too: their bound never grows to any multiple of the first."""
    assert next(number for number in count() if backoff.is_long or not backoff.next()) == 6
    backoff.reset()
    assert not backoff.is_long
