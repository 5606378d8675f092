"""A line's level is right, or none: the corpus in tests/corpora/levels, and docs/levels.md.

A file of the corpus has lines of several programs, each behind a heading `# program`. A line begins with its level, `-`
for none, and a blank; `␊` stands for a newline, `␉` for a tab, `␛` for the escape of a color.
"""

import json
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents import text_levels
from collector.documents.json_text import log_of, message
from collector.documents.levels import ALIASES, MEMBERS, NAMES, OTEL_MEMBERS, SEVERITY, level_of, normalized
from collector.formats import FORMATS, make
from tests.contract.formats import hostile, seconds

ROOT = Path(__file__).parents[3]
SHOWN = str.maketrans({"␊": "\n", "␉": "\t", "␛": "\x1b"})
LEVEL_WORD = re.compile(r"\b(trace|debug|info|warn(ing)?|err(or)?|fatal|critical|severe|panic)", re.IGNORECASE)
_CPU_SECONDS = 0.1  # for a block of 64 KiB, of which the head is looked at

# Lines whose level is not found, with the reason.
KNOWN = {
    "01-May-2024 12:00:00.123 general: info: managed-keys-zone: error": (
        "BIND writes a category before the level, which looks like `response: error: …` of a text"
    ),
    "2024-05-01T12:00:00.123Z web INFO [app.core:12] - started": "Timbre writes a bare host, which may be any word",
    "ERROR in ./src/index.js 3:0-21": "webpack writes a small letter behind the word, as a heading does",
    "error Command failed with exit code 1.": "yarn writes the word in small letters, as a text does",
}


NOTHINGS: tuple[object, ...] = (
    *(None, True, "", "gold", [], {"name": "error"}, 1.5, -1, 99),
    *("x" * 1000, "9" * 5000, 10**400),
)


class Line(NamedTuple):
    program: str
    level: str
    text: str


def corpus() -> Iterator[Line]:
    for path in sorted((ROOT / "tests" / "corpora" / "levels").glob("*.txt")):
        program = ""
        for line in path.read_text("utf-8").split("\n")[:-1]:
            if line.startswith("# "):
                program = line[2:]
            else:
                level, _, text = line.partition(" ")
                yield Line(program, "" if level == "-" else level, text.translate(SHOWN))


LINES = list(corpus())
TEXTS = [line.text for line in LINES]


def said(text: str) -> str:
    return level_of(log_of(text), text)


def test_every_line_of_the_corpus_has_its_level_but_for_those_that_are_known() -> None:
    wrong = {(line.program, line.text): said(line.text) for line in LINES if said(line.text) != line.level}
    assert {text for _, text in wrong} == {text for text in TEXTS if text in KNOWN}, wrong


@pytest.mark.parametrize("text", KNOWN)
def test_what_is_known_to_be_missed_is_missed(text: str) -> None:
    assert text in TEXTS
    assert said(text) == ""


def test_the_corpus_has_many_programs_and_many_lines_that_mention_levels_and_say_none_or_another() -> None:
    assert {line.level for line in LINES} == {"", *NAMES}
    assert len({line.program for line in LINES}) >= 100
    assert len(TEXTS) == len(set(TEXTS)) >= 500
    others = [line for line in LINES if mentions(line.text) - {line.level}]
    assert len(others) >= 250
    assert sum(not line.level for line in others) >= 120


def mentions(text: str) -> set[str]:
    return {normalized(found[1]) for found in LEVEL_WORD.finditer(text)}


def test_colors_blanks_and_what_stands_behind_the_head_change_nothing() -> None:
    for line in LINES:
        first = line.text.partition("\n")[0]
        assert said(f"{line.text}\nERROR: x\n[error]") == line.level or line.text in KNOWN or is_json(line.text)
        colored = "\x1b[0m".join(re.split(r"(?=[ \[\]])", first))
        if not is_json(first) and "\x1b" not in first:
            assert said(colored) == said(first), first


def is_json(text: str) -> bool:
    return text.startswith(("{", "[")) and text.endswith(("}", "]"))


def test_a_word_in_the_message_of_an_object_is_none() -> None:
    for line in LINES:
        assert level_of(message(line.text), "{") == ""


def test_a_format_says_the_level_of_its_lines() -> None:
    for name, text, level in (
        ("klog", "W0923 14:02:11.345678       1 reflector.go:123] x", "warn"),
        ("syslog", "<11>Oct 11 22:14:15 web su: info", "error"),
        ("syslog", "Oct 11 22:14:15 web user.notice app: ERROR", "info"),
        ("nginx", "2024/05/01 12:00:00 [crit] 1#1: x", "fatal"),
        ("apache_error", "[Fri Sep 09 10:42:29.902022 2011] [core:notice] [pid 1:tid 2] x", "info"),
        ("logfmt", "msg=x level=WARN", "warn"),
    ):
        log = make(name, {}).log(text)
        assert name in FORMATS
        assert log is not None
        assert level_of(log, "") == level_of(log, text) == level


