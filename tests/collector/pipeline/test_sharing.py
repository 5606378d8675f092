"""Outputs that share what they decode have the same documents as one that is alone, whatever the order of their looks.

Each output here is a real source with its reader, looked at by hand, as a round does it.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Chunk, LogStream, Resume, Segment, Start, Ticket
from collector.pipeline.reader import Reader, together
from collector.pipeline.sharing import Sharing
from collector.ports import PolledSource
from collector.reading import AS_WRITTEN, Multiline, Reading
from collector.sources.file_tail import FileTail
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher
from collector.transform.stamps import UTC_STAMPS
from tests.collector.docker_lines import ContainerLog, log_stream, raw
from tests.examples import examples

_READS = JsonFiles(UTC_STAMPS)
_MOST_BYTES = 1 << 20
READINGS = {
    "as written": AS_WRITTEN,
    "in a format": Reading(format="json"),
    "a format, slow": Reading(format="regexp", options={"pattern": r"^(?<word>\S+) (?<rest>.*)$"}),
    "selective": Reading(level="warn", adds=("level",)),
    "folded": Reading(fold=10.0),
    "joined": Reading(multiline=Multiline()),
}


class Output:
    """One output's way up to its documents, by id; `ends` are the places at which it may be stopped."""

    def __init__(self, stream: LogStream, watcher: Watcher, sharing: Sharing | None = None) -> None:
        self.documents: dict[str, bytes] = {}
        self.ends: list[Ticket] = []
        self._stream = stream
        self._watcher = watcher
        self._sharing = sharing
        self._open(BEGINNING)

    def _open(self, start: Start) -> None:
        counts = TailCounts(border=self._sharing.border if self._sharing else None, read_bytes=1 << 10)
        rounds = Rounds[PolledSource](linger_seconds=1.0, batch_bytes=1 << 20, take=lambda found: [True])
        self.tail = FileTail(self._stream, self._watcher, start=start, counts=counts, rounds=rounds)
        seat = self._sharing.seat(self._stream.key) if self._sharing else None
        self.reader = Reader(self.tail, _READS.transform(self._stream, start), seat=seat)

    def look(self) -> Chunk | None:
        """What has come is taken; None if nothing has."""
        if (chunk := self._chunk()) is not None:
            (made,) = together([self.reader], [chunk], _MOST_BYTES)
            self._pass_on(chunk, made)
        return chunk

    def _chunk(self) -> Chunk | None:
        self.tail._wake._is_set = False  # nobody sleeps here
        for _ in range(8):  # other files may come first
            if (chunk := self.tail.look(asyncio.get_running_loop().time())) is not None:
                self.tail.passed(chunk, is_taken=True)
                return chunk
        return None

    def _pass_on(self, chunk: Chunk, made: Sequence[Segment] | None) -> None:
        if made is not None:
            self._take(made)
            return
        for _, taken, _ in self.reader.made(chunk, _MOST_BYTES):
            self._take(taken.segments)
            if taken.end is not None:
                self.ends.append(taken.end)

    def _take(self, segments: Sequence[Segment]) -> None:
        for segment in segments:
            assert segment.ticket not in self.ends
            self.ends.append(segment.ticket)
            assert segment.ticket.documents == segment.count
            for name, document in zip(segment.ids, segment.documents, strict=True):
                assert self.documents.setdefault(name, document) == document

    def to_end(self) -> None:
        """All that is there is taken."""
        while self.look() is not None:
            pass

    def go_back(self, number: int) -> None:
        """Read again from one of the places at which nothing was on its way."""
        if (start := self._start(number)) is not None:
            self.reader.transform = _READS.transform(self._stream, start)
            self.reader.told.back()
            self.tail.go_back(start)

    def restart(self, number: int) -> None:
        """The agent ends, and begins at one of these places."""
        if (start := self._start(number)) is not None:
            self.close()
            self._open(start)

    def _start(self, number: int) -> Start | None:
        if not self.ends:
            return None
        end = self.ends[number % len(self.ends)]
        files = list(dict.fromkeys(one.end.file for one in self.ends))  # in their order, wherever it went back to since
        ordinals = {one.head: one.ordinal for one in files[: files.index(end.end.file) + 1]}
        return Start(Resume(end.end, ordinals, end.fingerprint), last_time=end.last_time, carried=end.carried)

    def close(self) -> None:
        self.tail.close()
        if self.reader.seat is not None:
            self.reader.seat.leave()


