"""Lines that wait are read as fast as their limits allow, and no faster."""

import asyncio

import pytest

from collector.pipeline.pace import Pace, pace_of
from collector.reading import Limit, Reading


class Clock:
    """A loop's time that passes when it is told to."""

    now = 1000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(asyncio, "get_running_loop", lambda: found)
    return found


def test_as_much_as_the_limit_allows_passes_at_once_and_then_as_much_as_its_span_allows(clock: Clock) -> None:
    pace = Pace([Limit(100, "lines", 10)])
    pace.passed(100, 9_999)
    assert pace.seconds == 0
    pace.passed(10, 9_999)
    assert pace.seconds == pytest.approx(1.0)
    clock.now += 1.0
    assert pace.seconds == 0
    clock.now += 500
    pace.passed(100, 0)
    assert pace.seconds == 0


@pytest.mark.usefixtures("clock")
def test_the_narrowest_limit_decides() -> None:
    pace = Pace([Limit(1_000, "lines", 1), Limit(100, "bytes", 1)])
    pace.passed(1, 300)
    assert pace.seconds == pytest.approx(2.0)


def test_only_lines_that_wait_have_a_pace() -> None:
    limits = (Limit(1, "lines", 1),)
    assert pace_of(Reading()) is None
    assert pace_of(Reading(limits=limits)) is None
    assert pace_of(Reading(limits=limits, on_excess="wait")) is not None
