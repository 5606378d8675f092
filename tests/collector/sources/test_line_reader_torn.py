"""Laws of files in which a power loss left NUL bytes: they are passed, however many, and shift nothing."""

import gzip
import resource
from pathlib import Path

import pytest

from collector.model import FileId, Position, Start
from collector.sources.line_reader import LineReader, NoLines
from collector.sources.log_files import MAX_RAW_LINE_BYTES, LogFile, generations
from collector.sources.tail_counts import CHUNK_BYTES, TailCounts
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import ContainerLog, numbered
from tests.collector.sources.reading import Reading, place, reading, resume_at
from tests.collector.sources.test_file_tail import head
from tests.collector.waiting import until

BEFORE, GOOD, *AFTER = numbered(range(6))
COUNTS = [1, 4096, CHUNK_BYTES - 1, CHUNK_BYTES, MAX_RAW_LINE_BYTES - 1, MAX_RAW_LINE_BYTES, MAX_RAW_LINE_BYTES + 1]
LONG = 3 * MAX_RAW_LINE_BYTES + 12345


@pytest.fixture
def log(tmp_path: Path) -> ContainerLog:
    return ContainerLog(tmp_path)


def documents(found: Reading, last_time: str = "") -> dict[str, bytes]:
    """What is shipped of it, by id."""
    transforming = DockerJson(Stamps(), Start(last_time=last_time))
    segments = [segment for chunk in found.chunks for segment in transforming.segments(chunk)]
    return {one: body for segment in segments for one, body in zip(segment.ids, segment.documents, strict=True)}


def texts(found: Reading) -> list[bytes]:
    return [body.split(b'"message":"')[1].split(b'"}')[0] for body in documents(found).values()]


@pytest.mark.parametrize("count", COUNTS)
async def test_nul_bytes_at_the_start_are_skipped_whatever_their_number(log: ContainerLog, count: int) -> None:
    log.write(b"\0" * count + GOOD, *AFTER)
    async with reading(log) as found:
        await until(lambda: bool(found.chunks) and found.end.line == 5)
    assert texts(found) == [b"line %d" % number for number in range(1, 6)]
    assert found.end.offset == count + sum(map(len, [GOOD, *AFTER]))
    assert found.tail.counts.lost_bytes == found.tail.counts.truncated == 0


@pytest.mark.parametrize("count", [4096, LONG])
@pytest.mark.parametrize("torn", [b"", b'{"log":"to'])
async def test_reading_goes_on_from_any_position_around_nul_bytes(log: ContainerLog, count: int, torn: bytes) -> None:
    log.write(BEFORE, torn + b"\0" * count + GOOD, *AFTER)
    async with reading(log) as everything:
        await until(lambda: bool(everything.chunks) and everything.end.line == 6)
    assert texts(everything) == [b"line 0", *[rb"{\"log\":\"to"][: len(torn)], *[b"line %d" % n for n in range(1, 6)]]
    for number, chunk in enumerate(everything.chunks[:-1], 1):
        part = Reading(everything.tail)
        part.chunks = everything.chunks[:number]
        async with reading(log, resume=resume_at(part)) as rest:
            await until(lambda: bool(rest.chunks) and rest.end == everything.end)
        assert rest.chunks[0].start == chunk.end
        last_time = f"2026-11-23T02:13:00.{chunk.end.line - 1:09}Z"  # as `numbered` gives it
        assert documents(part) | documents(rest, last_time) == documents(everything)
        assert not documents(part).keys() & documents(rest).keys()
        assert rest.tail.counts.truncated == 0


@pytest.mark.parametrize("before", [0, 4096, LONG])
@pytest.mark.parametrize("torn", [10, MAX_RAW_LINE_BYTES - 5000, LONG])
@pytest.mark.parametrize("behind", [1, LONG])
async def test_a_good_line_stays_behind_nul_bytes_and_whatever_is_torn(
    log: ContainerLog, before: int, torn: int, behind: int
) -> None:
    log.write(BEFORE, b"\0" * before + b"x" * torn + b"\0" * behind + GOOD, *AFTER)
    async with reading(log) as found:
        await until(lambda: bool(found.chunks) and found.end.line == 6)
    assert texts(found) == [b"line 0", b"x" * min(torn, MAX_RAW_LINE_BYTES), *[b"line %d" % n for n in range(1, 6)]]
    lost_bytes = max(0, torn - MAX_RAW_LINE_BYTES)
    assert (found.tail.counts.lost_bytes, found.tail.counts.truncated) == (lost_bytes, 0)


@pytest.mark.parametrize("before", [4096, LONG])
async def test_nul_bytes_before_a_line_beyond_the_bound_are_no_part_of_it(log: ContainerLog, before: int) -> None:
    log.write(BEFORE, b"\0" * before + b"x" * LONG + b"\n", GOOD)
    async with reading(log) as found:
        await until(lambda: bool(found.chunks) and found.end.line == 3)
    assert texts(found) == [b"line 0", b"x" * MAX_RAW_LINE_BYTES, b"line 1"]
    assert all(b'"truncated":true' in body for body in documents(found).values() if b"xx" in body)
    assert (found.tail.counts.lost_bytes, found.tail.counts.truncated) == (LONG - MAX_RAW_LINE_BYTES, 0)


