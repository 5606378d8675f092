"""Laws of plain lines: those of all transforms, and the times that are decided for lines that tell none."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.model import BEGINNING, Chunk, Decided, FileId, Position, Start, Ticket, Written
from collector.reading import Multiline
from collector.sources.fingerprint import fingerprint, last_line
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.state.positions_file import Saved
from collector.transform.docker_json import DockerJson
from collector.transform.plain_lines import PlainEvents, PlainLines
from collector.transform.stamps import Stamps, from_nanoseconds
from tests.contract.segments import log_stream
from tests.contract.transforms import TransformContract
from tests.examples import examples

STREAM = log_stream()
FILE = FileId(STREAM.container_id, "5eed", 0)
SECOND = 10**9
EVENTS = Multiline(gap=1.5)


class TestPlainLines(TransformContract):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return PlainLines(Stamps(), start)

    def line(self, text: str, number: int) -> bytes:
        return f"{text}\n".encode()


class TestPlainEvents(TestPlainLines):
    def transform(self, start: Start = BEGINNING) -> DockerJson:
        return PlainEvents(Stamps(), Multiline(gap=60.0), start)


class Log:
    """A file that is written bit by bit, a second apart, and read in chunks."""

    def __init__(self, lines: list[bytes]) -> None:
        self.lines = lines
        self.written = 0

    def chunk(self, first: int, last: int, *, ended: bool = False) -> Chunk:
        data = b"".join(self.lines[first:last])
        size, changed = self._offset(self.written), self.written * SECOND + 10**18
        return Chunk(
            stream=STREAM,
            data=data,
            start=Position(FILE, self._offset(first), first),
            end=Position(FILE, self._offset(last), last),
            ended=ended,
            fingerprint=fingerprint(last_line(data)) if data else "",
            size=lambda: size,
            changed=lambda: changed,
        )

    def _offset(self, line: int) -> int:
        return sum(map(len, self.lines[:line]))


class Run:
    """Lines are read and decided upon, over kills; after one it begins at what was kept."""

    def __init__(self, log: Log, multiline: Multiline | None) -> None:
        self.log = log
        self.documents: dict[str, bytes] = {}
        self._multiline = multiline
        self._saved = Saved(STREAM.container_id, STREAM.entry, STREAM.target, 0.0)
        self.kill()

    def kill(self) -> None:
        start = self._saved.start
        self._transform = (
            PlainLines(Stamps(), start) if self._multiline is None else PlainEvents(Stamps(), self._multiline, start)
        )
        self.at = self._saved.line
        before = last_line(b"".join(self.log.lines[: self.at]))
        assert self._saved.fingerprint in ("", fingerprint(before))

    def take(self, last: int, *, ended: bool = False) -> None:
        taken = self._transform.take(self.log.chunk(self.at, last, ended=ended))
        self.at = last
        for segment in taken.segments:
            for name, document in zip(segment.ids, segment.documents, strict=True):
                assert self.documents.setdefault(name, document) == document
        if taken.end is not None:
            self._saved.advance(taken.end)

    def decide(self, *, is_used: bool) -> None:
        undecided = self._transform.undecided()
        if undecided is not None and undecided.decided.written:
            assert self._saved.decide(undecided.decided)
            if is_used:
                self._transform.decide(self._saved.decided)
                self.take(self.at)


def run(log: Log, plan: list[tuple[int, bool]], multiline: Multiline | None) -> dict[str, bytes]:
    """Read on by so many lines, after as many more were written, with a kill after some of them."""
    found = Run(log, multiline)
    for step, is_killed in [*plan, (len(log.lines), False)]:
        log.written = min(log.written + step, len(log.lines))
        while found.at < log.written:
            found.take(min(found.at + max(1, step // 2), log.written))
            found.decide(is_used=not is_killed)
        if is_killed:
            found.kill()
    found.take(found.at, ended=True)
    return found.documents


TEXTS = st.sampled_from([b"plain", b'{"a":1}', b"", b"Traceback (most recent call last):", b"  at x.Y", b"\tindented"])
LINES = st.lists(TEXTS.map(lambda text: text + b"\n"), min_size=1, max_size=40)
PLAN = st.lists(st.tuples(st.integers(1, 9), st.booleans()), max_size=12)


@examples(3)
@given(LINES, PLAN, st.sampled_from([None, EVENTS]))
def test_a_kill_at_any_moment_changes_no_document_and_loses_no_line(
    texts: list[bytes], plan: list[tuple[int, bool]], multiline: Multiline | None
) -> None:
    found = run(Log(texts), plan, multiline)
    lines = sum(int(name.partition("~")[2] or 1) for name in found)
    assert lines == len(texts)


def test_lines_have_the_time_at_which_what_was_written_by_then_was_written() -> None:
    log = Log([b"line %d\n" % number for number in range(6)])
    found = run(log, [(2, False), (3, False), (1, False)], None)
    times = [json.loads(one)["@timestamp"] for _, one in sorted(found.items(), key=lambda one: int(one[0][13:]))]
    assert times == [from_nanoseconds(10**18 + second * SECOND) for second in (2, 2, 5, 5, 5, 6)]


def test_nothing_is_given_before_its_time_is_kept_and_reading_waits_for_it_at_a_bound() -> None:
    log = Log([b"x" * 1000 + b"\n"] * 2000)
    log.written = 2000
    transform = PlainLines(Stamps())
    for first, last in pairwise(range(0, 2001, 500)):
        assert transform.take(log.chunk(first, last)).segments == []
    assert transform.is_full
    undecided = transform.undecided()
    assert undecided is not None
    transform.decide(undecided.decided)
    assert not transform.is_full
    (segment,) = transform.take(log.chunk(2000, 2000)).segments
    assert segment.count == 2000
    assert not transform.is_amid_line


def test_one_decision_is_for_all_that_was_written_until_then() -> None:
    log = Log([b"x" * 1000 + b"\n"] * 2000)
    log.written = 2000
    transform = PlainLines(Stamps())
    transform.take(log.chunk(0, 10))
    undecided = transform.undecided()
    assert undecided is not None
    assert undecided.decided.written == (Written(FILE, 2000 * 1001, from_nanoseconds(10**18 + 2000 * SECOND)),)
    transform.decide(undecided.decided)
    assert sum(one.count for one in transform.take(log.chunk(10, 1990)).segments) == 1990
    assert transform.undecided() is None


def test_decided_times_are_kept_while_they_may_be_of_use_and_not_longer() -> None:
    saved = Saved("c", "", "t", 0.0, head="a", offset=100)
    past, here = (Written(FileId("c", "a", 0), until, "2026-11-30T00:00:00Z") for until in (90, 200))
    other = Written(FileId("c", "b", 0), 50, "2026-11-30T00:00:01Z")
    assert saved.decide(Decided(written=(past, here, other)))
    assert saved.decide(Decided(written=(other,)))
    assert list(saved.decided.written) == [here, other]
    saved.advance(Ticket(Position(FileId("c", "b", 0), 0, 0)))
    assert list(saved.decided.written) == [other]
    for number in range(1000):
        saved.decide(Decided(written=(Written(FileId("c", "b", 0), 100 + number, "2026-11-30T00:00:01Z"),)))
    assert len(saved.decided.written) == 256


@pytest.mark.parametrize("size", [MAX_RAW_LINE_BYTES - 1, MAX_RAW_LINE_BYTES])
def test_a_line_that_was_cut_is_marked_and_is_no_broken_line(size: int) -> None:
    log = Log([b"x" * size + b"\n"])
    log.written = 1
    taken = PlainLines(Stamps()).take(log.chunk(0, 1, ended=True))
    (document,) = [json.loads(one) for segment in taken.segments for one in segment.documents]
    assert document.get("truncated", False) == (size == MAX_RAW_LINE_BYTES)
    assert taken.parse_errors == 0


def test_a_line_that_is_no_text_is_counted_once_though_it_waited() -> None:
    log = Log([b"\xff\xfe\n", b"text\n"])
    log.written = 2
    transform = PlainLines(Stamps())
    taken = [transform.take(log.chunk(0, 2))]
    undecided = transform.undecided()
    assert undecided is not None
    transform.decide(undecided.decided)
    taken.append(transform.take(log.chunk(2, 2)))
    assert sum(one.parse_errors for one in taken) == 1
