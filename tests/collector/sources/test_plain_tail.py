"""Laws of plain files: those of all sources, over each form of rotation, and never out of their root."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.model import BEGINNING, LogStream, Start
from collector.sources.desk import Desk
from collector.sources.plain_tail import PlainTail
from collector.sources.tail_counts import TailCounts
from tests.collector.sources.plain import PlainLog, compress, plain_stream
from tests.collector.sources.reading import QUICK, UNWATCHED, Reading, resume_at
from tests.collector.waiting import until
from tests.contract.sources import SourceContract


class TestPlainTail(SourceContract):
    def writer(self, directory: Path) -> PlainLog:
        return PlainLog(directory / "volume" / "logs")

    def stream(self, directory: Path) -> LogStream:
        return plain_stream(directory / "volume" / "logs" / "app.log", directory)

    def source(self, stream: LogStream, start: Start, desk: Desk) -> PlainTail:
        reached = partial(desk.reached, stream.key)
        return PlainTail(stream, desk.watcher, start=start, counts=desk.counts, rounds=desk.rounds, reached=reached)


@asynccontextmanager
async def reading(
    stream: LogStream, start: Start = BEGINNING, counts: TailCounts | None = None
) -> AsyncIterator[Reading]:
    tail = PlainTail(stream, UNWATCHED, start=start, counts=counts or TailCounts(), waits=QUICK)
    found = Reading(tail)
    task = asyncio.create_task(found.run())
    try:
        yield found
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


ROTATIONS: dict[str, Callable[[PlainLog, int], object]] = {
    "renamed": lambda log, number: log.rotate(),
    "renamed and compressed": lambda log, number: compress(log.rename("app.log.1")),
    "copied and cut": lambda log, number: log.copy(),
    "copied, cut and compressed": lambda log, number: compress(log.copy()),
    "renamed to a date": lambda log, number: log.rename(f"app.log-202611{number:02}"),
    "copied to a date": lambda log, number: log.copy(f"app.log-2026-11-{number:02}"),
    "renamed as logback does": lambda log, number: log.rename(f"app.2026-11-{number:02}.0.log"),
    "compressed under a date": lambda log, number: compress(log.rename(f"app-2026-11-{number:02}.log")),
}


@pytest.mark.parametrize("rotate", ROTATIONS.values(), ids=ROTATIONS.keys())
async def test_each_line_is_given_once_over_every_form_of_rotation(
    tmp_path: Path, rotate: Callable[[PlainLog, int], object]
) -> None:
    log, counts = PlainLog(tmp_path), TailCounts()
    lines = log.lines(*range(60))
    stream = plain_stream(log.live)
    log.write(*lines[:7])
    async with reading(stream, counts=counts) as found:
        await found.until(*lines[:7])
        for number, first in enumerate(range(7, 31, 6), 1):
            log.write(*lines[first : first + 3])
            rotate(log, number)
            log.write(*lines[first + 3 : first + 6])
            await found.until(*lines[: first + 6])
        resume = resume_at(found)
    log.write(*lines[31:35])
    rotate(log, 11)
    log.write(*lines[35:40])
    async with reading(stream, Start(resume), counts) as found:
        await found.until(*lines[31:40])
    assert (counts.gaps, counts.lost_bytes) == (0, 0)


async def test_equal_first_lines_of_files_are_told_apart(tmp_path: Path) -> None:
    log, header = PlainLog(tmp_path), b"time,status\n"
    lines = log.lines(*range(9))
    async with reading(plain_stream(log.live)) as found:
        for first in (0, 3, 6):
            log.write(header, *lines[first : first + 3])
            await until(lambda first=first: len(found.lines) == (first + 3) // 3 * 4)  # type: ignore[misc]
            log.rotate()
        log.write(header)
        await until(lambda: len(found.lines) == 13)
        assert [one for one in found.lines if one != header] == lines
        assert len({chunk.end.file for chunk in found.chunks}) == 4


async def refused(stream: LogStream, why: str) -> None:
    """Nothing of it is read, and it is told why."""
    tail = PlainTail(stream, UNWATCHED, waits=QUICK)
    with pytest.raises(OSError, match=why):
        await asyncio.wait_for(anext(tail.chunks()), 5)
    tail.close()


async def test_a_link_on_the_way_is_never_followed(tmp_path: Path) -> None:
    outside = PlainLog(tmp_path / "outside")
    outside.write(b"secret\n")
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "logs").symlink_to(tmp_path / "outside")
    await refused(plain_stream(tmp_path / "volume" / "logs" / "app.log", tmp_path), "link")


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
async def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").write_bytes(b"secret\n")
    path = tmp_path / "volume" / "app.log"
    path.parent.mkdir()
    {
        "link": lambda: path.symlink_to(tmp_path / "secret"),
        "fifo": lambda: os.mkfifo(path),
        "folder": lambda: path.mkdir(),
    }[kind]()
    await refused(plain_stream(path, tmp_path), "link" if kind == "link" else "not a regular file")


async def test_a_folder_that_becomes_a_link_while_it_is_read_leads_nobody_out(tmp_path: Path) -> None:
    log, outside = PlainLog(tmp_path / "volume" / "logs"), PlainLog(tmp_path / "outside")
    outside.write(b"secret\n", *outside.lines(*range(50)))
    log.write(b"first\n")
    stream = plain_stream(log.live, tmp_path / "volume")
    tail = PlainTail(stream, UNWATCHED, waits=QUICK)
    found = Reading(tail)
    task = asyncio.create_task(found.run())
    await found.until(b"first\n")
    log.live.parent.rename(tmp_path / "volume" / "moved")
    (tmp_path / "volume" / "logs").symlink_to(tmp_path / "outside")
    tail._due = 0.0
    with pytest.raises(OSError, match="link"):
        await asyncio.wait_for(task, 5)
    assert found.lines == [b"first\n"]


async def test_a_folder_that_is_made_anew_is_gone_over_to(tmp_path: Path) -> None:
    log = PlainLog(tmp_path / "volume" / "logs")
    log.write(b"first\n")
    async with reading(plain_stream(log.live, tmp_path)) as found:
        await found.until(b"first\n")
        log.live.parent.rename(tmp_path / "volume" / "moved")
        PlainLog(tmp_path / "volume" / "logs").write(b"second\n")
        await until(lambda: found.lines == [b"first\n", b"second\n"], seconds=10.0)


async def test_a_file_that_was_last_written_before_the_backlog_is_left_out_until_it_grows(tmp_path: Path) -> None:
    old, new = PlainLog(tmp_path, "old.log"), PlainLog(tmp_path, "new.log")
    old.write(b"old\n")
    os.utime(old.live, (1e9, 1e9))
    new.write(b"new\n")
    for log, first in ((old, []), (new, [b"new\n"])):
        async with reading(plain_stream(log.live), Start(None, "2026-01-01T00:00:00")) as found:
            await until(lambda found=found: found.tail.is_readable and found.tail.backlog_bytes == 0)  # type: ignore[misc]
            log.write(b"more\n")
            await found.until(*first, b"more\n")


async def test_what_is_removed_is_read_to_its_end(tmp_path: Path) -> None:
    log = PlainLog(tmp_path / "logs")
    log.write(b"first\n")
    async with reading(plain_stream(log.live, tmp_path)) as found:
        await found.until(b"first\n")
        log.write(b"second\n", b"no newline")
        log.live.unlink()
        log.live.parent.rmdir()
        found.tail.remove()
        await asyncio.wait_for(found.ended.wait(), 5)
        assert found.lines == [b"first\n", b"second\n", b"no newline\n"]


async def test_one_whose_folder_is_gone_ends(tmp_path: Path) -> None:
    stream = replace(plain_stream(tmp_path / "gone" / "app.log", tmp_path))
    async with reading(stream) as found:
        found.tail.remove()
        await asyncio.wait_for(found.ended.wait(), 5)


async def test_every_descriptor_is_given_back(tmp_path: Path) -> None:
    log = PlainLog(tmp_path / "logs")
    log.write(b"first\n")
    before = descriptors()
    async with reading(plain_stream(log.live, tmp_path)) as found:
        await found.until(b"first\n")
    assert descriptors() == before


@pytest.mark.parametrize("rotate", ["rename", "copy"])
async def test_what_is_asked_for_and_the_end_are_told_though_the_next_file_has_no_line(
    tmp_path: Path, rotate: str
) -> None:
    log = PlainLog(tmp_path)
    log.write(b"first\n")
    async with reading(plain_stream(log.live)) as found:
        await found.until(b"first\n")
        getattr(log, rotate)("app.log.1")
        await until(lambda: not found.tail.is_readable or found.tail.pace.quiet_looks > 1)
        end = found.end
        count = len(found.chunks)
        found.tail.ask()
        await until(lambda: len(found.chunks) > count)
        assert (found.chunks[-1].end.file, found.chunks[-1].data) == (end.file, b"")
        found.tail.remove()
        await asyncio.wait_for(found.ended.wait(), 5)
        assert found.chunks[-1].ended


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