@pytest.mark.parametrize("count", [4096, LONG])
@pytest.mark.parametrize("torn", [b"", b'{"log":"to'])
async def test_nul_bytes_at_the_end_wait_for_the_line_behind_them(log: ContainerLog, count: int, torn: bytes) -> None:
    log.write(BEFORE, torn + b"\0" * (count - 100))
    async with reading(log) as found:
        await found.until(BEFORE)
        log.write(b"\0" * 100)
        log.write(GOOD[:30])
        log.write(GOOD[30:], *AFTER)
        await until(lambda: found.end.line == 6)
    async with reading(log) as at_once:
        await until(lambda: bool(at_once.chunks) and at_once.end.line == 6)
    assert documents(found) == documents(at_once)


@pytest.mark.parametrize("count", [4096, LONG])
@pytest.mark.parametrize("compress", [False, True])
async def test_nul_bytes_at_the_end_of_a_rotated_file_are_no_line(
    log: ContainerLog, count: int, compress: bool
) -> None:
    log.write(BEFORE, b"\0" * count)
    log.rotate(compress=compress)
    log.write(GOOD)
    async with reading(log) as found:
        await found.until(BEFORE, GOOD)
    assert found.tail.counts.lost_bytes == found.tail.counts.gaps == 0
    async with reading(log, resume=resume_at(found)) as again:
        log.write(*AFTER)
        await again.until(*AFTER)


@pytest.mark.parametrize("count", [4096, LONG])
async def test_a_rotated_file_of_nul_bytes_only_is_passed(log: ContainerLog, count: int) -> None:
    log.write(b"\0" * count)
    log.rotate()
    log.write(GOOD)
    async with reading(log) as found:
        await found.until(GOOD)
    assert found.tail.counts.lost_bytes == 0


@pytest.mark.parametrize("count", [4096, LONG])
async def test_a_copy_with_nul_bytes_is_the_file_that_it_is_of(log: ContainerLog, count: int) -> None:
    log.write(b"\0" * count + BEFORE, GOOD)
    async with reading(log) as found:
        await until(lambda: bool(found.chunks) and found.end.line == 2)
    log.write(AFTER[0])
    log.rotate(compress=True)
    log.write(*AFTER[1:])
    async with reading(log, resume=resume_at(found)) as rest:
        await rest.until(*AFTER)
    assert place(rest.chunks[0].start) == place(found.end)


@pytest.mark.parametrize("count", [0, 4096, LONG])
async def test_a_file_that_was_cut_while_nul_bytes_waited_begins_anew(log: ContainerLog, count: int) -> None:
    log.write(BEFORE, b"\0" * LONG)
    async with reading(log) as found:
        await found.until(BEFORE)
        await until(lambda: found.tail.backlog_bytes < MAX_RAW_LINE_BYTES)
        log.live.write_bytes(b"\0" * count + GOOD)
        await until(lambda: found.end.line == 1 and found.end.file.head != head(BEFORE))
    assert texts(found) == [b"line 0", b"line 1"]


async def test_what_an_older_version_identified_is_still_known(log: ContainerLog) -> None:
    """It took the NULs for part of the first line, and the file's identity for the hash of all of it."""
    log.write(b"\0" * 4096 + GOOD, *AFTER)
    async with reading(log) as found:
        await until(lambda: bool(found.chunks) and found.end.line == 5)
    first = b"\0" * 4096 + GOOD
    assert place(found.end) == place(Position(FileId("c0ffee", head(first), 0), len(first) + sum(map(len, AFTER)), 5))


def test_a_run_of_nul_bytes_takes_no_memory(tmp_path: Path) -> None:
    size = 200 << 20
    log = ContainerLog(tmp_path)
    with log.live.open("wb") as file:
        file.truncate(size)
    log.write(GOOD)
    log.generation(1, compressed=True).write_bytes(gzip.compress(b"\0" * size, 1))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    compressed, plain = (LineReader(LogFile(each)) for each in generations(log.live))
    while (found := plain.read(CHUNK_BYTES)) is NoLines.SO_FAR:
        pass
    assert found == b"\0" + GOOD
    while compressed.read(CHUNK_BYTES) is NoLines.SO_FAR:
        pass
    assert compressed.rest() is None
    assert (plain.lost_bytes, compressed.lost_bytes) == (0, 0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 << 10


async def test_nul_bytes_are_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    counts = TailCounts()
    for lines in (0, 2, 3):
        counts.torn("shop", lines=lines)
    assert counts.torn_lines == 5
    assert capsys.readouterr().out.count("NUL bytes left out of a log") == 1
