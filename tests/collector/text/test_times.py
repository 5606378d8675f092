"""`collector.text.times`: times as people write them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.text.times import duration, iso, moment, nanoseconds_of

NOW = 1_700_000_000_123_456_789
LATEST = 253_402_300_799_999_999_999  # the year 9999


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259200), ("1w", 604800), (" 5 m ", 300)]
)
def test_a_duration_counts_back_from_now(text: str, seconds: int) -> None:
    assert duration(text) == timedelta(seconds=seconds)
    assert moment(text, now=NOW, zone=UTC) == NOW - seconds * 1_000_000_000


@given(st.integers(0, LATEST))
def test_iso_keeps_every_nanosecond(nanoseconds: int) -> None:
    assert moment(iso(nanoseconds), now=0, zone=None) == nanoseconds


def test_a_time_without_offset_is_meant_in_the_zone_given() -> None:
    shanghai = timezone(timedelta(hours=8))
    local = moment("2026-11-23T08:00:00.5", now=NOW, zone=shanghai)
    assert local == moment("2026-11-23T00:00:00.5Z", now=NOW, zone=UTC)
    assert local == moment("2026-11-23T08:00:00,5+08:00", now=NOW, zone=UTC)


@pytest.mark.parametrize("text", ["5", " 90 ", "1234567"])
def test_a_number_without_its_unit_is_asked_for_it(text: str) -> None:
    number = text.strip()
    for parse in (duration, lambda text: moment(text, now=NOW, zone=UTC)):
        with pytest.raises(ValueError, match=f"^{number} has no unit: write {number}m, {number}h or {number}d$"):
            parse(text)


@pytest.mark.parametrize("text", ["", "x", "5x", "1y", "-1h", "2026-13-01", "99999999d", "2026-11-23T25:00", "1h2m"])
def test_anything_else_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="not a time such as"):
        moment(text, now=NOW, zone=None)


@given(st.text())
def test_any_text_is_a_time_or_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(moment(text, now=NOW, zone=UTC), int)


@pytest.mark.parametrize("text", ["999999w", "999999d", "36526d", "5218w", "1000000s"])
def test_a_span_that_no_clock_goes_back_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="at most 100 years"):
        duration(text)


@pytest.mark.parametrize("text", ["999999s", "999999m", "36525d", "5217w", "876600h"])
def test_the_longest_spans_that_are_taken_can_be_counted_back(text: str) -> None:
    assert moment(text, now=1_795_000_000_000_000_000, zone=None) > -(1 << 63)
    assert datetime.now(UTC) - duration(text) > datetime(1900, 1, 1, tzinfo=UTC)


@given(st.integers(0, LATEST), st.integers(0, 9))
def test_the_nanoseconds_of_a_time_in_dockers_form_are_those_of_any_other(nanoseconds: int, digits: int) -> None:
    second, _, fraction = iso(nanoseconds).rstrip("Z").partition(".")
    text = f"{second}.{fraction[:digits]}Z" if digits else f"{second}Z"
    assert nanoseconds_of(text) == moment(text, now=0, zone=UTC)
    assert nanoseconds_of(text.replace("Z", "+00:00")) == nanoseconds_of(text)


@given(st.text())
def test_any_text_has_nanoseconds_or_is_a_value_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(nanoseconds_of(text), int)


@pytest.mark.parametrize(
    "text", ["2026-11-23T24:00:00Z", "2026-11-23T00:60:00Z", "2026-13-23T00:00:00Z", "2026-11-23T00:00:00.Z",
             "2026-11-23T00:00:0٣Z", "2026-11-23T00:00:00", "2026-11-23Z", "Z"],
)  # fmt: skip
def test_what_looks_like_a_time_of_docker_is_read_like_any_other(text: str) -> None:
    try:
        expected = moment(text, now=0, zone=UTC)
    except ValueError:
        with pytest.raises(ValueError, match="not a time"):
            nanoseconds_of(text)
    else:
        assert nanoseconds_of(text) == expected
