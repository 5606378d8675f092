"""When a check last ran and how long the next may take is what the daemon's own timers make of its configuration."""

from typing import Any

import pytest

from collector.discovery.health import last_check, longest_wait

SECOND = 1_000_000_000
HOUR = 3600 * SECOND


@pytest.mark.parametrize(
    ("check", "seconds"),
    [
        ({"Interval": 5 * SECOND, "Timeout": 3 * SECOND}, 13),
        ({"Interval": HOUR, "Timeout": 60 * SECOND}, 7260),
        ({"Interval": 5 * SECOND, "Timeout": SECOND, "StartPeriod": HOUR}, 11),
        ({"Interval": SECOND, "Timeout": SECOND, "StartInterval": 30 * SECOND}, 61),
        ({}, 90),
        ({"Interval": 0, "Timeout": 0}, 90),
        ({"Interval": None, "Timeout": "1s"}, 90),
        ({"Interval": -1, "Timeout": -1}, 90),
    ],
)
def test_a_check_comes_again_within_two_intervals_and_a_timeout(check: dict[str, Any], seconds: float) -> None:
    """What is left out is the daemon's default of 30 s each."""
    assert longest_wait({"Test": ["CMD-SHELL", "true"], **check}) == seconds


@pytest.mark.parametrize("check", [None, {}, {"Test": None}, {"Test": []}, {"Test": ["NONE"]}, {"Test": "true"}, "x"])
def test_without_a_check_nothing_is_due(check: object) -> None:
    assert longest_wait(check) is None


@pytest.mark.parametrize("health", [None, {}, {"Log": None}, {"Log": []}, {"Log": [None]}, {"Log": [{}]}, [], "x"])
def test_a_check_that_has_not_run_has_no_end(health: object) -> None:
    assert last_check(health) is None


def test_the_last_check_is_the_last_of_the_log() -> None:
    assert last_check({"Log": [{"End": "earlier"}, {"End": "last"}]}) == "last"
