"""What is left out is a matter of the log: the same wherever it is cut, and whenever its reader is killed."""

import json
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.composer import FinishedLine, Made
from collector.intake.composing import composer_of
from collector.model import Chunk, Resume, Start, Ticket
from collector.reading import Limit, LineTime, Multiline, Reading, Sample
from collector.redaction.options import RedactOptions
from collector.redaction.redaction import Redaction
from collector.transform.docker_json import DockerJson
from collector.transform.marks import Marks
from collector.transform.multiline_json import MultilineJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import raw
from tests.collector.transform.test_multiline_json import (
    STREAM,
    Agent,
    cut,
    documents,
    empty,
    generated,
    position,
    time,
)

REDACTION = Redaction(RedactOptions())
CHOICES = (
    Reading(limits=(Limit(3, "lines", 1),)),
    Reading(limits=(Limit(40, "bytes", 1), Limit(9, "lines", 60)), on_excess="sample"),
    Reading(fold=1.0, adds=("level", "line")),
    Reading("auto"),
    Reading(fold=30.0, limits=(Limit(5, "lines", 60),), sample=Sample(2), exclude="7n", level="info"),
)


def of(reading: Reading, start: Start, multiline: Multiline | None = None) -> DockerJson:
    stream = replace(STREAM, reading=reading._replace(redactor=REDACTION.of(reading.redact)))
    composer = composer_of(stream, Stamps(), start.carried)
    if multiline is not None:
        return MultilineJson(Stamps(), multiline, start, composer=composer)
    return DockerJson(Stamps(), start, composer=composer)


def several(seed: int, count: int) -> list[bytes]:
    """Lines of both streams, some in pieces, some broken, most of them like others."""
    chance = random.Random(seed)
    found, now = list[bytes](), 0
    for number in range(count):
        now += chance.choice([0, 1, 50, 400, 2_500])
        error = f'{{"level":"error","n":{chance.randrange(3)}}}'
        klog = f"I1025 00:15:15.525108       1 a.go:79] n{number}n"
        text = chance.choice(["same", "same 12", f"n{number}n", error, "x" * 90] if seed % 2 else [klog] * 9 + [error])
        stream = chance.choice(["stdout", "stdout", "stderr"])
        if chance.random() < 0.2:
            found.append(raw(text[:3], time=time(now), stream=stream))
            if chance.random() < 0.5:
                found.append(raw("between\n", time=time(now + 1), stream="stderr" if stream == "stdout" else "stdout"))
            found.append(raw(f"{text[3:]}\n", time=time(now), stream=stream))
        elif number and chance.random() < 0.05:  # not the first, whose time would be decided
            found.append(b"broken\n")
        else:
            found.append(raw(f"{text}\n", time=time(now), stream=stream))
    return found


@pytest.mark.parametrize("reading", CHOICES)
@pytest.mark.parametrize("seed", range(10))
def test_what_is_left_out_does_not_depend_on_where_the_log_is_cut(reading: Reading, seed: int) -> None:
    lines = several(seed, 60)
    chance = random.Random(seed)

    def read(chunks: list[Chunk]) -> tuple[list[tuple[str, bytes]], Counter[str]]:
        transform, found, filtered = of(reading, Start()), list[tuple[str, bytes]](), Counter[str]()
        for chunk in chunks:
            taken = transform.take(chunk)
            found += documents(taken.segments)
            filtered.update(taken.filtered or {})
        return sorted(found), filtered  # those of both streams are in any order where it changes nothing

    found, filtered = read(cut(lines))
    assert filtered or reading.format
    assert read(cut(lines, [chance.randrange(len(lines)) for _ in range(9)])) == (found, filtered)
    assert read(cut(lines, range(len(lines)))) == (found, filtered)


@pytest.mark.parametrize("reading", CHOICES)
@pytest.mark.parametrize("seed", range(15))
def test_what_is_left_out_does_not_depend_on_when_its_reader_is_killed(reading: Reading, seed: int) -> None:
    chance = random.Random(seed)
    lines = several(seed, 60)
    transform = of(reading, Start())
    whole = [one for chunk in cut(lines) for one in documents(transform.take(chunk).segments)]
    agent = Agent(lines, chance, lambda start: of(reading, start))
    for end in sorted({chance.randrange(len(lines)) + 1 for _ in range(4)} | {len(lines)}):
        while not agent.run(end):
            pass
    assert agent.sent == dict(whole)


@pytest.mark.parametrize("reading", CHOICES)
@pytest.mark.parametrize("seed", range(25))
def test_events_of_several_lines_are_left_out_the_same_whenever_their_reader_is_killed(
    reading: Reading, seed: int
) -> None:
    chance = random.Random(seed)
    lines = generated(seed, 80)
    multiline = (Multiline(), Multiline(max_lines=3), Multiline(start=r"^\S", gap=0.01))[seed % 3]
    agent = Agent(lines, chance, lambda start: of(reading, start, multiline))  # it compares what it sends again
    for end in sorted({chance.randrange(len(lines)) + 1 for _ in range(4)} | {len(lines)}):
        while not agent.run(end):
            pass
    assert agent.sent


