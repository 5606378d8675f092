"""`collector.text.patterns`: what containers ask for is matched in time that grows with the line alone."""

import time

import pytest

from collector.text.patterns import MOST_BYTES, MOST_CHARACTERS, matcher


@pytest.mark.parametrize(
    ("pattern", "text", "is_found"),
    [
        (r"^\d{4}-", "2026-11-23 x", True),
        (r"^\d{4}-", " 2026-11-23 x", False),
        ("boom", "it went boom today", True),
        ("/^a/", "abc", True),
        ("^größe", "größe 日本", True),
        ("(?i)error", "An ERROR", True),
        ("x$", "no end", False),
        ("", "anything", True),
    ],
)
def test_a_pattern_is_looked_for_anywhere_in_the_line(pattern: str, text: str, is_found: bool) -> None:
    assert matcher(pattern)(text) is is_found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(", "cannot be used"),
        (r"(a)\1", "cannot be used"),
        ("(?=a)", "cannot be used"),
        ("a" * (MOST_BYTES + 1), f"{MOST_BYTES} are allowed"),
        ("((a{30}){30}){3}", "cannot be used"),
        ("(a{300}){3}", "smaller repetitions"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        matcher(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_pattern_that_explodes_elsewhere_takes_no_longer_than_others(pattern: str) -> None:
    is_found = matcher(pattern)
    begin = time.process_time()
    assert not is_found("a" * 1_000_000 + "!")
    assert time.process_time() - begin < 0.5


def test_of_a_long_line_its_beginning_and_its_end_are_looked_at() -> None:
    assert matcher("x")("." * (MOST_CHARACTERS // 2) + "x" + "." * (MOST_CHARACTERS // 2 - 1))
    assert not matcher("x")("." * (MOST_CHARACTERS // 2) + "x" + "." * (MOST_CHARACTERS // 2))
    assert matcher("^a[^b]*b$")("a" + "." * 1_000_000 + "b")
