"""Laws of following a log file: every whole line once and in order, whatever happens to the files."""

import asyncio
import os
import shutil
from collections import Counter
from collections.abc import AsyncGenerator
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from msgspec.structs import replace

from collector.model import Chunk, FileId, Position, Resume, Start
from collector.sources.file_tail import FileTail
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.sources.tail_counts import CHUNK_BYTES, TailCounts
from collector.sources.watcher import Watcher
from tests.collector.docker_lines import ContainerLog, log_stream, numbered, raw
from tests.collector.sources.reading import QUICK, UNWATCHED, Reading, check, place, reading, resume_at
from tests.collector.waiting import until
from tests.examples import examples


@pytest.fixture
def log(tmp_path: Path) -> ContainerLog:
    return ContainerLog(tmp_path)


def head(line: bytes) -> str:
    return blake2b(line, digest_size=16).hexdigest()


# ------------------------------------------------------------------ one file


async def test_what_is_there_is_read_with_its_positions(log: ContainerLog) -> None:
    lines = numbered(range(3))
    log.write(*lines)
    async with reading(log) as found:
        await found.until(*lines)
    file = FileId("c0ffee", head(lines[0]), 0)
    assert place(found.chunks[0].start) == place(Position(file, 0, 0))
    assert place(found.end) == place(Position(file, sum(map(len, lines)), 3))


async def test_what_is_appended_is_read(log: ContainerLog) -> None:
    lines = numbered(range(20))
    async with reading(log) as found:
        for number, line in enumerate(lines, 1):
            log.write(line)
            await found.until(*lines[:number])


async def test_a_watched_file_wakes_its_reader(log: ContainerLog) -> None:
    first, second = numbered(range(2))
    log.write(first)
    with Watcher() as watcher:
        running = asyncio.create_task(watcher.run())
        async with reading(log, watcher=watcher) as found:
            await until(lambda: watcher._armed)
            log.write(second)
            async with asyncio.timeout(5):  # a look without an event comes after 30 s
                await found.until(first, second)
        running.cancel()


async def test_many_chunks_follow_each_other_without_a_gap(log: ContainerLog) -> None:
    lines = numbered(range(20_000))
    log.write(*lines)
    async with reading(log) as found:
        await found.until(*lines)
    assert len(found.chunks) > 1
    assert all(one.end == other.start for one, other in zip(found.chunks, found.chunks[1:], strict=False))
    assert max(len(chunk.data) for chunk in found.chunks) <= CHUNK_BYTES


@pytest.mark.parametrize(("logs", "most_bytes"), [(0, CHUNK_BYTES), (1_000, 17 << 10), (10_000, 8 << 10)])
async def test_with_more_logs_that_wait_for_room_each_gives_less_at_once(
    log: ContainerLog, logs: int, most_bytes: int
) -> None:
    lines = numbered(range(10_000))
    log.write(*lines)
    counts = TailCounts()
    counts.wait(logs)
    async with reading(log, counts=counts) as found:
        await found.until(*lines)
    assert most_bytes // 2 < max(len(chunk.data) for chunk in found.chunks) <= most_bytes


async def test_half_a_line_waits_for_its_end(log: ContainerLog) -> None:
    first, second = numbered(range(2))
    log.write(first, second[:20])
    async with reading(log) as found:
        await found.until(first)
        assert found.end.offset == len(first)
        log.write(second[20:])
        await found.until(first, second)


async def test_a_file_has_no_identity_before_its_first_whole_line(log: ContainerLog) -> None:
    (line,) = numbered(range(1))
    log.write(line[:-1])
    async with reading(log, running=False) as found:
        log.write(b"\n")
        await found.until(line)
    assert found.chunks[0].start.file.head == head(line)


async def test_a_line_longer_than_a_chunk_is_read_whole(log: ContainerLog) -> None:
    lines = [raw("x" * (CHUNK_BYTES * 3) + "\n"), raw("next\n")]
    log.write(*lines)
    async with reading(log) as found:
        await found.until(*lines)


async def test_a_line_beyond_the_bound_is_cut_and_the_rest_is_counted_as_lost(log: ContainerLog) -> None:
    first, last = numbered(range(2))
    log.write(first, b"y" * (MAX_RAW_LINE_BYTES + 1000) + b"\n", last)
    async with reading(log) as found:
        await until(lambda: len(found.lines) == 3)
    assert [found.lines[0], found.lines[2]] == [first, last]
    assert len(found.lines[1]) == MAX_RAW_LINE_BYTES + 1
    assert found.tail.counts.lost_bytes == 1000
    assert found.end.offset == log.live.stat().st_size


async def test_a_file_that_comes_later_is_read(log: ContainerLog) -> None:
    lines = numbered(range(1))
    async with reading(log) as found:
        await asyncio.sleep(0)
        log.write(*lines)
        await found.until(*lines)


