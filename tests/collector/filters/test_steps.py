"""What leaves a line out, and what stands beside its log."""

import pytest

from collector.documents.composer import FinishedLine
from collector.filters.steps import Steps
from collector.model import Counts
from collector.reading import Limit, LineTime, Reading, Sample
from tests.collector.filters.test_limits import at

ERROR = '{"level":"error","message":"x"}'
DEBUG = '{"level":"debug","message":"x"}'
PLAIN = '{"message":"x"}'


def taken(reading: Reading, *logs: str) -> tuple[list[str | None], Counts]:
    """The members of each line, one a second; None of those that are left out."""
    steps, counts = Steps(reading), Counts()
    found = []
    for number, log in enumerate(logs):
        found.append(steps.take(FinishedLine(log, "stdout", at(number), f"a-{number}"), log, log, counts))
    return found, counts


def test_nothing_is_asked_for_and_nothing_changes() -> None:
    assert taken(Reading(), ERROR, PLAIN) == (["", ""], Counts())


@pytest.mark.parametrize(
    ("reading", "rule"),
    [
        (Reading(include="error"), "include"),
        (Reading(exclude="debug"), "exclude"),
        (Reading(level="info"), "level"),
        (Reading(sample=Sample(1_000_000)), "sample"),
    ],
)
def test_a_rule_leaves_lines_out_by_its_name_and_no_error(reading: Reading, rule: str) -> None:
    (error, debug), counts = taken(reading, ERROR, DEBUG)
    assert error is not None
    assert debug is None
    assert counts.filtered == {rule: 1}


@pytest.mark.parametrize("wanted", ["stdout", "stderr"])
def test_lines_of_the_other_stream_are_left_out(wanted: str) -> None:
    steps, counts = Steps(Reading(of_stream=wanted)), Counts()
    lines = [FinishedLine(PLAIN, output, at(0), "a-0") for output in ("stdout", "stderr")]
    kept = [line.stream for line in lines if steps.take(line, PLAIN, PLAIN, counts) is not None]
    assert (kept, counts.filtered) == ([wanted], {"stream": 1})


def test_a_line_of_no_level_passes_a_minimum() -> None:
    assert taken(Reading(level="fatal"), PLAIN)[0] == [""]


def test_lines_beyond_a_limit_are_left_out() -> None:
    found, counts = taken(Reading(limits=(Limit(1, "lines", 60),)), *[PLAIN] * 3)
    assert (found, counts.filtered) == (["", None, None], {"limit": 2})


def test_of_repeats_all_but_the_last_are_left_out_in_the_books() -> None:
    found, counts = taken(Reading(fold=60.0), *[PLAIN] * 5)
    assert (found, counts.filtered) == (["", None, None, None, None], {"fold": 3})


def test_limits_that_wait_leave_nothing_out() -> None:
    reading = Reading(limits=(Limit(1, "lines", 60),), on_excess="wait")
    assert not reading.remembers
    assert taken(reading, PLAIN, PLAIN)[0] == ["", ""]


def test_level_and_line_stand_beside_the_log_where_they_are_wanted() -> None:
    found, _ = taken(Reading(adds=("level", "line")), ERROR, PLAIN)
    assert found == [',"level":"error","severity_number":17,"line":0', ',"line":1']


def test_what_passes_a_sample_says_for_how_many_it_stands() -> None:
    found, _ = taken(Reading(sample=Sample(2)), *[PLAIN] * 40, ERROR)
    assert set(found[:-1]) == {',"sampled":2', None}
    assert found[-1] == ""


def test_the_own_time_of_a_line_is_used_where_it_can_be() -> None:
    steps, counts = Steps(Reading(time=LineTime())), Counts()
    line = FinishedLine("", "stdout", "2026-11-23T02:13:00Z", "a-0")
    assert steps.own_time(line, '{"time":"2026-11-23T02:12:00Z"}', counts) == "2026-11-23T02:12:00Z"
    assert steps.own_time(line, '{"time":"1999-11-23T02:12:00Z"}', counts) == ""
    assert steps.own_time(line, "{}", counts) == ""
    assert counts.refused_times == 1
    assert Steps(Reading()).own_time(line, '{"time":"2026-11-23T02:12:00Z"}', counts) == ""


def test_what_another_version_carried_is_no_hindrance() -> None:
    assert Steps(Reading(fold=1.0), "[]").carried == Steps(Reading(fold=1.0), "").carried