class Scene:
    """A log, outputs that share it, and one that reads it alone as soon as it is written."""

    def __init__(self, root: Path, reading: Reading, watcher: Watcher, sharing: Sharing) -> None:
        self.log = ContainerLog(root)
        self.sharing = sharing
        self._count = 0
        stream = log_stream(self.log.live, reading=reading)
        self.log.write(self._line())
        self.alone = Output(stream, watcher)
        # Equal streams need not be the same object: an output with settings of its own makes its own.
        self.outputs = [Output(replace(stream, fields=dict(stream.fields)), watcher, sharing) for _ in range(3)]

    def _line(self, kind: str = "json") -> bytes:
        self._count += 1
        number, time = self._count, f"2026-11-{23 + self._count // 40:02}T02:13:00.{self._count:09}Z"
        whole = {
            "json": raw(f'{{"level":"warn","n":{number}}}\n', time=time),
            "info": raw(f'{{"level":"info","n":{number}}}\n', time=time),
            "text": raw(f"word {number} é\n", time=time),
            "indented": raw(f"  at {number}\n", time=time),
            "undated": b'{"log":"undated %d\\n","stream":"stdout"}\n' % number,
            "broken": b"broken %d\n" % number,
            "torn": b"\0\0" + raw(f"torn {number}\n", time=time),
            "long": raw(f"{'x' * 1500} {number}\n", time=time),
        }
        if kind == "pieces":
            return raw(f"first {number} ", time=time) + raw("second ", time=time) + raw("third\n", time=time)
        return raw(f"begun {number} ", time=time) if kind == "piece" else whole[kind]

    def write(self, kinds: Sequence[str]) -> None:
        self.log.write(*map(self._line, kinds))
        self.alone.to_end()

    def rotate(self) -> None:
        self.log.rotate(keep=40)
        self.log.write(self._line())
        self.alone.to_end()

    def end(self) -> None:
        """All read on to the end, where no line is amid."""
        self.write(["json", "json"])
        for output in self.outputs:
            output.to_end()

    def close(self) -> None:
        for output in (self.alone, *self.outputs):
            output.close()


KINDS = st.sampled_from(
    ["json", "json", "json", "info", "text", "indented", "undated", "broken", "torn", "long", "pieces", "piece"]
)
WHO = st.integers(0, 2)
STEPS = st.one_of(
    st.tuples(st.just("write"), st.lists(KINDS, min_size=1, max_size=12)),
    st.tuples(st.just("look"), st.lists(WHO, min_size=1, max_size=9)),
    st.tuples(st.just("look"), st.lists(WHO, min_size=1, max_size=9)),
    st.tuples(st.just("rotate"), st.none()),
    st.tuples(st.just("go_back"), st.tuples(WHO, st.integers(0, 30))),
    st.tuples(st.just("restart"), st.tuples(WHO, st.integers(0, 30))),
)


def played(reading: Reading, steps: Sequence[tuple[str, Any]], most_bytes: int) -> Scene:
    async def play(root: Path) -> Scene:
        with Watcher() as watcher:
            scene = Scene(root, reading, watcher, Sharing(most_bytes))
            for what, how in steps:
                if what == "write":
                    scene.write(how)
                elif what == "rotate":
                    scene.rotate()
                elif what == "look":
                    for who in how:
                        scene.outputs[who].look()
                else:
                    getattr(scene.outputs[how[0]], what)(how[1])
            scene.end()
            scene.close()
            return scene

    with TemporaryDirectory() as root:
        return asyncio.run(play(Path(root)))


def place(end: Ticket) -> tuple[object, ...]:
    """All by which reading goes on there."""
    return end.end, end.last_time, end.fingerprint, end.carried


@pytest.mark.slow
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
@examples(0.5)
@given(steps=st.lists(STEPS, max_size=20), most_bytes=st.sampled_from([0, 4 << 10, 1 << 20]))
def test_any_order_of_looks_gives_each_output_what_one_alone_has(
    reading: Reading, steps: list[tuple[str, Any]], most_bytes: int
) -> None:
    scene = played(reading, steps, most_bytes)
    for output in scene.outputs:
        assert output.documents == scene.alone.documents
        assert place(output.ends[-1]) == place(scene.alone.ends[-1])
    assert scene.sharing.size == 0, "nothing is kept when nobody reads"


async def shared(root: Path, *readings: Reading, lines: int = 3) -> list[Output]:
    """Outputs with these readings, which have all looked at the same lines once."""
    log = ContainerLog(root)
    log.write(*(raw(f'{{"n":{number}}}\n') for number in range(lines)))
    sharing = Sharing()
    with Watcher() as watcher:
        outputs = [Output(log_stream(log.live, reading=reading), watcher, sharing) for reading in readings]
        for output in outputs:
            output.look()
        for output in outputs:
            output.close()
    return outputs


