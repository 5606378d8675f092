"""The laws that every source keeps (`collector.ports.Source`).

A test module subclasses `SourceContract`, and says how the log is written and how the source is made. What it was
given is kept by real `Checkpoints`, as a pipeline has it, so that reading goes on from what stands there.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from collector.model import Chunk, LogStream, Position, Resume, Start, StreamKey, Ticket
from collector.ports import PolledSource, Source
from collector.sources.desk import Desk
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher
from collector.state.checkpoint import Checkpoints
from tests.collector.waiting import until


class Writer(ABC):
    """Whoever writes the log."""

    @abstractmethod
    def write(self, *lines: bytes) -> None:
        """Append whole lines, or pieces of them."""

    @abstractmethod
    def line(self, number: int) -> bytes:
        """A line of the log's form, with its newline; none is another's."""

    def rotate(self) -> None:
        """Begin another file, as the writer does at a size."""
        raise NotImplementedError

    def cut(self) -> None:
        """Empty the log in place."""
        raise NotImplementedError

    def lines(self, *numbers: int) -> list[bytes]:
        return [self.line(number) for number in numbers]


class Reading:
    """One run of a source: what it gave, each chunk settled at once, until it is killed."""

    def __init__(self, source: Source, checkpoints: Checkpoints) -> None:
        self.source = source
        self.chunks: list[Chunk] = []
        self.has_ended = False
        self._checkpoints = checkpoints

    def take(self, chunk: Chunk) -> None:
        assert chunk.data == b"" or chunk.data.endswith(b"\n")
        assert chunk.start.file == chunk.end.file
        before = self.chunks[-1].end if self.chunks else chunk.start
        assert chunk.start.file != before.file or chunk.start == before
        self.chunks.append(chunk)
        self._checkpoints.clear(self.source.key, Ticket(chunk.end, "", chunk.fingerprint))

    async def run(self) -> None:
        async for chunk in self.source.chunks():
            if not isinstance(self.source, PolledSource):
                self.take(chunk)
        self.has_ended = True

    @property
    def lines(self) -> list[bytes]:
        return [line for chunk in self.chunks for line in chunk.data.splitlines(keepends=True)]

    async def until(self, lines: Sequence[bytes]) -> None:
        await self.wait(lambda: len(self.lines) >= len(lines))
        assert self.lines == list(lines)

    async def wait(self, is_so: Callable[[], bool]) -> None:
        await until(is_so)


class SourceContract:
    """Override `stream`, `writer` and `source`; say what the log cannot do."""

    rotates: ClassVar[bool] = True
    can_be_cut: ClassVar[bool] = True

    @abstractmethod
    def writer(self, directory: Path) -> Writer:
        """A log without a line yet, below `directory`, and whoever writes it."""

    @abstractmethod
    def stream(self, directory: Path) -> LogStream:
        """The stream of that log."""

    @abstractmethod
    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        """A new source, from `start` on."""

    @pytest.fixture(autouse=True)
    def _begin(self, tmp_path: Path) -> None:
        self.directory = tmp_path
        (tmp_path / "state").mkdir()
        self.log = self.writer(tmp_path)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """A run over what stands in the state; its end is that of a kill: nothing is told and nothing kept."""
        stream = self.stream(self.directory)
        checkpoints = Checkpoints(self.directory / "state", "out")
        start = checkpoints.begin(stream).start
        with Watcher() as watcher:
            rounds = Rounds[PolledSource](linger_seconds=0.1, batch_bytes=1 << 20, take=lambda found: take(found))

            def reached(key: StreamKey, position: Position) -> None:
                checkpoints.reach(key, position)

            found = Reading(self.source(stream, start, Desk(watcher, TailCounts(), rounds, reached)), checkpoints)

            def take(given: Sequence[tuple[PolledSource, Chunk]]) -> list[bool]:
                for _, chunk in given:
                    found.take(chunk)
                return [True] * len(given)

            async def hold() -> None:
                while True:
                    await asyncio.sleep(rounds.seconds)
                    await rounds.hold()

            tasks = [asyncio.create_task(one) for one in (watcher.run(), hold(), found.run())]
            try:
                yield found
            finally:
                await checkpoints.flush()
                for task in tasks:
                    task.cancel()
                results = await asyncio.gather(*tasks, return_exceptions=True)
                found.source.close()
                found.source.close()
        assert [one for one in results if isinstance(one, Exception)] == []

    async def test_each_line_is_given_once_and_in_order(self) -> None:
        lines = self.log.lines(*range(50))
        self.log.write(*lines[:20])
        async with self.reading() as found:
            await found.until(lines[:20])
            for line in lines[20:]:
                self.log.write(line)
            await found.until(lines)
            await found.wait(lambda: found.source.is_readable and found.source.backlog_bytes == 0)

    async def test_after_a_kill_it_goes_on_where_it_was(self) -> None:
        lines = self.log.lines(*range(12))
        for first in range(0, 12, 4):
            self.log.write(*lines[first : first + 2])
            async with self.reading() as found:
                await found.until(lines[first : first + 2])
                self.log.write(*lines[first + 2 : first + 4])
                await found.until(lines[first : first + 4])

    async def test_what_came_while_nobody_read_is_read(self) -> None:
        lines = self.log.lines(*range(4))
        self.log.write(*lines[:2])
        async with self.reading() as found:
            await found.until(lines[:2])
        self.log.write(*lines[2:])
        async with self.reading() as found:
            await found.until(lines[2:])

    async def test_half_a_line_waits_for_its_end(self) -> None:
        first, second = self.log.lines(1, 2)
        self.log.write(first, second[:5])
        async with self.reading() as found:
            await found.until([first])
            self.log.write(second[5:])
            await found.until([first, second])

    async def test_bytes_come_as_they_are(self) -> None:
        odd = [self.log.line(1), b"\xff\xfe no text\n", b"\n", b"{}\n", b"\x01" * 3000 + b"\n", self.log.line(2)]
        self.log.write(*odd)
        async with self.reading() as found:
            await found.until(odd)

    async def test_a_stopped_container_is_told_and_a_removed_one_ends_it(self) -> None:
        lines = self.log.lines(1, 2)
        self.log.write(*lines)
        async with self.reading() as found:
            await found.until(lines)
            found.source.remove()
            await found.wait(lambda: found.has_ended)
            assert any(chunk.ended for chunk in found.chunks)
            assert found.lines == lines

    async def test_what_goes_back_is_given_again(self) -> None:
        lines = self.log.lines(*range(6))
        self.log.write(*lines)
        async with self.reading() as found:
            start = Checkpoints(self.directory / "state", "out").begin(found.source.stream).start
            await found.until(lines)
            if not found.source.can_go_back:
                pytest.skip("it cannot go back")
            beginning = found.chunks[0].start
            found.chunks.clear()
            found.source.go_back(Start(start.resume) if start.resume else start_at(beginning))
            await found.until(lines)

    async def test_a_log_is_read_over_its_rotations(self) -> None:
        if not self.rotates:
            pytest.skip("it has one file")
        lines = self.log.lines(*range(9))
        self.log.write(*lines[:3])
        async with self.reading() as found:
            await found.until(lines[:3])
            self.log.rotate()
            self.log.write(*lines[3:5])
            await found.until(lines[:5])
        self.log.write(lines[5])
        self.log.rotate()  # nobody reads
        self.log.write(*lines[6:])
        async with self.reading() as found:
            await found.until(lines[5:])

    async def test_a_log_that_was_cut_is_read_from_its_new_beginning(self) -> None:
        if not self.can_be_cut:
            pytest.skip("it cannot be cut")
        lines = self.log.lines(*range(5))
        self.log.write(*lines[:3])
        async with self.reading() as found:
            await found.until(lines[:3])
        self.log.cut()
        self.log.write(*lines[3:])
        async with self.reading() as found:
            await found.until(lines[3:])


def start_at(position: Position) -> Start:
    """What is kept of a stream whose reading begins there."""
    return Start(Resume(position, {position.file.head: position.file.ordinal}))
