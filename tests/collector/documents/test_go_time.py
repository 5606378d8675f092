"""`collector.documents.go_time`: layouts of Go's."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.go_time import formatted

TIME = "2026-11-23T15:04:05.120003400Z"


@pytest.mark.parametrize(
    ("layout", "expected"),
    [
        ("2006-01-02T15:04:05Z07:00", "2026-11-23T15:04:05Z"),
        ("2006-01-02T15:04:05.999999999Z07:00", "2026-11-23T15:04:05.1200034Z"),
        ("15:04:05.000", "15:04:05.120"),
        ("15:04:05,000000", "15:04:05,120003"),
        ("Mon Jan _2 15:04:05 MST 2006", "Mon Nov 23 15:04:05 UTC 2026"),
        ("Monday, 02-January-06 03:04 PM", "Monday, 23-November-26 03:04 PM"),
        ("3:4:5pm 1/2/06 -0700", "3:4:5pm 11/23/26 +0000"),
    ],
)
def test_each_part_of_a_layout_is_as_in_go(layout: str, expected: str) -> None:
    assert formatted(TIME, layout) == expected


def test_an_offset_is_kept() -> None:
    assert formatted("2026-11-23T15:04:05+08:00", "15:04:05Z07:00|-0700|MST") == "15:04:05+08:00|+0800|+0800"


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01T00:00:00Z"])
def test_what_is_no_time_stays(text: str) -> None:
    assert formatted(text, "2006") == text


@given(st.datetimes(min_value=datetime(1000, 1, 1)))
def test_every_time_is_found_again(moment: datetime) -> None:
    written = formatted(f"{moment.isoformat(timespec='microseconds')}Z", "2006-01-02 15:04:05.000000")
    assert written == moment.isoformat(sep=" ", timespec="microseconds")