@pytest.mark.parametrize("member", [member for member in MEMBERS if member != "PRIORITY"])
def test_each_member_says_it_and_what_says_nothing_known_leaves_it_to_the_next(member: str) -> None:
    assert level_of(json.dumps({"message": "error", member: "Warning", "x": [1]}), "{") == "warn"
    for nothing in NOTHINGS:
        assert level_of(json.dumps({member: nothing}), "{") == ""
        assert level_of(json.dumps({member: nothing, "SeverityText": "ERROR", "level_name": "INFO"}), "{") in (
            *(("info", "error") if member in ("SeverityText", "level_name") else ("error",)),
        )


def test_numbers_are_those_of_their_scale() -> None:
    syslog = ("fatal", "fatal", "fatal", "error", "warn", "info", "info", "debug")
    for member in ("level", "severity", "PRIORITY"):
        for number, name in enumerate(syslog):
            assert level_of(f'{{"{member}":{number}}}', "{") == level_of(f'{{"{member}":"{number}"}}', "{") == name
        for number, name in enumerate(NAMES, 1):
            assert level_of(f'{{"{member}":{number * 10}}}', "{") == name
    for member in OTEL_MEMBERS:
        assert [level_of(f'{{"{member}":{number}}}', "{") for number in range(26)] == [
            *("", *(name for name in NAMES for _ in range(4)), "")
        ]


def test_severities_are_those_of_opentelemetry() -> None:
    assert dict(SEVERITY) == {"trace": 1, "debug": 5, "info": 9, "warn": 13, "error": 17, "fatal": 21}
    assert tuple(SEVERITY) == NAMES


def test_every_word_that_a_text_can_say_is_an_alias() -> None:
    for word in (*text_levels._CAPITALS, *text_levels._ANY_WORDS):
        assert normalized(word) in NAMES, word


PAGE = (ROOT / "docs" / "levels.md").read_text("utf-8")


def test_the_page_lists_every_alias_and_every_member() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([0-9]+) \| (.+) \| (.+) \|$", PAGE, re.MULTILINE)
    assert [(name, int(number)) for name, number, _, _ in rows] == list(SEVERITY.items())
    for name, _, words, _ in rows:
        assert set(re.findall(r"`(.+?)`", words)) == set(ALIASES[name])
    for name, aliases in ALIASES.items():
        for alias in aliases:
            for written in (alias, alias.upper(), alias.title(), f" {alias} ", f"{alias}2"):
                assert normalized(written) == name
    (members,) = re.findall(r"^1\. (.+?)^2\. ", PAGE, re.MULTILINE | re.DOTALL)
    assert [member for member in re.findall(r"`([^`]+)`", members) if member != "log" and member != "s"] == [
        *MEMBERS,
        "level",
        *OTEL_MEMBERS,
    ]


def test_the_examples_of_the_page_are_true() -> None:
    rows = re.findall(r"^\| `(.+)` \| (?:`(\w+)`|none(?:: .*)?) \|$", PAGE, re.MULTILINE)
    assert len(rows) >= 15
    assert {said(text): text for text, level in rows if said(text) != level} == {}


def changed(line: str, start: int, stop: int, more: str) -> str:
    return line[: start % (len(line) + 1)] + more + line[stop % (len(line) + 1) :]


PLACES = st.integers(0, 400)
MUTATED = st.builds(changed, st.sampled_from(TEXTS), PLACES, PLACES, st.text(max_size=5))


@given(st.one_of(st.text(), MUTATED), st.one_of(st.text(), MUTATED))
def test_any_text_says_one_of_the_names_or_none(text: str, other: str) -> None:
    assert said(text) in ("", *NAMES)
    assert level_of(text, other) in ("", *NAMES)  # what is no object says nothing, and raises nothing
    assert normalized(text) in ("", *NAMES)


@given(MUTATED, st.text(max_size=300))
def test_nothing_behind_the_head_decides(text: str, more: str) -> None:
    head = f"{text}{' ' * text_levels._HEAD}"
    assert text_levels.word_of(head + more) == text_levels.word_of(head) or "\x1b" in text


def test_time_does_not_grow_with_what_a_text_repeats() -> None:
    starts = ["2024-05-01 12:00:00 ", "[a] 1 - ", "level", 'msg="', "E, [", "(node:1) "]
    for text in hostile(starts):
        assert seconds(partial(text_levels.word_of, text)) < _CPU_SECONDS, text[:200]