async def test_a_missing_folder_is_waited_for(tmp_path: Path) -> None:
    log = ContainerLog(tmp_path)
    log.live.parent.rmdir()
    async with reading(log) as found:
        await asyncio.sleep(0)
        log.live.parent.mkdir()
        log.write(*numbered(range(1)))
        await found.until(*numbered(range(1)))


@pytest.mark.parametrize("kind", ["link", "pipe", "folder"])
async def test_what_is_no_regular_file_is_never_read(log: ContainerLog, tmp_path: Path, kind: str) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(raw("secret\n"))
    if kind == "link":
        log.live.symlink_to(secret)
    elif kind == "pipe":
        os.mkfifo(log.live)
    else:
        log.live.mkdir()
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    tail.remove()
    assert [chunk async for chunk in tail.chunks()] == []


async def test_a_log_that_is_a_link_is_an_error_until_it_is_a_file(log: ContainerLog, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(raw("secret\n"))
    log.live.symlink_to(elsewhere)
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    with pytest.raises(OSError, match="symbolic link"):
        await anext(tail.chunks())
    log.live.unlink()
    log.write(raw("line\n"))
    chunk = await anext(tail.chunks())
    assert chunk.data == raw("line\n")
    tail.close()


async def test_the_backlog_is_what_was_not_read(log: ContainerLog) -> None:
    log.write(*numbered(range(5000)))
    log.rotate()
    log.write(*numbered(range(5000, 8000)))
    whole = log.generation(1).stat().st_size + log.live.stat().st_size
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    seen = 0
    async for chunk in tail.chunks():
        seen += len(chunk.data)
        assert tail.backlog_bytes == whole - seen
        if seen == whole:
            break


async def test_the_backlog_of_an_idle_log_is_half_a_line(log: ContainerLog) -> None:
    first, second = numbered(range(2))
    log.write(first, second[:5])
    async with reading(log) as found:
        await found.until(first)
        await until(lambda: found.tail.backlog_bytes == 5)
        log.write(second[5:])
        await found.until(first, second)
        await until(lambda: found.tail.backlog_bytes == 0)


# ------------------------------------------------------------------ rotation


async def test_the_old_file_is_finished_before_the_new_one_begins(log: ContainerLog) -> None:
    lines = numbered(range(10))
    log.write(*lines[:2])
    async with reading(log) as found:
        await found.until(*lines[:2])
        log.write(*lines[2:5])
        log.rotate()
        log.write(*lines[5:])
        await found.until(*lines)
    assert found.tail.counts.rotated == 1
    assert found.end.line == 5


@pytest.mark.parametrize("compress", [False, True])
async def test_generations_that_were_missed_are_read_oldest_first(log: ContainerLog, compress: bool) -> None:
    lines = numbered(range(40))
    log.write(*lines[:10])
    async with reading(log) as found:
        await found.until(*lines[:10])
        for first in (10, 20, 30):
            log.rotate(compress=compress)
            log.write(*lines[first : first + 10])
        await found.until(*lines)
    assert found.tail.counts.gaps == 0


@pytest.mark.parametrize("compress", [False, True])
async def test_all_generations_are_read_at_the_first_start(log: ContainerLog, compress: bool) -> None:
    lines = numbered(range(40))
    for first in (0, 10, 20, 30):
        log.rotate(compress=compress)
        log.write(*lines[first : first + 10])
    async with reading(log) as found:
        await found.until(*lines)


async def test_a_log_of_one_file_is_read_over_its_replacement(log: ContainerLog) -> None:
    lines = numbered(range(30))
    log.write(*lines[:10])
    async with reading(log) as found:
        await found.until(*lines[:10])
        log.write(*lines[10:20])
        log.rotate(keep=1)
        log.write(*lines[20:])
        await found.until(*lines)


async def test_half_a_line_at_the_end_of_a_finished_file_ships(log: ContainerLog) -> None:
    first, second = numbered(range(2))
    log.write(first, b"torn")
    async with reading(log) as found:
        await found.until(first)
        log.rotate()
        log.write(second)
        await found.until(first, b"torn\n", second)
    assert place(found.chunks[1].end) == place(Position(found.chunks[0].end.file, len(first) + 4, 2))


async def test_a_compressed_file_goes_on_at_the_same_offset(log: ContainerLog) -> None:
    lines = numbered(range(20_000))
    log.write(*lines)
    whole = log.live.stat()
    position = Position(FileId("c0ffee", head(lines[0]), 0), sum(map(len, lines[:700])), 700, whole.st_ino)
    log.rotate(compress=True)
    async with reading(log, resume=Resume(position)) as rest:
        await rest.until(*lines[700:])
    assert place(rest.chunks[0].start) == place(position)
    assert place(rest.end) == place(Position(position.file, whole.st_size, 20_000))


async def test_files_that_begin_with_equal_lines_are_numbered_oldest_first(log: ContainerLog) -> None:
    same = raw("x" * 100)
    for text in ("a\n", "b\n", "c\n"):
        log.rotate()
        log.write(same, raw(text))
    async with reading(log) as found:
        await until(lambda: len(found.lines) == 6)
    assert [chunk.start.file for chunk in found.chunks] == [FileId("c0ffee", head(same), n) for n in range(3)]


@pytest.mark.parametrize("look_between", [False, True])
async def test_a_compressed_file_among_equal_beginnings_is_told_apart(log: ContainerLog, look_between: bool) -> None:
    same = raw("x" * 100)
    lines = [same, raw("a\n")]
    log.write(*lines)
    async with reading(log) as found:
        await found.until(*lines)
        for text in ("b\n", "c\n", "d\n"):
            log.rotate(compress=True)
            log.write(same, raw(text))
            lines += [same, raw(text)]
            if look_between:
                await found.until(*lines)
        await found.until(*lines)
    assert found.tail.counts.gaps == 0


async def test_a_restart_among_compressed_files_with_equal_beginnings_goes_on_in_the_right_one(
    log: ContainerLog,
) -> None:
    same = raw("x" * 100)
    for text in ("a\n", "b\n"):
        log.write(same, raw(text))
        log.rotate(compress=True)
    log.write(same, raw("c\n"))
    async with reading(log) as before:
        await until(lambda: len(before.lines) == 6)
        resume = resume_at(before)
    log.write(raw("rest\n"))
    log.rotate(compress=True)
    log.write(same, raw("d\n"))
    async with reading(log, resume=resume) as after:
        await after.until(raw("rest\n"), same, raw("d\n"))
    assert place(after.chunks[0].start) == place(before.end)
    assert after.end.file.ordinal == 3
    assert after.tail.counts.gaps == 0


async def test_files_that_rotation_removes_before_their_turn_are_read_all_the_same(log: ContainerLog) -> None:
    """The reader is stopped at its first chunk, as by an output that takes nothing."""
    lines = numbered(range(40))
    log.write(*lines[:10])
    with Watcher() as watcher:
        running = asyncio.create_task(watcher.run())
        tail = FileTail(log_stream(log.live), watcher, waits=QUICK)
        chunks = tail.chunks()
        found = [await anext(chunks)]
        for first in (10, 20, 30):
            log.rotate(keep=1)
            log.write(*lines[first : first + 10])
            await until(lambda first=first: tail.counts.open_files == 1 + first // 10)  # type: ignore[misc]
        assert tail.held_bytes == sum(map(len, lines[10:30]))
        assert tail.backlog_bytes == sum(map(len, lines[10:]))
        found += [await anext(chunks) for _ in range(3)]
        assert b"".join(chunk.data for chunk in found) == b"".join(lines)
        assert (tail.counts.gaps, tail.counts.open_files, tail.held_bytes) == (0, 1, 0)
        tail.close()
        running.cancel()


@pytest.mark.parametrize("keep", [1, 3])
async def test_each_file_that_was_made_and_removed_unseen_is_a_gap_and_no_other_is(
    log: ContainerLog, keep: int
) -> None:
    lines = numbered(range(60))
    log.write(*lines[:10])
    with Watcher() as watcher:
        running = asyncio.create_task(watcher.run())
        async with reading(log, watcher=watcher) as found:
            await found.until(*lines[:10])
            log.rotate(keep=keep)
            log.write(*lines[10:20])
            await found.until(*lines[:20])
            assert found.tail.counts.gaps == 0
            for first in (20, 30, 40, 50):  # nobody looks meanwhile
                log.rotate(keep=keep)
                log.write(*lines[first : first + 10])
            await found.until(*lines[:20], *lines[60 - 10 * keep :])
            await until(lambda: found.tail.counts.gaps == 4 - keep)
        running.cancel()


async def test_removed_files_can_be_given_up_and_are_counted_then(log: ContainerLog) -> None:
    lines = numbered(range(40))
    log.write(*lines[:10])
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    chunks = tail.chunks()
    await anext(chunks)
    for first in (10, 20, 30):
        log.rotate(keep=2)
        log.write(*lines[first : first + 10])
        tail.look_ahead()
    size = sum(map(len, lines[10:20]))
    assert tail.held_bytes == size
    assert (tail.let_go(), tail.let_go(), tail.held_bytes) == (size, 0, 0)
    assert (tail.counts.lost_bytes, tail.counts.gaps) == (size, 1)
    found = [await anext(chunks), await anext(chunks)]
    assert b"".join(chunk.data for chunk in found) == b"".join(lines[20:])
    tail.close()


async def test_no_more_files_than_allowed_are_open_ahead(log: ContainerLog) -> None:
    lines = numbered(range(8))
    for line in lines:
        log.write(line)
        log.rotate(keep=9)
    tail = FileTail(log_stream(log.live), UNWATCHED, counts=TailCounts(most_open_files=4), waits=QUICK)
    found = []
    async for chunk in tail.chunks():
        found.append(chunk.data)
        assert tail.counts.open_files <= 4
        if len(found) == len(lines):
            break
    assert found == lines
    tail.close()
    assert tail.counts.open_files == 0


async def test_a_torn_compressed_file_is_read_up_to_the_tear_which_is_a_gap(log: ContainerLog) -> None:
    lines = numbered(range(3000))
    log.write(*lines)
    log.rotate(compress=True)
    packed = log.generation(1, compressed=True)
    os.truncate(packed, packed.stat().st_size // 2)
    log.write(*numbered(range(3000, 3001)))
    async with reading(log) as found:
        await until(lambda: found.lines[-1:] == numbered(range(3000, 3001)))
    whole = found.lines[:-2]  # then half a line
    assert whole == lines[: len(whole)]
    assert len(whole) > 500
    assert found.tail.counts.gaps == 1


async def test_a_generation_that_rotation_took_away_unread_is_counted(log: ContainerLog) -> None:
    lines = numbered(range(6))
    log.write(lines[0])
    async with reading(log) as found:
        await found.until(lines[0])
        for line in lines[1:]:
            log.rotate(keep=3)
            log.write(line)
        await until(lambda: lines[-1] in found.lines)
    assert found.lines == [lines[0], *lines[3:]]
    assert found.tail.counts.gaps == 1


# ------------------------------------------------------------------ truncation


async def test_a_truncated_file_begins_anew_as_another_file(log: ContainerLog) -> None:
    lines = numbered(range(10))
    log.write(*lines[:8])
    async with reading(log) as found:
        await found.until(*lines[:8])
        os.truncate(log.live, 0)
        await until(lambda: found.tail.counts.truncated)
        log.write(*lines[8:])
        await found.until(*lines)
    assert place(found.end) == place(Position(FileId("c0ffee", head(lines[8]), 0), len(lines[8]) + len(lines[9]), 2))


async def test_a_truncated_file_that_begins_with_the_same_line_has_another_identity(log: ContainerLog) -> None:
    log.write(*numbered(range(3)))
    async with reading(log) as found:
        await until(lambda: len(found.lines) == 3)
        os.truncate(log.live, 0)
        await until(lambda: found.tail.counts.truncated)
        log.write(*numbered(range(1)))
        await until(lambda: len(found.lines) == 4)
    assert [chunk.start.file.ordinal for chunk in found.chunks] == [0, 1]


async def test_a_file_that_was_cut_and_grew_past_the_old_end_begins_anew(log: ContainerLog) -> None:
    """Even though it begins with the same line: only the line before the position tells."""
    banner, lines = raw("banner\n", time="2026-11-23T00:00:00Z"), numbered(range(20))
    log.write(banner, *lines[:5])
    async with reading(log) as found:
        await found.until(banner, *lines[:5])
        os.truncate(log.live, 0)
        log.write(banner, *lines[5:])
        await found.until(banner, *lines[:5], banner, *lines[5:])
    assert found.end.file == FileId("c0ffee", head(banner), 1)
    assert found.tail.counts.truncated == 1


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("restart", [False, True])
async def test_what_was_copied_before_a_cut_is_read_in_the_copy(
    log: ContainerLog, restart: bool, compress: bool
) -> None:
    """logrotate's copytruncate, behind a reader that had not come to the end."""
    lines = numbered(range(30))
    log.write(*lines[:10])
    async with reading(log) as before:
        await before.until(*lines[:10])
        if not restart:
            log.write(*lines[10:20])
            log.copy_and_truncate(compress=compress)
            log.write(*lines[20:])
            await before.until(*lines)
            assert (before.tail.counts.truncated, before.tail.counts.gaps) == (1, 0)
            assert before.tail.counts.lost_bytes == 0
            return
        resume = resume_at(before)
    log.write(*lines[10:20])
    log.copy_and_truncate(compress=compress)
    log.write(*lines[20:])
    async with reading(log, resume=resume) as after:
        await after.until(*lines[10:])
    assert place(after.chunks[0].start) == place(before.end)


async def test_what_was_seen_and_not_read_before_a_cut_is_counted_as_lost(log: ContainerLog) -> None:
    lines = numbered(range(20_000))
    log.write(*lines)
    size, read = log.live.stat().st_size, 0
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    async for chunk in tail.chunks():
        if not read:
            read = len(chunk.data)
            os.truncate(log.live, 0)
            log.write(raw("new\n"))
        else:
            assert chunk.data == raw("new\n")
            break
    assert (tail.counts.lost_bytes, tail.counts.truncated) == (size - read, 1)


@pytest.mark.parametrize("ended", [True, False])
async def test_the_search_for_the_end_of_an_overlong_line_lets_others_work(log: ContainerLog, ended: bool) -> None:
    size = 40 << 20
    log.write(b"y" * size + b"\n" * ended)
    if not ended:
        log.rotate()
        log.write()
    steps = 0

    async def work() -> None:
        nonlocal steps
        while True:
            steps += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(work())
    async with reading(log) as found:
        await until(lambda: found.lines)
        assert steps > 8
    assert found.lines == [b"y" * MAX_RAW_LINE_BYTES + b"\n"]
    assert found.tail.counts.lost_bytes == size - MAX_RAW_LINE_BYTES
    task.cancel()


@pytest.mark.parametrize("after", [10, 40_000])
async def test_a_first_line_over_the_bound_that_is_cut_stops_nothing(log: ContainerLog, after: int) -> None:
    log.write(b"y" * (3 << 20))
    lines = numbered(range(after))
    async with reading(log) as found:
        await until(lambda: found.tail._log.reader and found.tail._log.reader._searched)
        os.truncate(log.live, 0)
        log.write(*lines)
        await found.until(*lines)
        assert found.tail.counts.truncated == 1


# ------------------------------------------------------------------ restart


async def test_reading_resumes_where_it_stopped(log: ContainerLog) -> None:
    lines = numbered(range(4))
    log.write(*lines[:2])
    async with reading(log) as before:
        await before.until(*lines[:2])
        resume = resume_at(before)
    log.write(lines[2])
    log.rotate()
    log.write(lines[3])
    async with reading(log, resume=resume) as after:
        await after.until(*lines[2:])
    assert after.chunks[0].start == before.end


async def test_a_file_cut_while_nobody_looked_is_read_from_its_start(log: ContainerLog) -> None:
    lines = numbered(range(5))
    log.write(*lines)
    async with reading(log) as before:
        await before.until(*lines)
        resume = resume_at(before)
    os.truncate(log.live, len(lines[0]))
    async with reading(log, resume=resume) as after:
        await after.until(lines[0])
    assert after.end.file == FileId("c0ffee", head(lines[0]), 1)
    assert after.tail.counts.truncated == 1


async def test_a_file_that_is_gone_is_a_gap_and_the_oldest_one_left_is_read(log: ContainerLog) -> None:
    lines = numbered(range(3))
    log.write(lines[0])
    async with reading(log) as before:
        await before.until(lines[0])
        resume = resume_at(before)
    log.rotate(keep=2)
    log.write(lines[1])
    log.rotate(keep=2)
    log.write(lines[2])
    async with reading(log, resume=resume) as after:
        await after.until(*lines[1:])
    assert after.tail.counts.gaps == 1


async def test_the_inode_tells_apart_equal_beginnings(log: ContainerLog) -> None:
    same = raw("x" * 100)
    log.write(same, raw("a\n"))
    log.rotate()
    log.write(same, raw("b\n"))
    async with reading(log) as before:
        await until(lambda: len(before.lines) == 4)
        resume = resume_at(before)
    log.write(raw("c\n"))
    async with reading(log, resume=resume) as after:
        await after.until(raw("c\n"))
    assert after.chunks[0].start == before.end


async def test_a_tail_goes_on_where_it_was_when_it_is_asked_again(log: ContainerLog) -> None:
    lines = numbered(range(3))
    log.write(*lines[:2])
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    async for chunk in tail.chunks():
        assert chunk.data == b"".join(lines[:2])
        break
    log.write(lines[2])
    async for chunk in tail.chunks():
        assert chunk.data == lines[2]
        assert chunk.start.line == 2
        break


# ------------------------------------------------------------------ the container's end


async def test_a_stopped_containers_end_is_told_once(log: ContainerLog) -> None:
    lines = numbered(range(2))
    log.write(lines[0])
    async with reading(log) as found:
        await found.until(lines[0])
        stream = found.tail.stream
        found.tail.update(replace(stream, running=False))
        await until(lambda: found.chunks[-1].ended)
        assert (found.chunks[-1].data, found.end) == (b"", found.chunks[-2].end)
        found.tail.update(stream)
        log.write(lines[1])
        await found.until(*lines)
        found.tail.update(replace(stream, running=False))
        await until(lambda: found.chunks[-1].ended)
    assert [chunk.ended for chunk in found.chunks] == [False, True, False, True]


async def test_a_removed_containers_log_is_read_to_its_end_which_is_told(log: ContainerLog) -> None:
    lines = numbered(range(4))
    log.write(*lines[:2])
    async with reading(log) as found:
        await found.until(*lines[:2])
        log.write(lines[2])
        log.rotate()
        log.write(lines[3], b"torn")
        found.tail.remove()
        await until(found.ended.is_set)
    assert found.lines == [*lines, b"torn\n"]
    assert [chunk.ended for chunk in found.chunks][-2:] == [False, True]


async def test_an_unlinked_file_of_a_removed_container_is_read_to_its_end(log: ContainerLog) -> None:
    lines = numbered(range(2))
    log.write(lines[0])
    async with reading(log) as found:
        await found.until(lines[0])
        log.write(lines[1])
        log.live.unlink()
        log.live.parent.rmdir()
        found.tail.remove()
        await until(found.ended.is_set)
    assert found.lines == lines


async def test_equal_first_lines_are_numbered_over_other_files_between_them_and_over_a_restart(
    log: ContainerLog,
) -> None:
    one, other = raw("one", time="2026-11-23T02:13:00Z"), raw("other", time="2026-11-23T02:13:00Z")
    for line in (one, other):
        log.write(line)
        log.rotate()
    log.write(one)
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    tail.remove()
    found = [chunk.start.file async for chunk in tail.chunks() if chunk.data]
    assert [(file.head, file.ordinal) for file in found] == [(head(one), 0), (head(other), 0), (head(one), 1)]
    resume = Resume(Position(found[1], len(other), 1, log.generation(1).stat().st_ino), {head(one): 0})
    again = FileTail(log_stream(log.live), UNWATCHED, start=Start(resume), waits=QUICK)
    again.remove()
    assert [chunk.start.file async for chunk in again.chunks() if chunk.data] == found[2:]


async def test_a_started_containers_log_that_is_not_there_is_an_error(log: ContainerLog) -> None:
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    with pytest.raises(FileNotFoundError, match="no such file"):
        await anext(tail.chunks())


@pytest.mark.parametrize(("has_run", "gaps"), [(True, 1), (False, 0)])
async def test_a_log_that_is_gone_before_it_was_opened_is_a_gap_if_there_was_one(
    log: ContainerLog, has_run: bool, gaps: int
) -> None:
    tail = FileTail(replace(log_stream(log.live), has_run=has_run), UNWATCHED, waits=QUICK)
    tail.remove()
    assert [chunk async for chunk in tail.chunks()] == []
    assert tail.counts.gaps == gaps


@pytest.mark.parametrize(("files_kept", "gaps"), [(0, 0), (2, 1), (3, 0)])
async def test_a_new_log_of_which_all_that_is_kept_is_there_may_have_lost_its_beginning(
    log: ContainerLog, files_kept: int, gaps: int
) -> None:
    lines = numbered(range(2))
    log.write(lines[0])
    log.rotate()
    log.write(lines[1])
    tail = FileTail(replace(log_stream(log.live), files_kept=files_kept), UNWATCHED, waits=QUICK)
    tail.remove()
    assert b"".join([chunk.data async for chunk in tail.chunks()]) == b"".join(lines)
    assert tail.counts.gaps == gaps


async def test_a_removed_container_without_a_log_ends(log: ContainerLog) -> None:
    async with reading(log) as found:
        found.tail.remove()
        await until(found.ended.is_set)
    assert found.chunks == []


async def test_generations_that_go_with_their_container_are_read_all_the_same(log: ContainerLog) -> None:
    lines = numbered(range(6))
    log.write(*lines[:3])
    log.rotate()
    log.write(*lines[3:])
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    found = b""
    async for chunk in tail.chunks():
        found += chunk.data
        if chunk.start.line == 0:
            log.generation(1).unlink(missing_ok=True)
            log.live.unlink(missing_ok=True)
            tail.remove()
    assert found == b"".join(lines)
    assert (tail.counts.gaps, tail.counts.lost_bytes) == (0, 0)


async def test_generations_that_could_not_be_opened_before_their_container_went_are_a_gap(log: ContainerLog) -> None:
    for line in numbered(range(3)):
        log.write(line)
        log.rotate()
    tail = FileTail(log_stream(log.live), UNWATCHED, counts=TailCounts(most_open_files=2), waits=QUICK)
    found = []
    async for chunk in tail.chunks():
        found.append(chunk.data)
        shutil.rmtree(log.live.parent, ignore_errors=True)
        tail.remove()
    assert found[:2] == numbered(range(2))  # the first, and the one opened with it
    assert tail.counts.gaps == 1


async def test_half_a_line_that_went_with_its_container_is_counted_as_lost(log: ContainerLog) -> None:
    log.write(b"half")
    tail = FileTail(log_stream(log.live), UNWATCHED, waits=QUICK)
    tail.remove()
    assert [chunk async for chunk in tail.chunks()] == []
    assert tail.counts.lost_bytes == 4


async def test_a_renamed_container_names_the_chunks_that_follow(log: ContainerLog) -> None:
    lines = numbered(range(2))
    log.write(lines[0])
    async with reading(log) as found:
        await found.until(lines[0])
        found.tail.update(replace(found.tail.stream, container="renamed"))
        log.write(lines[1])
        await found.until(*lines)
    assert [chunk.stream.container for chunk in found.chunks] == ["c0ffee-1", "renamed"]


# ------------------------------------------------------------------ backlog


@pytest.mark.parametrize(
    ("cutoff", "first"), [("2026-11-23T02:13:01", 1), ("2026-11-23T02:13:00", 0), ("2026-11-24T00:00:00", 3)]
)
async def test_lines_before_the_cutoff_are_left_out(log: ContainerLog, cutoff: str, first: int) -> None:
    lines = [raw(f"{n}\n", time=f"2026-11-23T02:13:0{n}.5Z") for n in range(3)]
    new = raw("new\n", time="2027-01-01T00:00:00Z")
    log.write(*lines)
    async with reading(log, cutoff=cutoff) as found:
        await until(lambda: found.chunks)
        assert found.end.line == 3
        log.write(new)
        await found.until(*lines[first:], new)
    assert next(chunk.start.line for chunk in found.chunks if chunk.data) == first


async def test_a_broken_line_does_not_hide_new_lines_before_it(log: ContainerLog) -> None:
    new = raw("new\n", time="2027-01-01T00:00:00Z")
    log.write(raw("old\n", time="2026-01-01T00:00:00Z"), new, b"broken\n")
    async with reading(log, cutoff="2026-11-23T02:13:00") as found:
        await found.until(new, b"broken\n")


async def test_a_line_of_the_year_1_does_not_hide_new_lines_before_it(log: ContainerLog) -> None:
    unmeasured = raw("unmeasured\n", time="0001-01-01T00:00:00Z")
    new = raw("new\n", time="2027-01-01T00:00:00Z")
    log.write(unmeasured, raw("old\n", time="2026-01-01T00:00:00Z"), unmeasured, new, unmeasured)
    async with reading(log, cutoff="2026-11-23T02:13:00") as found:
        await found.until(new, unmeasured)


async def test_the_cutoff_is_not_asked_after_a_restart(log: ContainerLog) -> None:
    log.write(*numbered(range(2)))
    first = numbered(range(1))[0]
    position = Position(FileId("c0ffee", head(first), 0), len(first), 1)
    async with reading(log, resume=Resume(position), cutoff="2030-01-01T00:00:00") as found:
        await found.until(*numbered(range(1, 2)))


# ------------------------------------------------------------------ few descriptors


async def test_more_logs_than_may_be_open_are_all_read_in_turns(tmp_path: Path) -> None:
    counts = TailCounts(most_open_files=6)
    logs = [ContainerLog(tmp_path, f"c{number}") for number in range(12)]
    found: dict[str, list[bytes]] = {}
    most = 0

    async def follow(log: ContainerLog) -> None:
        nonlocal most
        stream = log_stream(log.live, container_id=log.live.parent.name)
        tail = FileTail(stream, UNWATCHED, counts=counts, waits=QUICK)
        lines = found.setdefault(stream.container_id, [])
        async for chunk in tail.chunks():
            most = max(most, counts.open_files)
            lines += chunk.data.splitlines(keepends=True)

    tasks = [asyncio.create_task(follow(log)) for log in logs]
    lines = numbered(range(30))
    for first in range(0, 30, 10):
        for log in logs:
            log.write(*lines[first : first + 10])
        await until(lambda first=first: all(len(each) == first + 10 for each in found.values()) and len(found) == 12)  # type: ignore[misc]
        if first:
            for log in logs:
                log.rotate()
    assert all(each == lines for each in found.values())
    assert most <= 6
    assert counts.gaps == 0
    assert not counts.scarce_notice.is_due()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert counts.open_files == 0


async def test_a_closed_idle_file_is_opened_again_for_news_and_for_its_containers_end(log: ContainerLog) -> None:
    lines = numbered(range(2))
    log.write(lines[0])
    stream = log_stream(log.live)
    found = Reading(FileTail(stream, UNWATCHED, counts=TailCounts(most_open_files=2), waits=QUICK))
    task = asyncio.create_task(found.run())
    await found.until(lines[0])
    await until(lambda: found.tail.counts.open_files == 0)
    log.write(lines[1])
    await found.until(*lines)
    await until(lambda: found.tail.counts.open_files == 0)
    found.tail.update(replace(stream, running=False))
    await until(lambda: found.chunks[-1].ended)
    found.tail.remove()
    await until(found.ended.is_set)
    await task
    assert (found.tail.counts.gaps, found.tail.counts.lost_bytes) == (0, 0)


# ------------------------------------------------------------------ all of it at random


class Log(RuleBasedStateMachine):
    """A log under a writer that rotates, against a reader that looks now and then: what could be read was read once.

    `expected` are the lines that must arrive: those that stood in a file, or in one that the reader had open, when it
    looked. Files may begin with equal lines: pieces of one line that Docker cut and rotation came between.
    """

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.seen: dict[tuple[FileId, int], bytes] = {}
        self.files: list[list[bytes]] = [[]]  # whole lines not looked for yet, newest file first
        self.half = b""
        self.is_empty = True  # the live file holds no whole line
        self.held: list[list[bytes]] = []  # of the files that the reader has open
        self.expected: Counter[bytes] = Counter()
        self.written: Counter[bytes] = Counter()
        self.number = 0
        self.looks = 0
        self.task: asyncio.Task[Chunk] | None = None

    @initialize(keep=st.integers(1, 4), compress=st.booleans())
    def begin(self, keep: int, compress: bool) -> None:
        self.keep, self.compress = keep, compress and keep > 1
        self.is_cut = False  # since the last look
        self.log = ContainerLog(Path(mkdtemp(dir=self.scratch)))
        self.log.write()
        self.start(None)

    scratch = ""

    def start(self, resume: Resume | None) -> None:
        self.tail = FileTail(log_stream(self.log.live), UNWATCHED, start=Start(resume), waits=QUICK)
        self.resume = resume
        self.held = []
        self.chunks = self.tail.chunks()

    # -------------------------------------------------------------- the writer

    @rule(count=st.integers(1, 5))
    def write_lines(self, count: int) -> None:
        for _ in range(count):
            self.finish_line(self.new_line())

    def new_line(self) -> bytes:
        self.number += 1
        return raw(f"line {self.number}\n")

    def finish_line(self, rest: bytes) -> None:
        self.log.write(rest)
        self.keep_line(self.half + rest)
        self.half, self.is_empty = b"", False

    def keep_line(self, line: bytes) -> None:
        self.files[0].append(line)
        self.written[line] += 1

    @precondition(lambda self: not self.half)
    @rule(looks=st.lists(st.booleans(), min_size=1, max_size=3))
    def write_a_line_in_pieces(self, looks: list[bool]) -> None:
        piece = self.new_line().replace(b"\\n", b"")
        for look in looks:
            self.finish_line(piece)
            if look:
                self.look()
            self.rotate()
            self.look_ahead()  # as the directory's watch does it: files of equal pieces may be byte for byte equal
        self.finish_line(piece)
        self.finish_line(self.new_line())
        self.look()  # a position before the line knows no ordinal of its files; some may be gone after a restart

    @rule()
    def write_half_a_line(self) -> None:
        if not self.half:
            self.half = self.new_line()[:-10]
            self.log.write(self.half)

    @precondition(lambda self: not self.is_empty)  # Docker rotates what is full
    @rule()
    def rotate(self) -> None:
        self.log.rotate(keep=self.keep, compress=self.compress)
        self.go_on()

    @precondition(lambda self: not self.is_empty and self.keep > 1)
    @rule()
    def copy_and_truncate(self) -> None:
        if (reader := self.tail._log.reader) and (reader.id is None or self.tail._log.successors):
            self.look()  # a file of which nothing was read has no line by which to know its copy
        self.log.copy_and_truncate(keep=self.keep, compress=self.compress)
        self.held = [lines for lines in self.held if lines is not self.files[0]]
        self.is_cut = True
        self.go_on()

    def go_on(self) -> None:
        """The live file is another generation now, and begins anew."""
        if self.half:
            self.keep_line(self.half + b"\n")
        self.half, self.is_empty = b"", True
        self.files.insert(0, [])
        for gone in self.files[self.keep :]:
            if not any(gone is lines for lines in self.held):
                gone.clear()

    @rule()
    def truncate(self) -> None:
        self.look()
        os.truncate(self.log.live, 0)
        self.half, self.is_empty = b"", True
        self.look()

    # -------------------------------------------------------------- the reader

    @rule()
    def restart(self) -> None:
        """The last position is that of the last chunk; the files may have changed since."""
        self.runner.run(self.stop())
        for gone in self.files[self.keep :]:
            gone.clear()
        self.start(self.resume)

    @rule()
    def look(self) -> None:
        self.runner.run(self.read())
        for lines in self.files:
            self.expected.update(lines)
            lines.clear()
        self.held = self.files[:1]
        self.is_cut = False
        del self.files[self.keep :]

    @rule()
    def look_ahead(self) -> None:
        """The reader waits for room; what is there is opened, and nothing is read: a cut is not noticed."""
        if self.tail._log.reader and not self.is_cut:
            self.tail.look_ahead()
            self.held = list(self.files)

    async def read(self) -> None:
        """Take what can be read now: a change of the container's name wakes the reader."""
        self.looks += 1
        self.tail.update(replace(self.tail.stream, container=f"name {self.looks}"))
        await self.turn(40)

    async def turn(self, times: int) -> None:
        """Let the loop turn so often, and take the chunks that it brings."""
        for _ in range(times):
            if self.task is None:
                self.task = asyncio.ensure_future(anext(self.chunks))
            await asyncio.sleep(0)
            if self.task.done():
                chunk, self.task = self.task.result(), None
                self.take(chunk)

    def take(self, chunk: Chunk) -> None:
        check(chunk)
        if chunk.data.endswith(b'\\n"' + raw("")[9:]):  # no position lies between the pieces of a line
            self.resume = Resume(chunk.end, dict(self.tail._log._ordinals), chunk.fingerprint)
        for number, line in enumerate(chunk.data.splitlines(keepends=True), chunk.start.line):
            key = chunk.start.file, number
            assert self.seen.setdefault(key, line) == line  # what is read again has the same name

    async def stop(self) -> None:
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None
        assert isinstance(self.chunks, AsyncGenerator)
        await self.chunks.aclose()

    @invariant()
    def every_line_that_could_be_read_was_read_once(self) -> None:
        found = Counter(self.seen.values())
        assert self.expected <= found <= self.written

    def teardown(self) -> None:
        if hasattr(self, "chunks"):
            self.runner.run(self.stop())
            self.tail.close()
        self.runner.close()


def test_every_line_that_could_be_read_is_read_once(tmp_path: Path) -> None:
    class Here(Log):
        scratch = str(tmp_path)

    run_state_machine_as_test(Here, settings=examples(3, steps=30))
