"""`collector.cli.terminal` and `render`: nothing that a log holds is obeyed by a terminal."""

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.cli.render import line
from collector.cli.terminal import visible

REORDERING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = st.text(st.characters() | st.sampled_from([*map(chr, range(0xA0)), *REORDERING, "\u2028"]))


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") or sign in REORDERING for sign in text)


@given(NASTY)
def test_no_control_character_is_left(text: str) -> None:
    assert is_harmless(visible(text))


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8")))
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\r\nb\tc", "a\\r\\nb\\tc"),
        ("\x9b2J", "\\x9b2J"),
        ("abc\u202edcba", "abc\\u202edcba"),
        ("\x00\x7f", "\\x00\\x7f"),
    ],
)
def test_they_are_shown_as_escapes(text: str, shown: str) -> None:
    assert visible(text) == shown


JSON = st.recursive(
    NASTY | st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=8,
)
LOGS = st.dictionaries(st.sampled_from(["message", "msg", "level", "severity", "x"]) | NASTY, JSON)
COLOURS = ["0", "1;31", "2", *map(str, range(31, 37)), *map(str, range(91, 97))]


@given(LOGS, NASTY, st.booleans())
def test_a_document_is_one_harmless_line(log: dict[str, object], container: str, coloured: bool) -> None:
    document = {"log": log, "@timestamp": "2026-11-23T04:05:06Z", "docker_container": container}
    try:
        encoded = orjson.dumps(document)
    except TypeError:  # lone surrogates are no JSON
        return
    shown = line(encoded, coloured=coloured)
    for colour in COLOURS if coloured else []:
        shown = shown.replace(f"\x1b[{colour}m", "")
    assert is_harmless(shown)


@given(st.binary())
def test_what_is_no_document_is_shown_harmlessly(content: bytes) -> None:
    assert is_harmless(line(content, coloured=False))


def document(log: dict[str, object]) -> bytes:
    return orjson.dumps({"log": log, "@timestamp": "T", "docker_container": "web"})


@pytest.mark.parametrize(
    ("log", "shown"),
    [
        ({"message": "plain"}, "T web plain"),
        (
            {"level": "info", "message": "m", "user": "u", "n": 1, "o": {"a": [1]}},
            'T web INFO m user=u n=1 o={"a":[1]}',
        ),
        ({"severity": "ERROR", "msg": "m"}, "T web ERROR m"),
        ({"level": 50, "msg": "pino"}, "T web ERROR pino"),
        ({"level": {"deep": 1}, "message": ["x"]}, 'T web level={"deep":1} message=["x"]'),
        ({}, "T web"),
    ],
)
def test_message_and_level_stand_in_front_of_the_other_keys(log: dict[str, object], shown: str) -> None:
    assert line(document(log), coloured=False) == shown


def test_colours_tell_containers_and_levels_apart() -> None:
    error, info = (line(document({"level": level, "message": "m"}), coloured=True) for level in ("error", "info"))
    assert "\x1b[31mERROR\x1b[0m" in error
    assert "\x1b[32mINFO\x1b[0m" in info
    assert error.split("web")[0] == info.split("web")[0]
