"""A line's own time is used where it is near Docker's, and is the same instant however it is written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.filters.line_times import LineTimes, line_format
from collector.reading import LineTime

DOCKER = "2026-11-23T02:13:00.768123456Z"


def time(value: object, *, form: str = "", zone: str = "UTC", docker: str = DOCKER) -> str | None:
    return LineTimes(LineTime("ts", form, zone)).time(json.dumps({"ts": value, "message": "x"}), docker)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-11-23T02:12:59.123456789Z", "2026-11-23T02:12:59.123456789Z"),
        ("2026-11-23T02:12:59Z", "2026-11-23T02:12:59Z"),
        ("2026-11-23T03:12:59+01:00", "2026-11-23T02:12:59Z"),
        ("2026-11-23 02:12:59,123", "2026-11-23T02:12:59.123Z"),
        ("2026-11-23T02:12:59.5", "2026-11-23T02:12:59.5Z"),
        ("23/Nov/2026:03:12:59 +0100", "2026-11-23T02:12:59Z"),
        ("Nov 23 02:12:59", "2026-11-23T02:12:59Z"),
        ("2026/11/23 02:12:59", "2026-11-23T02:12:59Z"),
        ("Mon, 23 Nov 2026 02:12:59 +0000", "2026-11-23T02:12:59Z"),
        ("Mon Nov 23 02:12:59.987654 2026", "2026-11-23T02:12:59.987654Z"),
        ("1123 02:12:59.000001", "2026-11-23T02:12:59.000001Z"),
        (1795399979, "2026-11-23T02:12:59Z"),
        (1795399979.25, "2026-11-23T02:12:59.25Z"),
        (1795399979123, "2026-11-23T02:12:59.123Z"),
        ("1795399979123456", "2026-11-23T02:12:59.123456Z"),
        (1795399979123456789, "2026-11-23T02:12:59.123456Z"),
    ],
)
def test_usual_times_are_read(value: object, found: str) -> None:
    assert time(value) == found


@pytest.mark.parametrize(
    ("form", "value", "zone", "found"),
    [
        ("%Y-%m-%d %H:%M:%S", "2026-11-23 03:12:59", "Europe/Berlin", "2026-11-23T02:12:59Z"),
        ("%FT%T.%L%z", "2026-11-23T03:12:59.123+0100", "UTC", "2026-11-23T02:12:59.123Z"),
        ("%Y-%m-%dT%H:%M:%S.%N", "2026-11-23T02:12:59.123456789", "UTC", "2026-11-23T02:12:59.123456Z"),
        ("%d/%b/%Y:%H:%M:%S %z", "23/Nov/2026:02:12:59 +0000", "UTC", "2026-11-23T02:12:59Z"),
        ("%H:%M:%S", "02:12:59", "UTC", "2026-11-23T02:12:59Z"),
        ("%H:%M:%S", "03:12:59", "Europe/Berlin", "2026-11-23T02:12:59Z"),
        ("%s", "1795399979", "UTC", "2026-11-23T02:12:59Z"),
    ],
)
def test_a_format_is_read_in_its_zone(form: str, value: str, zone: str, found: str) -> None:
    assert time(value, form=form, zone=zone) == found


@pytest.mark.parametrize(
    ("value", "docker", "found"),
    [
        ("Dec 31 23:59:58", "2026-01-01T00:00:00Z", "2025-12-31T23:59:58Z"),
        ("Jan  1 00:00:01", "2025-12-31T23:59:59Z", "2026-01-01T00:00:01Z"),
        ("Feb 29 12:00:00", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00Z"),
    ],
)
def test_a_time_without_its_year_has_the_one_that_brings_it_next_to_dockers(
    value: str, docker: str, found: str
) -> None:
    assert time(value, docker=docker) == found


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026-11-16T02:13:01Z", "2026-11-16T02:13:01Z"),
        ("2026-11-16T02:13:00Z", None),
        ("2026-11-23T03:13:00Z", "2026-11-23T03:13:00Z"),
        ("2026-11-23T03:13:01Z", None),
        ("1970-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59Z", None),
    ],
)
def test_a_time_that_is_far_from_dockers_is_not_used(value: str, found: str | None) -> None:
    assert time(value) == found


@pytest.mark.parametrize("value", ["", "now", "2026-13-45T00:00:00Z", [], {}, "%", "9" * 30, -1, "1e9", "\uff12\uff10"])
def test_what_is_no_time_is_not_used(value: object) -> None:
    assert time(value) is None


@pytest.mark.parametrize("value", [None, True])
def test_a_line_without_the_member_has_no_time_of_its_own(value: object) -> None:
    assert time(value) == ""
    assert LineTimes(LineTime()).time('{"message":"x"}', DOCKER) == ""


@pytest.mark.parametrize("form", ["", "x", "%", "%Q", "%Y" * 40, "%Y %Y", "%-d", "%s %f"])
def test_a_format_that_cannot_be_used_is_refused_with_a_remedy(form: str) -> None:
    with pytest.raises(ValueError, match=r"use a pattern of strftime|64 are allowed"):
        line_format(form)


@given(
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "%s", "%H:%M", "%j"]),
)
def test_no_value_raises(value: object, form: str) -> None:
    found = time(value, form=form)
    assert found is None or found == "" or "2026-11-16T" < found < "2026-11-23T03:13:01"
