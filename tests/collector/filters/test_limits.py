"""Limits by the lines' own times: what is beyond them is left out, whenever it is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.filters.limits import Limits, limits
from collector.reading import Limit
from collector.text.times import iso


def at(seconds: float) -> str:
    """A time as Docker writes it."""
    return iso(1_795_400_000 * 10**9 + round(seconds * 1e9))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1000/s", [Limit(1000, "lines", 1)]),
        ("1000 lines/s", [Limit(1000, "lines", 1)]),
        ("1 line per second", [Limit(1, "lines", 1)]),
        ("2k lines/min", [Limit(2000, "lines", 60)]),
        ("2m/day", [Limit(2_000_000, "lines", 86400)]),
        ("10MB/h", [Limit(10_000_000, "bytes", 3600)]),
        ("1 KiB / s", [Limit(1024, "bytes", 1)]),
        ("5 b/s,5 b/s, 7 lines/d", [Limit(5, "bytes", 1), Limit(7, "lines", 86400)]),
    ],
)
def test_limits_are_read(text: str, found: list[Limit]) -> None:
    assert list(limits(text)) == found


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "limit 1 is none"),
        ("1000", "limit 1 is none"),
        ("1/s, x/s", "limit 2 is none"),
        ("1k mb/s", "limit 1 is none"),
        ("-1/s", "limit 1 is none"),
        ("1/week", "limit 1 is none"),
        ("0/s", "limit 1 lets nothing pass"),
        ("1/s,2/s,3/s,4/s,5/s", "it has 5 limits: 4 are allowed"),
        ("\u0661/s", "limit 1 is none"),
    ],
)
def test_what_is_no_limit_is_refused_with_a_remedy(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        limits(text)


def test_so_many_lines_pass_in_each_second_and_those_behind_are_left_out() -> None:
    one = Limits([Limit(2, "lines", 1)], "drop")
    assert [one.passes(at(second), "{}") for second in (0.1, 0.2, 0.3, 0.9, 1.0, 1.1, 1.2, 5)] == [
        True, True, False, False, True, True, False, True,
    ]  # fmt: skip


def test_a_line_that_is_late_counts_for_the_present_span() -> None:
    one = Limits([Limit(1, "lines", 1)], "drop")
    assert [one.passes(at(second), "{}") for second in (1.0, 0.9, 2.0, 1.5)] == [True, False, True, False]


def test_a_clock_that_was_wrong_leaves_nothing_out_when_it_is_right_again() -> None:
    one = Limits([Limit(1, "lines", 1), Limit(3, "lines", 86400)], "drop")
    assert [one.passes(at(second), "{}") for second in (0, 86400 * 900, 1, 1.5, 2, 3)] == [
        True, True, True, False, True, True,
    ]  # fmt: skip


def test_a_line_has_to_be_within_each_limit_and_one_that_is_left_out_uses_up_none() -> None:
    one = Limits([Limit(10, "bytes", 1), Limit(3, "lines", 60)], "drop")
    assert [one.passes(at(0), "x" * size) for size in (6, 6, 4)] == [True, False, True]
    assert [one.passes(at(second), "{}") for second in (1, 2, 61)] == [True, False, True]


def test_one_of_a_hundred_beyond_the_limit_passes_where_that_is_wanted() -> None:
    one = Limits([Limit(10, "lines", 60)], "sample")
    found = [one.passes(at(number / 100), "{}") for number in range(310)]
    assert [number for number, passes in enumerate(found) if passes] == [*range(10), 10, 110, 210]


@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 50)), max_size=60),
    st.integers(0, 60),
    st.sampled_from(["drop", "sample"]),
)
def test_what_is_carried_is_all_that_has_to_be_known_of_the_lines_before(
    lines: list[tuple[int, int]], cut: int, on_excess: str
) -> None:
    asked = [Limit(3, "lines", 1), Limit(60, "bytes", 10)]
    whole = Limits(asked, on_excess)  # type: ignore[arg-type]  # one of its words
    expected = [whole.passes(at(time / 10), "x" * size) for time, size in lines]
    first = Limits(asked, on_excess)  # type: ignore[arg-type]  # the same
    found = [first.passes(at(time / 10), "x" * size) for time, size in lines[:cut]]
    rest = Limits(asked, on_excess, first.used)  # type: ignore[arg-type]  # the same
    assert found + [rest.passes(at(time / 10), "x" * size) for time, size in lines[cut:]] == expected
