"""Laws of events: the same ones however the log is cut, read or read again, killed wherever and decided whenever."""

import json
import random
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.ids import id_prefix
from collector.model import Chunk, Decided, Ended, FileId, Position, Resume, Segment, Start, Ticket
from collector.reading import Multiline
from collector.sources.fingerprint import fingerprint, last_line
from collector.state.positions_file import Saved
from collector.transform.docker_json import DockerJson
from collector.transform.envelope import Line
from collector.transform.joining import MAX_JOINED_CHARACTERS
from collector.transform.multiline_json import MultilineJson
from collector.transform.stamps import Stamps
from collector.transform.traces import Traces
from tests.collector.docker_lines import log_stream, raw

FILE = FileId("c0ffee", "0badcafe", 0)
NEXT = FileId("c0ffee", "0badcafe", 1)
STREAM = log_stream("/logs/c0ffee/c0ffee-json.log")
AUTO = Multiline()
TRACE = ("2026-11-23 ERROR boom", "java.lang.IllegalStateException: x", "\tat a.B.c(B.java:1)", "\tat a.B.d(B.java:2)")
Documents = list[tuple[str, bytes]]


def time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(1_795_400_000 + milliseconds // 1000, UTC).isoformat()[:19]
    return f"{moment}.{milliseconds % 1000:03}000001Z"


def line(text: str, at: int = 0, *, stream: str = "stdout") -> bytes:
    return raw(f"{text}\n", time=time(at), stream=stream)


def position(lines: Sequence[bytes], number: int, file: FileId = FILE) -> Position:
    return Position(file, sum(map(len, lines[:number])), number)


def cut(lines: Sequence[bytes], cuts: Iterable[int] = (), *, first: int = 0, ended: bool = True) -> list[Chunk]:
    """The lines from `first` on, cut before these numbers."""
    edges = [first, *sorted({number for number in cuts if first < number < len(lines)}), len(lines)]
    offsets = [0, *accumulate(map(len, lines))]
    found = [
        Chunk(stream=STREAM, data=b"".join(lines[start:end]), start=Position(FILE, offsets[start], start),
              end=Position(FILE, offsets[end], end), fingerprint=fingerprint(last_line(b"".join(lines[start:end]))))
        for start, end in pairwise(edges) if start < end
    ]  # fmt: skip
    last = Position(FILE, offsets[-1], len(lines))
    return [*found, empty(last, ended=True)] if ended else found


def empty(at: Position, *, ended: bool = False) -> Chunk:
    return Chunk(stream=STREAM, data=b"", start=at, end=at, ended=ended)


def documents(segments: Iterable[Segment]) -> Documents:
    return [one for each in segments for one in zip(each.ids, each.documents, strict=True)]


def read(lines: Sequence[bytes], cuts: Iterable[int] = (), multiline: Multiline = AUTO) -> Documents:
    transform = MultilineJson(Stamps(), multiline)
    return [one for chunk in cut(lines, cuts) for one in documents(transform.take(chunk).segments)]


def texts(found: Documents) -> list[str]:
    return [json.loads(document)["log"].get("message", "json") for _, document in found]


def joined(lines: Sequence[bytes], multiline: Multiline = AUTO) -> list[str]:
    return texts(read(lines, multiline=multiline))


# ------------------------------------------------------------------ what an event is


def test_a_trace_is_one_document_with_the_id_the_time_and_the_stream_of_its_first_line() -> None:
    lines = [
        line("before"),
        *[line(text, number, stream="stderr") for number, text in enumerate(TRACE, 1)],
        line("behind", 9),
    ]
    found = read(lines)
    assert texts(found) == ["before", "\n".join(TRACE), "behind"] or texts(found) == [
        "before", "behind", "\n".join(TRACE)]  # fmt: skip
    name, document = next(one for one in found if b"boom" in one[1])
    assert name == id_prefix(FILE, "") + "1~4"
    assert (json.loads(document)["@timestamp"], json.loads(document)["stream"]) == (time(1), "stderr")


def test_a_line_that_is_alone_has_the_id_and_the_bytes_that_it_has_without_multiline() -> None:
    lines = [line(f"line {number}", number) for number in range(9)]
    plain = DockerJson(Stamps())
    assert read(lines) == [one for chunk in cut(lines) for one in documents(plain.take(chunk).segments)]


def test_a_line_of_json_is_joined_to_nothing_and_nothing_to_it() -> None:
    lines = [line("text"), line('  {"level":"info"}'), line("\tindented"), line('{"a":1}'), line("    more")]
    assert joined(lines) == ["text", "json", "\tindented", "json", "    more"]


def test_json_over_several_lines_is_an_object_again() -> None:
    (found,) = read([line(text) for text in json.dumps({"a": {"b": 1}, "c": []}, indent=2).splitlines()])
    assert json.loads(found[1])["log"] == {"a": {"b": 1}, "c": []}


def test_events_of_both_streams_are_apart() -> None:
    lines = [line("out"), line("err", stream="stderr"), line("\tof out"), line("\tof err", stream="stderr"),
             line("\tof out too")]  # fmt: skip
    assert sorted(joined(lines)) == ["err\n\tof err", "out\n\tof out\n\tof out too"]


@pytest.mark.parametrize(("later", "count"), [(999, 1), (1000, 1), (1001, 2), (60_000, 2), (-5000, 1)])
def test_a_line_that_comes_later_than_the_gap_begins_an_event(later: int, count: int) -> None:
    assert len(joined([line("a", 10_000), line("\tb", 10_000 + later)])) == count
    assert len(joined([line("a", 10_000), line("\tb", 10_000 + later)], Multiline(gap=60.0))) == 1


def test_an_event_ends_where_a_line_of_the_other_stream_is_later_than_the_gap() -> None:
    lines = [line("a"), line("b", 1500, stream="stderr"), line("\tc", 900)]
    assert joined(lines) == ["a", "b", "\tc"] or sorted(joined(lines)) == ["\tc", "a", "b"]


def test_an_event_goes_on_in_the_next_file() -> None:
    transform = MultilineJson(Stamps(), AUTO)
    first, second = [line("a"), line("\tb", 1)], [line("\tc", 2), line("d", 3)]
    chunks = [*cut(first, ended=False)]
    data = b"".join(second)
    chunks.append(Chunk(stream=STREAM, data=data, start=Position(NEXT, 0, 0), end=Position(NEXT, len(data), 2)))
    (segment,) = [segment for chunk in chunks for segment in transform.take(chunk).segments]
    assert texts(documents([segment])) == ["a\n\tb\n\tc"]
    assert list(segment.ids) == [id_prefix(FILE, "") + "0~3"]
    assert segment.ticket.end == Position(NEXT, len(second[0]), 1)


def test_no_event_goes_on_over_nul_bytes() -> None:
    assert joined([line("a"), b"\0" * 9 + line("\tb"), line("\tc")]) == ["a", "\tb\n\tc"]


@pytest.mark.parametrize("most", [2, 3, 500])
def test_an_event_beyond_the_bound_of_lines_is_marked_and_goes_on_in_another(most: int) -> None:
    lines = [line("a"), *[line(f"\tb{number}", number) for number in range(most + 3)], line("end", 999)]
    found = read(lines, multiline=Multiline(max_lines=most))
    assert "\n".join(texts(found)) == "\n".join(json.loads(one)["log"].removesuffix("\n") for one in lines)
    cut_off = [json.loads(document).get("truncated", False) for _, document in found]
    assert cut_off == [True] * ((most + 3) // most) + [False, False]
    exact = [line("a"), *[line("\tb")] * (most - 1), line("end")]
    assert b"truncated" not in b"".join(document for _, document in read(exact, multiline=Multiline(max_lines=most)))


def test_an_event_is_bounded_in_characters() -> None:
    piece = "\t" + "x" * 100_000
    lines = [line("a"), *[line(piece)] * 25, line("end")]
    found = read(lines)
    assert "\n".join(texts(found)) == "\n".join(["a", *[piece] * 25, "end"])
    assert all(len(text) <= MAX_JOINED_CHARACTERS + len(piece) for text in texts(found))
    assert json.loads(found[0][1])["truncated"] is True


def test_a_line_in_pieces_is_one_line_of_its_event() -> None:
    long = "\tat " + "x" * 20_000 + "(Y.java:1)"
    lines = [line("a"), raw(long[:16_384], time=time(1)), raw(long[16_384:] + "\n", time=time(1)), line("b", 2)]
    found = read(lines)
    assert texts(found) == [f"a\n{long}", "b"]
    assert found[0][0] == id_prefix(FILE, "") + "0~2"
    first = [raw("a" * 9, time=time(0)), raw("z\n", time=time(0)), line("\tb")]
    assert [name.rsplit("-")[-1] for name, _ in read(first)] == ["0.2~2"]


# ------------------------------------------------------------------ patterns


@pytest.mark.parametrize(
    ("multiline", "written", "found"),
    [
        (Multiline(start=r"^\d"), "1 a|b|c|2 d|e", "1 a/b/c|2 d/e"),
        (Multiline(start=r"/^\d/"), "x|y|1 a", "x/y|1 a"),
        (Multiline(more=r"^(\s|Caused)"), "a| b|Caused|c|d", "a/ b/Caused|c|d"),
        (Multiline(end=r";$"), "a|b;|c;|d", "a/b;|c;|d"),
        (Multiline(start=r"^BEGIN", end=r"^END"), "x|BEGIN|a|END|b|BEGIN|END", "x|BEGIN/a/END|b|BEGIN/END"),
        (Multiline(start=r"^>", more=r"^\S"), ">a|b| c|d", ">a/b| c/d"),
        (Multiline(more=r"^\s", end=r";$"), "a| b;| c|d", "a/ b;| c|d"),
    ],
)
def test_patterns_tell_which_lines_are_one(multiline: Multiline, written: str, found: str) -> None:
    lines = [line(text, number) for number, text in enumerate(written.split("|"))]
    assert ["/".join(text.split("\n")) for text in joined(lines, multiline)] == found.split("|")


# ------------------------------------------------------------------ however it is read

TEXTS = (
    "plain {n}", "2026-11-23T10:00:00Z INFO {n}", "\tat a.B.c(B{n}.java:1)", "  indented {n}", "{{\"n\":\"#{n}\"}}", "",
    "Traceback (most recent call last):", '  File "a.py", line {n}, in f', "ValueError: {n}", "x.FooException: {n}",
    "Caused by: x.BarError: {n}", "During handling of the above exception, another exception occurred: {n}",
    "panic: {n}", "goroutine {n} [running]:", "main.f{n}(0x1)", "\t/a/main.go:{n} +0x1d", "main.g{n}",
    "thread 'main' panicked at src/{n}.rs:1:1:", "note: {n}", "/app/{n}.rb:3:in `f'", "\tfrom /app/{n}.rb:4:in `g'",
    "PHP Fatal error:  Uncaught {n}", "Stack trace:", "#0 /app/{n}.php(3): f()", "key {n} {{", "}}", "/app/{n}.js:12",
    "^", "Error: {n}", "    at f (/a.js:{n}:1)",
)  # fmt: skip


def generated(seed: int, count: int) -> list[bytes]:
    """Lines of traces, whole and in pieces, in order and not, with what a log may hold besides."""
    chance = random.Random(seed)
    now = 0
    found: list[bytes] = []
    calm = chance.random() < 0.3
    mixed = chance.choice([0.0, 0.1, 0.5])
    for number in range(count):
        now += chance.choice([0, 0, 1, 5, 300, 1200] if chance.random() < 0.3 else [0, 1])
        text = chance.choice(TEXTS[:2] if calm and chance.random() < 0.8 else TEXTS).format(n=f"n{number}n")
        stream = "stderr" if chance.random() < mixed else "stdout"
        kind = chance.random()
        if kind < 0.05 and len(text) > 2:
            found += [raw(text[:2], time=time(now), stream=stream), raw(f"{text[2:]}\n", time=time(now), stream=stream)]
        elif kind < 0.06:
            found.append(raw(text, time=time(now), stream=stream))
        elif kind < 0.07:
            found.append(b"broken\n")
        elif kind < 0.08:
            found.append(b"\0\0" + line(text, now, stream=stream))
        elif kind < 0.09:
            found.append(line(text, now, stream=stream).replace(b'"time"', b'"no"'))
        else:
            found.append(line(text, now, stream=stream))
    return found


@given(st.integers(0, 10**9), st.lists(st.integers(0, 60), max_size=8))
def test_documents_and_ids_do_not_depend_on_where_the_input_is_cut(seed: int, cuts: list[int]) -> None:
    lines = generated(seed, 60)
    assert read(lines, cuts) == read(lines) == read(lines, range(len(lines)))


CALM = [text for text in TEXTS if not Traces().further([Line(log=f"{text}\n".format(n=1), time="", stream="stdout")])]


@given(st.lists(st.sampled_from(CALM) | st.sampled_from(TEXTS), min_size=4, max_size=40), st.lists(st.integers(0, 40)))
def test_chunks_without_a_line_that_is_joined_become_the_same_at_one_go(texts: list[str], cuts: list[int]) -> None:
    assert len(CALM) > 10
    lines = [line(text.format(n=f"n{number}n"), number) for number, text in enumerate(texts)]
    assert read(lines, cuts) == read(lines) == read(lines, range(len(lines)))


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_a_chunk_with_which_its_container_has_ended_is_whole(count: int) -> None:
    transform = MultilineJson(Stamps(), AUTO)
    (chunk,) = cut([line(f"{number}", number) for number in range(count)], ended=False)
    found = texts(documents(transform.take(replace(chunk, ended=True)).segments))
    assert found == [f"{number}" for number in range(count)]
    assert not transform.is_amid_line


@given(st.integers(0, 10**9), st.lists(st.integers(0, 60), max_size=8))
def test_patterns_do_not_depend_on_where_the_input_is_cut(seed: int, cuts: list[int]) -> None:
    lines = generated(seed, 60)
    for multiline in (Multiline(start=r"^\S", max_lines=4), Multiline(more=r"^\s", gap=0.1), Multiline(end=r"n$")):
        assert read(lines, cuts, multiline) == read(lines, (), multiline) == read(lines, range(len(lines)), multiline)


@given(st.integers(0, 10**9), st.lists(st.integers(0, 60), max_size=8))
def test_reading_again_from_wherever_it_says_gives_the_rest_and_nothing_else(seed: int, cuts: list[int]) -> None:
    lines = generated(seed, 60)
    everything = read(lines)
    transform = MultilineJson(Stamps(), AUTO)
    done = 0
    for chunk in cut(lines, cuts):
        taken = transform.take(chunk)
        for segment in taken.segments:
            done += segment.count
            again = read_on(lines, segment.ticket)
            assert set(again) <= set(everything)
            assert set(everything[done:]) <= set(again)
        if taken.end is not None:
            assert set(everything[done:]) <= set(read_on(lines, taken.end)) <= set(everything)


def read_on(lines: Sequence[bytes], ticket: Ticket) -> Documents:
    start = Start(Resume(ticket.end, {}, ticket.fingerprint), "", ticket.last_time)
    transform = MultilineJson(Stamps(), AUTO, start)
    return [one for chunk in cut(lines, first=ticket.end.line) for one in documents(transform.take(chunk).segments)]


def test_the_position_moves_on_while_both_streams_are_busy() -> None:
    lines = [line(f"n{number}", number, stream="stderr" if number % 2 else "stdout") for number in range(100)]
    transform = MultilineJson(Stamps(), AUTO)
    ends = [taken.end.end.line for chunk in cut(lines, range(100)) if (taken := transform.take(chunk)).end is not None]
    assert ends[:-1] == list(range(1, 99))


def test_the_position_moves_on_where_each_event_is_cut() -> None:
    """As where a pattern never matches: else each restart would read the log from its first line."""
    lines = [line(f"n{number}", number) for number in range(100)]
    transform = MultilineJson(Stamps(), Multiline(start="^never", max_lines=10))
    ends = [taken.end.end.line for chunk in cut(lines, range(100)) if (taken := transform.take(chunk)).end is not None]
    assert ends[-2] == 90


def test_a_line_whose_end_never_came_is_not_behind_the_position_while_its_event_is_open() -> None:
    """The line behind it has begun, and waits for its own end."""
    transform = MultilineJson(Stamps(), AUTO)
    lines = [raw("no end", time="2026-11-23T10:00:00.1Z"), raw("begun", time="2026-11-23T10:00:00.2Z")]
    for chunk in cut(lines, [1], ended=False):
        taken = transform.take(chunk)
    assert taken.segments == []
    for chunk in cut([*lines, raw(" and ended\n", time="2026-11-23T10:00:00.2Z")], first=2, ended=False):
        taken = transform.take(chunk)
    assert [one.ticket.end.line for one in taken.segments] == [1]


# ------------------------------------------------------------------ killed wherever, decided whenever


class Agent:
    """Reads a log as an agent does that is killed and started again; what it has sent stays."""

    def __init__(self, lines: Sequence[bytes], chance: random.Random, transform: Callable[[Start], DockerJson]) -> None:
        self.lines = lines
        self.transform = transform
        self.chance = chance
        self.saved = Saved("c0ffee", "", "shop", 0.0)
        self.sent: dict[str, bytes] = {}
        self.ticket = Ticket(Position(FILE, 0, 0))
        self.furthest = 0

    def run(self, end: int) -> bool:
        """Read up to a line, or until it is killed; False then."""
        chance = self.chance
        start = self.saved.start
        transform = self.transform(start)
        first = self.ticket.end.line
        unsettled: list[Ticket] = []
        cuts = [first + number for number in range(end - first) if chance.random() < 0.2]
        for chunk in cut(self.lines[:end], cuts, first=first, ended=False):
            self.take(transform, chunk, unsettled)
            self.furthest = max(self.furthest, chunk.end.line)
            while chunk.end.line == self.furthest and chance.random() < 0.3:  # all that is there was read
                self.take(transform, empty(chunk.end), unsettled)
                if (undecided := transform.undecided()) is not None and undecided.is_at_end:
                    assert self.saved.decide(undecided.decided)
                    if chance.random() < 0.2:
                        return False  # it is on disk, and not used
                    transform.decide(self.saved.decided)
                    self.take(transform, empty(chunk.end), unsettled)
            if chance.random() < 0.1:
                return False
        self.take(transform, empty(position(self.lines, end), ended=end == len(self.lines)), unsettled)
        self.settle(unsettled, len(unsettled))
        return True

    def take(self, transform: DockerJson, chunk: Chunk, unsettled: list[Ticket]) -> None:
        taken = transform.take(chunk)
        for name, document in documents(taken.segments):
            assert self.sent.setdefault(name, document) == document
        unsettled += [segment.ticket for segment in taken.segments]
        if taken.end is not None:
            unsettled.append(taken.end)
        self.settle(unsettled, self.chance.randrange(len(unsettled) + 1))

    def settle(self, unsettled: list[Ticket], count: int) -> None:
        if count:
            self.ticket = unsettled[count - 1]
            self.saved.head, self.saved.ordinal = self.ticket.end.file.head, self.ticket.end.file.ordinal
            self.saved.offset, self.saved.line = self.ticket.end.offset, self.ticket.end.line
            for ticket in unsettled[:count]:
                self.saved.last_time = ticket.last_time or self.saved.last_time
            self.saved.fingerprint, self.saved.carried = self.ticket.fingerprint, self.ticket.carried
            del unsettled[:count]


@pytest.mark.parametrize("seed", range(150))
def test_each_line_is_in_one_document_wherever_it_is_killed_and_whatever_was_decided(seed: int) -> None:
    chance = random.Random(seed)
    lines = generated(seed, 80)
    multiline = (AUTO, Multiline(max_lines=3), Multiline(start=r"^\S", gap=0.01))[seed % 3]
    agent = Agent(lines, chance, lambda start: MultilineJson(Stamps(), multiline, start))
    for end in sorted({chance.randrange(len(lines)) + 1 for _ in range(4)} | {len(lines)}):
        while not agent.run(end):
            pass
    assert sorted(marks(agent.sent.items())) == sorted(marks(read(lines)))
    assert len(set(marks(agent.sent.items()))) == len(marks(agent.sent.items()))


def marks(found: Iterable[tuple[str, bytes]]) -> list[str]:
    """The numbers of the lines that documents were made of."""
    return [mark for _, document in found for mark in re.findall(r"n\d+n", str(json.loads(document)["log"]))]


def test_what_was_decided_is_used_at_each_read_and_forgotten_behind_the_position() -> None:
    transform = MultilineJson(Stamps(), AUTO)
    (chunk,) = cut([line("a"), line("b")], ended=False)
    transform.take(chunk)
    assert (found := transform.undecided()) is not None
    assert not found.is_at_end
    transform.take(empty(chunk.end))
    assert (found := transform.undecided()) is not None
    assert found.is_at_end
    saved = Saved("c0ffee", "", "shop", 0.0)
    assert saved.decide(found.decided)
    transform.decide(saved.decided)
    assert texts(documents(transform.take(empty(chunk.end)).segments)) == ["b"]
    assert not transform.is_amid_line
    late = line("\tlate", 1)
    lines = [line("a"), line("b"), late]
    again = MultilineJson(Stamps(), AUTO, Start(decided=saved.decided))
    assert texts([one for each in cut(lines) for one in documents(again.take(each).segments)]) == ["a", "b", "\tlate"]
    assert joined(lines) == ["a", "b\n\tlate"]
    saved.head, saved.ordinal, saved.line = FILE.head, FILE.ordinal, 2
    assert saved.decide(Decided())
    assert saved.decided == Decided()


def test_ends_of_a_file_are_kept_until_the_position_is_in_another_one() -> None:
    saved = Saved("c0ffee", "", "shop", 0.0, head=FILE.head, line=5)
    assert saved.decide(Decided(None, (Ended(FILE, 4, 1), Ended(FILE, 5, 2), Ended(NEXT, 0, 1))))
    assert saved.decide(Decided(None, (Ended(FILE, 5, 2),)))
    assert list(saved.decided.ended) == [Ended(FILE, 5, 2), Ended(NEXT, 0, 1)]
    saved.advance(Ticket(Position(NEXT, 0, 0)))
    assert list(saved.decided.ended) == [Ended(NEXT, 0, 1)]
    assert Saved("c0ffee", "", "shop", 0.0).decided == Decided()


def test_more_ends_are_decided_only_while_they_can_be_kept() -> None:
    saved = Saved("c0ffee", "", "shop", 0.0)
    kept = [saved.decide(Decided(None, (Ended(FILE, number, 1),))) for number in range(1030)]
    assert kept == [True] * 1024 + [False] * 6
    assert len(saved.ended) == 1024
