"""Patterns: what of Ruby's and Python's can be used, and what is refused with which remedy."""

import re
import time

import pytest
import re2
from hypothesis import given
from hypothesis import strategies as st

from collector.formats.parts.linear import MOST_BYTES, MOST_TEXT_BYTES, Program, matcher


def groups(pattern: str, line: str) -> dict[str, str] | None:
    program = Program(pattern)
    raw = line.encode()
    if (spans := program.spans(raw)) is None:
        return None
    return {name: raw[slice(*spans[number])].decode() for name, number in program.names if spans[number][0] >= 0}


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        (r"(?<a>\d+)", "x 12", {"a": "12"}),
        (r"(?P<a>\d+)", "x 12", {"a": "12"}),
        (r"(?'a'\d+)", "x 12", {"a": "12"}),
        (r"/(?<a>\d+)/", "x 12", {"a": "12"}),
        (" /(?<a>x)/i ", "X", {"a": "X"}),
        (r"/(?<a>a.b)/m", "a\nb", {"a": "a\nb"}),
        (r"/(?<a>a.b)/im", "A\nB", {"a": "A\nB"}),
        (r"/(?<a>a.b)/", "a\nb", None),
        (r"/^\/(?<a>\h+)\/\Z/", "/c0ffee/", {"a": "c0ffee"}),
        (r"(?<a>[\h:]+)\H", "fe80::1g", {"a": "fe80::1"}),
        (r"(?<a>[[:alpha:]_]+)(?<b>[^]]+)\]", "a_1]", {"a": "a_", "b": "1"}),
        (r"(?<b>.)(?<a>.)", "xy", {"b": "x", "a": "y"}),
        (r"(?<a>x{2})\}+", "xx}}", {"a": "xx"}),
        (r"(?<a>.)$", "größe日", {"a": "日"}),
        (r"\x28(?<a>\.)\\", "(.\\", {"a": "."}),
        (r"(?<a>[^\"]*)\"\-\/", 'x"-/', {"a": "x"}),
        (r"(?:(?i)a)(?<a>b)", "Ab", {"a": "b"}),
        (r"(x)(?<a>y)(z)", "xyz", {"a": "y"}),
        (r"(?<a>\pL+)", "größe", {"a": "größe"}),
    ],
)
def test_patterns_of_ruby_python_and_go_mean_what_they_mean_there(
    pattern: str, line: str, found: dict[str, str] | None
) -> None:
    assert groups(pattern, line) == found


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "pattern is missing: write one with named groups"),
        ("//", "names no group: write"),
        (r"^(\S+) (.*)$", "names no group: write"),
        (r"(?<a>x)(?=y)", r"\(\?=: it looks at what stands behind or before.*match that too"),
        (r"(?<a>x)(?!y)", "match that too"),
        (r"(?<=y)(?<a>x)", "match that too"),
        (r"(?<!y)(?<a>x)", "match that too"),
        (r"(?<a>x)\1", r"pattern has \\1: it asks for a text that was there before"),
        (r"(?<a>x)\k<a>", "match any text in its place"),
        (r"(?P<a>x)(?P=a)", "match any text in its place"),
        (r"(?<a>x++)", r"pattern has \+\+: it keeps the engine from going back.*leave the . out, or write"),
        (r"(?<a>x*+)", "leave the . out, or write"),
        (r"(?<a>x?+)", "leave the . out, or write"),
        (r"(?<a>(?>x))", "leave the . out, or write"),
        (r"(?<a>x)(?(a)y|z)", "use alternatives"),
        (r"(?<a>x)(?#note)", "leave it out"),
        (r"(?<a>\g<a>?)", "write the group again"),
        (r"x\K(?<a>y)", "use a named group"),
        (r"\G(?<a>y)", r"use \^"),
        (r"(?<a>\R)", r"use \\n"),
        (r"(?<a>\X)", r"use \."),
        (r"(?<a>\C)", "a part of a character"),
        (r"(?<a>[a-z&&[^b]])", "inside of a class"),
        (r"(?<a>[^[]+)", r"write \\\["),
        (r"(?<a>x)|(?<a>y)", "two groups with one name: put the alternatives into one group"),
        (r"/(?<a>x)/x", "has the flag x.*i and m can be used"),
        (r"(?<a>x{1001})", r"repetition size.*its syntax is that of RE2"),
        (r"(?<a>x", "missing \\)"),
        (r"(?<a>[x", "missing \\]"),
        (r"(?<a>x**)", "bad repetition"),
        (r"(?<a b>x)", "invalid named capture group"),
        (r"(?<a>\p{Nothing})", "invalid character class"),
        (r"(?<a>\pL{0,100})", "steps: 600 are allowed|too large"),
        (r"(?<a>(?:x{0,500}){0,3})", "steps: 600 are allowed|bad repetition|repetition size"),
        (f"(?<a>{'x' * 507})", "513 bytes: 512 are allowed"),
        ("(?<a>" + "ä" * 254 + ")", "514 bytes: 512 are allowed"),
        ("(?<a>x)\\", "trailing"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_cause_and_remedy(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refusal:
        Program(pattern)
    assert "\n" not in str(refusal.value)


@given(
    st.one_of(
        st.text(max_size=600), st.from_regex(r"\A(\(\?<[a-c]>|\[|\]|\)|\\.|[*+?|^$.x{}&'/-]|\(\?[=!#:>']){1,20}\Z")
    )
)
def test_any_text_is_a_pattern_or_is_refused(pattern: str) -> None:
    try:
        program = Program(pattern)
    except ValueError:
        return
    program.spans("größe\n xyz".encode())


@pytest.mark.parametrize(
    "pattern",
    [
        r"^(?<a>(x+x+)+)y$",
        r"(?<a>.*)(?<b>.*)(?<c>.*)(?<d>.*)(?<e>.*)=$",
        r"(?<a>.*?)(?<b>x{0,100}?)(?<c>[xy]{0,180}?)$",
        r"(?<a>(?:x?){190}(?:x){190})",
        r"(?<a>[xy]*x[xy]{500})(?<b>[xy]*)$",
        r"(?<a>[^ ]*?)(?<b>[^ ]{0,140}?)$",
        "(?<a>(" + "|".join("x" * n + "y?" for n in range(1, 22)) + ")+)$",
    ],
)
@pytest.mark.parametrize("line", ["x" * MOST_TEXT_BYTES, "xy" * (MOST_TEXT_BYTES // 2), "日" * (MOST_TEXT_BYTES // 3)])
def test_the_worst_pattern_takes_a_bounded_time_for_the_longest_line(pattern: str, line: str) -> None:
    program = Program(pattern)
    start = time.process_time()
    program.spans(line.encode())
    assert time.process_time() - start < 1


def test_a_longer_line_is_not_looked_at() -> None:
    program = Program("(?<a>x)")
    assert program.spans(b"x" * MOST_TEXT_BYTES) is not None
    assert program.spans(b"x" * (MOST_TEXT_BYTES + 1)) is None


@given(st.text())
def test_what_is_asked_of_the_engine_directly_is_what_its_public_call_gives(text: str) -> None:
    pattern = r"(?<a>[a-z]+)?(?<b>\d)"
    spans, found = Program(pattern).spans(text.encode()), re2.search(pattern, text.encode())
    assert (None if spans is None else list(spans)) == (
        None if found is None else [found.span(number) for number in range(3)]
    )
    assert (found is None) == (re.search(r"(?P<a>[a-z]+)?(?P<b>[0-9])", text) is None)


# ------------------------------------------------------------------ whether a line matches


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
        (r"(a)\1", "there before"),
        ("(?=a)", "looks at"),
        ("a" * (MOST_BYTES + 1), f"{MOST_BYTES} are allowed"),
        ("(a{250}){3}", "smaller repetitions"),
    ],
)
def test_a_matcher_that_cannot_be_used_is_refused_with_a_reason(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        matcher(pattern)


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$"])
def test_a_match_that_explodes_elsewhere_takes_no_longer_than_others(pattern: str) -> None:
    is_found = matcher(pattern)
    begin = time.process_time()
    assert not is_found("a" * 1_000_000 + "!")
    assert time.process_time() - begin < 0.5


def test_of_a_long_line_its_beginning_and_its_end_are_looked_at() -> None:
    assert matcher("x")("." * (2048) + "x" + "." * (2048 - 1))
    assert not matcher("x")("." * (2048) + "x" + "." * (2048))
    assert matcher("^a[^b]*b$")("a" + "." * 1_000_000 + "b")