READINGS = st.builds(
    Reading,
    format=st.sampled_from(["", "", "auto", "logfmt", "json"]),
    redact=st.sampled_from([(), ("secrets",)]),
    redactor=st.none(),
    options=st.just({}),
    multiline=st.none(),
    time=st.none() | st.just(LineTime("n")),
    adds=st.sampled_from([(), ("level",), ("level", "line")]),
    include=st.sampled_from(["", "[a-z]"]),
    exclude=st.sampled_from(["", "7n"]),
    level=st.sampled_from(["", "info", "error"]),
    sample=st.none() | st.just(Sample(2)) | st.just(Sample(2, "n")),
    fold=st.sampled_from([0.0, 1.0, 30.0]),
    limits=st.sampled_from([(), (Limit(3, "lines", 1),), (Limit(99, "bytes", 1), Limit(20, "lines", 60))]),
    on_excess=st.sampled_from(["drop", "sample"]),
)


@given(READINGS, st.none() | st.just(Multiline()), st.integers(0, 10_000))
def test_all_steps_together_give_the_same_documents_however_a_log_is_read(
    reading: Reading, multiline: Multiline | None, seed: int
) -> None:
    chance = random.Random(seed)
    lines = several(seed, 40) if multiline is None else generated(seed, 40)
    transform = of(reading, Start(), multiline)
    whole = [one for chunk in cut(lines) for one in documents(transform.take(chunk).segments)]
    cuts = [chance.randrange(len(lines)) for _ in range(5)]
    transform = of(reading, Start(), multiline)
    again = [one for chunk in cut(lines, cuts) for one in documents(transform.take(chunk).segments)]
    assert sorted(again) == sorted(whole)
    agent = Agent(lines, chance, lambda start: of(reading, start, multiline))
    for end in sorted({chance.randrange(len(lines)) + 1 for _ in range(3)} | {len(lines)}):
        while not agent.run(end):
            pass
    if multiline is None:  # else the clock has ended some events, the same ones at each read
        assert agent.sent == dict(whole)


def test_lines_are_composed_in_the_order_in_which_they_begin() -> None:
    marks, (first, second) = Marks(), (Ticket(position([b"x"] * 9, at)) for at in (3, 5))
    ids = ("a-2", "a-6~2", "a-4", "a-3")
    lines = [FinishedLine(text, "stdout", time(0), name) for text, name in zip("wxyz", ids, strict=True)]
    composer = of(Reading(fold=1.0), Start())._composer

    def compose() -> list[str]:
        made = marks.compose([], lambda some: composer.finished(STREAM, some, [time(0)] * len(some)), composer)
        return list(made.ids)

    marks.note(first, [first], lines[:3], lambda file: "a-")
    assert compose() == ["a-2"]
    assert marks.last is first
    marks.note(second, [second], [lines[3]], lambda file: "a-")
    assert compose() == ["a-3", "a-4"]
    assert marks.last is second
    assert first.carried != second.carried != ""
    marks.note(None, [], [], lambda file: "a-")
    assert compose() == ["a-6~2"]


def test_a_place_behind_which_a_line_is_composed_already_is_none() -> None:
    marks, (first, second) = Marks(), (Ticket(position([b"x"] * 9, at)) for at in (3, 5))
    composer = of(Reading(fold=1.0), Start())._composer
    lines = [FinishedLine("", "stdout", time(0), "a-7")]
    marks.note(first, [first], [], lambda file: "a-")
    marks.note(second, [], lines, lambda file: "a-")
    marks.compose(lines, lambda some: composer.finished(STREAM, some, [time(0)] * len(some)), composer)
    assert marks.last is first
    assert not second.carried


@pytest.mark.parametrize(("size", "most"), [(0, 4_096), (1 << 20, 4)])
def test_no_more_lines_wait_than_there_is_room_for(size: int, most: int) -> None:
    marks, place = Marks(), Ticket(position([b"x"], 0))
    lines = [FinishedLine("x" * size, "stdout", time(0), f"a-{number + 1}") for number in range(most + 100)]
    composer = of(Reading(fold=1.0), Start())._composer
    marks.note(place, [place], lines, lambda file: "a-")
    found = list[FinishedLine]()

    def compose(some: Sequence[FinishedLine]) -> Made:
        found.extend(some)
        return Made([], [], [])

    marks.compose(lines, compose, composer)
    assert found == lines[:100]


def test_a_line_without_a_time_has_that_of_a_line_before_it_that_is_left_out() -> None:
    lines = [raw("a\n", time=time(0)), raw("b\n", time=time(1)), b"broken\n"]
    first, second, third = cut(lines, [1, 2], ended=False)
    reading, multiline = Reading(exclude="^b$"), Multiline()
    transform = of(reading, Start(), multiline)
    for chunk in (first, second, empty(second.end)):
        taken = transform.take(chunk)
    undecided = transform.undecided()
    assert undecided is not None
    transform.decide(undecided.decided)
    end = transform.take(empty(second.end)).end
    assert taken.end is None
    assert end is not None
    start = Start(Resume(end.end, {}, end.fingerprint), "", end.last_time)
    found = [one for each in of(reading, start).take(third).segments for one in each.documents]
    assert [json.loads(one)["@timestamp"] for one in found] == [time(1)]
