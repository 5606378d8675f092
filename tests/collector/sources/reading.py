"""A tail that is read as the pipeline reads it, and what it has given so far."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec.structs import replace

from collector.model import Chunk, Position, Resume, Start
from collector.ports import PolledSource
from collector.sources.file_tail import FileTail
from collector.sources.pace import Waits
from collector.sources.rounds import Rounds
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher
from tests.collector.docker_lines import ContainerLog, log_stream
from tests.collector.waiting import until

UNWATCHED = Watcher()  # not entered: files are polled
QUICK = Waits(poll_seconds=0.01, turn_seconds=0.02, unwatched_seconds=0.05)


class Reading:
    """What a tail has given so far."""

    def __init__(self, tail: FileTail, *, is_slow: bool = False) -> None:
        self.tail = tail
        self.chunks: list[Chunk] = []
        self.ended = asyncio.Event()
        self.may_go_on = asyncio.Event()  # not set: what is read goes nowhere, as with a slow output
        if not is_slow:
            self.may_go_on.set()

    async def run(self) -> None:
        async for chunk in self.tail.chunks():
            check(chunk)
            self.chunks.append(chunk)
            await self.may_go_on.wait()
        self.ended.set()

    @property
    def lines(self) -> list[bytes]:
        return [line for chunk in self.chunks for line in chunk.data.splitlines(keepends=True)]

    @property
    def end(self) -> Position:
        return self.chunks[-1].end

    async def until(self, *lines: bytes) -> None:
        await until(lambda: len(self.lines) >= len(lines))
        assert self.lines == list(lines)


def check(chunk: Chunk) -> None:
    assert chunk.data == b"" or chunk.data.endswith(b"\n")
    assert chunk.start.file == chunk.end.file
    assert chunk.end.line - chunk.start.line == chunk.data.count(b"\n")


@asynccontextmanager
async def reading(
    log: ContainerLog,
    *,
    resume: Resume | None = None,
    cutoff: str = "",
    watcher: Watcher = UNWATCHED,
    running: bool = True,
    files_kept: int = 0,
    is_slow: bool = False,
    counts: TailCounts | None = None,
    rounds: Rounds[PolledSource] | None = None,
) -> AsyncIterator[Reading]:
    stream = replace(log_stream(log.live, container_id=log.live.parent.name), running=running, files_kept=files_kept)
    tail = FileTail(
        stream,
        watcher,
        start=Start(resume, cutoff),
        counts=counts or TailCounts(),
        rounds=rounds,
        waits=QUICK,
    )
    found = Reading(tail, is_slow=is_slow)
    task = asyncio.create_task(found.run())
    try:
        yield found
        if task.done():
            task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def place(position: Position) -> Position:
    """The position, in whichever copy of its file."""
    return position._replace(inode=0)


def resume_at(found: Reading) -> Resume:
    return Resume(found.end, found.tail._log._ordinals, found.chunks[-1].fingerprint)