@pytest.mark.parametrize("reading", [AS_WRITTEN, Reading(format="json")], ids=["as written", "in a format"])
async def test_the_documents_of_one_output_are_those_of_the_next(tmp_path: Path, reading: Reading) -> None:
    first, second, third = await shared(tmp_path, reading, reading, reading)
    assert len(first.documents) == 3
    for name, document in first.documents.items():
        assert second.documents[name] is third.documents[name] is document


async def test_one_that_takes_over_stands_where_it_would_if_it_had_read_by_itself(tmp_path: Path) -> None:
    """Also behind the next lines, which it reads by itself: nobody has, by then."""
    log = ContainerLog(tmp_path)
    sharing = Sharing()
    with Watcher() as watcher:
        alone = Output(log_stream(log.live), watcher)
        first, second = [Output(log_stream(log.live), watcher, sharing) for _ in range(2)]
        for turn in ((first, second), (first, second), (second, first), (second, first)):
            log.write(*(raw(f"line {number} é\n", time=f"2026-11-23T02:13:0{number}.5Z") for number in range(3)))
            for output in (alone, *turn):
                output.look()
            readers = [output.tail._log.reader for output in (alone, *turn)]
            told = [(one.position, one.fingerprint, one.last_line, one.is_at_end) for one in readers if one is not None]
            assert told == told[:1] * 3
            assert [place(output.ends[-1]) for output in turn] == [place(alone.ends[-1])] * 2
        assert sharing.size == 0
        log.write(raw("last\n"))
        for output in (first, second):
            output.restart(-1)
        for output in (alone, second):
            output.to_end()
        assert second.documents == alone.documents
        for output in (alone, first, second):
            output.close()


async def test_an_output_with_settings_of_its_own_decodes_by_itself(tmp_path: Path) -> None:
    first, second = await shared(tmp_path, AS_WRITTEN, Reading(adds=("line",)))
    assert all(b'"line":' not in document for document in first.documents.values())
    assert all(b'"line":' in document for document in second.documents.values())


async def test_one_that_is_late_is_abreast_again_where_it_comes_to_what_another_has_read(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path)
    sharing = Sharing()
    with Watcher() as watcher:
        first, second = [Output(log_stream(log.live), watcher, sharing) for _ in range(2)]
        log.write(*(raw(f"early {number}\n") for number in range(3)))
        assert second.look() is not None
        log.write(raw("late\n"))
        assert second.look() is not None
        sharing._most_bytes = 0
        log.write(raw("later\n"))
        assert second.look() is not None  # too much: nothing is kept
        sharing._most_bytes = 1 << 20
        log.write(raw("last\n"))
        end = second.look()
        assert end is not None
        first.to_end()
        (last,) = second.documents.keys() - [*second.documents][:-1]
        assert first.documents[last] is second.documents[last]
        assert first.documents == second.documents
        first.close()
        second.close()


async def test_no_more_is_kept_than_the_bound_and_nothing_that_nobody_comes_for(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path)
    sharing = Sharing(most_bytes=8 << 10)
    with Watcher() as watcher:
        first, second = [Output(log_stream(log.live), watcher, sharing) for _ in range(2)]
        for number in range(50):
            log.write(raw(f"{'x' * 500} {number}\n"))
            first.look()
            assert 0 < sharing.size <= 8 << 10
        second.to_end()
        assert sharing.size == 0
        second.close()
        log.write(raw("alone\n"))
        first.look()
        assert sharing.size == 0
        first.close()


@pytest.mark.parametrize("is_late", [False, True])
async def test_what_came_since_waits_for_the_next_round_only_where_another_output_has_just_looked(
    tmp_path: Path, *, is_late: bool
) -> None:
    """Else an output that looks after a whole round would stay a round behind."""
    log = ContainerLog(tmp_path)
    sharing = Sharing()
    with Watcher() as watcher:
        first, second = [Output(log_stream(log.live), watcher, sharing) for _ in range(2)]
        log.write(raw("first\n"))
        first.look()
        log.write(raw("since\n"))
        if is_late:
            for made in sharing._kept:
                made.until = 0.0
        second.look()
        assert len(second.documents) == 1
        assert second.tail._log.is_at_end is not is_late
        for output in (first, second):
            output.to_end()
            assert len(output.documents) == 2
            output.close()
