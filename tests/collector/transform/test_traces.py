"""The corpus of `multiline: auto`: logs with traces of each runtime, and lines that only look like a part of one.

A file of `tests/corpora/multiline` is a log; `%%` stands between its events. Written for this project, after what the
runtimes document of their output.
"""

import random
from pathlib import Path

import pytest

from collector.model import Chunk, FileId, Position
from collector.reading import Multiline
from collector.transform.envelope import Line
from collector.transform.multiline_json import MultilineJson
from collector.transform.stamps import Stamps
from collector.transform.traces import Traces
from tests.collector.docker_lines import log_stream, raw

CORPUS = Path(__file__).parents[2] / "corpora" / "multiline"
FILES = sorted(CORPUS.rglob("*.txt"))
MOST_WRONG = 0.001  # of all lines that are joined, or are not
# What is not as it should be: an indented line belongs to the one before, and here it does not.
WRONG = frozenset({"friends/indented_total.txt:1: joined:   total: 12", "friends/shell.txt:3: joined:   total 12"})
FILE = FileId("c0ffee", "0badcafe", 0)


def events_of(file: Path) -> list[str]:
    return file.read_text().removesuffix("\n").split("\n%%\n")


def found(lines: list[str], *, at_once: int) -> list[list[int]]:
    """Which lines became one event, when so many are read at once."""
    transform, stream = MultilineJson(Stamps(), Multiline()), log_stream("/x")
    raws = [raw(f"{text}\n") for text in lines]
    offset, events = 0, list[list[int]]()
    for first in range(0, len(raws) + at_once, at_once):
        data = b"".join(raws[first : first + at_once])
        start, last = Position(FILE, offset, min(first, len(raws))), min(first + at_once, len(raws))
        offset += len(data)
        end = Position(FILE, offset, last)
        chunk = Chunk(stream=stream, data=data, start=start, end=end, ended=not data)
        for segment in transform.take(chunk).segments:
            for name in segment.ids:
                number, _, count = name.rpartition("-")[2].partition("~")
                events.append(list(range(int(number), int(number) + int(count or 1))))
    return sorted(events)


def joins(events: list[list[int]]) -> set[int]:
    """The lines that are joined to the one before."""
    return {number for event in events for number in event[1:]}


def test_the_corpus_is_large() -> None:
    traces = [file for file in FILES if file.parent.name != "friends"]
    assert len(traces) >= 200
    assert {"java", "dotnet", "python", "go", "node", "php", "ruby", "rust", "indent", "friends"} == {
        file.parent.name for file in FILES
    }


def test_at_most_one_join_of_a_thousand_is_wrong() -> None:
    wrong = set[str]()
    total = 0
    for file in FILES:
        expected, lines = list[list[int]](), list[str]()
        for event in events_of(file):
            parts = event.split("\n")
            expected.append(list(range(len(lines), len(lines) + len(parts))))
            lines += parts
        total += len(lines) - 1
        is_joined, should_be = joins(found(lines, at_once=1000)), joins(expected)
        wrong |= {
            f"{file.relative_to(CORPUS)}:{number}: {'' if number in is_joined else 'not '}joined: {lines[number]}"
            for number in is_joined ^ should_be
        }
    assert wrong == WRONG
    assert len(wrong) <= MOST_WRONG * total


@pytest.mark.parametrize("at_once", [1, 2, 3, 7])
def test_the_corpus_is_joined_alike_however_it_is_read(at_once: int) -> None:
    for file in FILES:
        lines = file.read_text().removesuffix("\n").replace("\n%%\n", "\n").split("\n")
        assert found(lines, at_once=at_once) == found(lines, at_once=1000), file


@pytest.mark.parametrize("seed", range(40))
def test_lines_of_the_corpus_in_any_order_are_joined_alike_however_they_are_read(seed: int) -> None:
    chance = random.Random(seed)
    known = [line for file in FILES for line in file.read_text().splitlines() if line != "%%"]
    lines = [known[at + more] for at in chance.choices(range(len(known) - 3), k=150) for more in range(3)]
    one_by_one = found(lines, at_once=1)
    for at_once in (2, chance.randrange(3, 40), 1000):
        assert found(lines, at_once=at_once) == one_by_one


def test_frames_of_php_beyond_the_hundredth_are_joined_however_they_are_read() -> None:
    lines = ["PHP Fatal error:  Uncaught Error in /a.php:3", "PHP Stack trace:"]
    lines += [f"PHP {number:3}. f() /a.php:3" for number in range(1, 120)]
    rule = Traces()
    state = rule.begin(lines[0])
    for line in lines[1:]:
        state = rule.follow(state, line)
        assert state >= 0, line
    assert len(rule.further([Line(log=f"{line}\n", time="", stream="stderr") for line in lines])) == len(lines) - 1


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["Error$" * 170_000 + "!", " at " + "(" * 1_000_000, "a(" * 500_000])
@pytest.mark.parametrize("before", ["x", "goroutine 1 [running]:", "panic: x", "java.lang.Error: x"])
def test_a_line_of_a_million_characters_is_judged_in_a_moment(text: str, before: str) -> None:
    """Minutes, where a pattern goes over it again and again."""
    rule = Traces()
    for _ in range(20):
        rule.follow(rule.begin(before), text)
        rule.begin(text)
        rule.always_begins(text)
