"""Laws of rounds: active logs are looked at together and no oftener, and nothing is lost or late for that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis.stateful import rule, run_state_machine_as_test

from collector.model import Chunk, Resume, Start, StreamKey
from collector.ports import PolledSource
from collector.sources.file_tail import FileTail
from collector.sources.rounds import Rounds
from collector.sources.wake import Wake
from collector.sources.watcher import Watcher
from tests.collector.docker_lines import ContainerLog, log_stream, numbered
from tests.collector.sources.reading import UNWATCHED, Reading, reading
from tests.collector.sources.test_file_tail import Log
from tests.collector.waiting import until
from tests.examples import examples

FIRST = numbered(range(1))[0]


Found = Sequence[tuple[PolledSource, Chunk]]


def leave(found: Sequence[tuple[Any, Chunk]]) -> list[bool]:
    """Take nothing: readers go on with all of it."""
    return [False] * len(found)


def rounds(
    seconds: float = 1.0, *, batch_bytes: int = 1 << 20, take: Callable[[Found], list[bool]] = leave
) -> Rounds[PolledSource]:
    return Rounds(linger_seconds=seconds, batch_bytes=batch_bytes, take=take)


class Sleeper:
    """A log of which nothing but its looks are known: `then` is called at each."""

    def __init__(self, then: Callable[["Sleeper"], None]) -> None:
        self.key = StreamKey(str(id(self)), "")
        self.wake = Wake()
        self.then = then

    def look(self, now: float) -> Chunk | None:
        self.then(self)
        return None

    def passed(self, chunk: Chunk, *, is_taken: bool) -> None:
        pytest.fail("nothing was found")


def sleepers(seconds: float = 1.0, *, batch_bytes: int = 1 << 20) -> Rounds[Sleeper]:
    return Rounds(linger_seconds=seconds, batch_bytes=batch_bytes, take=leave)


@asynccontextmanager
async def waiting(log: ContainerLog, watcher: Watcher, found: Rounds[PolledSource]) -> AsyncIterator[Reading]:
    """A tail that has read a first line and waits for a round; none comes by itself."""
    log.write(FIRST)
    async with reading(log, watcher=watcher, rounds=found) as told:
        await until(lambda: told.tail in found._waiting)
        assert told.lines == [FIRST]
        yield told


async def sleep(found: Rounds[Sleeper], log: Sleeper, found_bytes: int = 0) -> bool:
    found.join(log, found_bytes)
    return await log.wake.sleep()


async def quiet(found: Rounds[PolledSource], told: Reading) -> None:
    """Rounds until the file is watched."""
    while told.tail._wake not in told.tail._watcher._armed:
        await found.hold()
        await asyncio.sleep(0.001)


@pytest.fixture
def log(tmp_path: Path) -> ContainerLog:
    return ContainerLog(tmp_path)


async def test_active_logs_are_looked_at_once_in_a_round_whatever_comes_meanwhile(
    tmp_path: Path, watcher: Watcher
) -> None:
    found = rounds()
    logs = [ContainerLog(tmp_path, f"c{number}") for number in range(20)]
    lines = numbered(range(1, 10))
    async with AsyncExitStack() as stack:
        told = [await stack.enter_async_context(waiting(log, watcher, found)) for log in logs]
        for line in lines:
            for log in logs:
                log.write(line)
            await asyncio.sleep(0.03)  # three looks each in all, were they polled
        assert [len(each.chunks) for each in told] == [1] * 20
        await found.hold()
        assert [len(each.chunks) for each in told] == [2] * 20
        assert all(each.lines == [FIRST, *lines] for each in told)
        await until(lambda: len(found._waiting) == 20)


async def test_a_line_of_a_quiet_log_is_read_at_once(log: ContainerLog, watcher: Watcher) -> None:
    found = rounds()
    async with waiting(log, watcher, found) as told:
        await quiet(found, told)
        (line,) = numbered(range(1, 2))
        log.write(line)
        await told.until(FIRST, line)
        assert told.tail.pace.since is not None
        assert asyncio.get_running_loop().time() - told.tail.pace.since < 1  # it has not waited since the last look


async def test_a_quiet_log_waits_for_no_round(log: ContainerLog, watcher: Watcher) -> None:
    found = rounds()
    async with waiting(log, watcher, found) as told:
        await quiet(found, told)
        await until(lambda: not found._waiting)


async def test_one_that_waits_for_a_round_is_read_on_after_it_was_closed(log: ContainerLog, watcher: Watcher) -> None:
    found = rounds()
    async with waiting(log, watcher, found) as told:
        tail = told.tail
    assert not found._waiting
    (line,) = numbered(range(1, 2))
    log.write(line)
    again = Reading(tail)
    task = asyncio.create_task(again.run())
    await again.until(line)
    task.cancel()


@pytest.mark.parametrize("keep", [1, 2, 5])
async def test_rotation_is_followed_without_a_round(log: ContainerLog, watcher: Watcher, keep: int) -> None:
    lines = numbered(range(1, 400))
    found = rounds()
    async with waiting(log, watcher, found) as told:
        for number, line in enumerate(lines):
            log.write(line)
            if number % 4 == 3:
                log.rotate(keep=keep)
                await asyncio.sleep(0.002)  # a thousand files a second could not be told of
        await until(lambda: len(told.lines) >= len(lines) // 4 * 4)
        await found.hold()
        await told.until(FIRST, *lines)
        assert told.tail.counts.gaps == 0
        assert told.tail.counts.rotated == len(lines) // 4


async def test_a_log_that_gives_much_is_looked_at_between_rounds(log: ContainerLog, watcher: Watcher) -> None:
    async with waiting(log, watcher, rounds()) as told:
        many = numbered(range(1, 5_000))
        log.write(*many)
        told.tail._wake.set()
        await told.until(FIRST, *many)
        more = numbered(range(5_000, 5_010))
        log.write(*more)
        await told.until(FIRST, *many, *more)


async def test_a_log_is_polled_when_nobody_tells_of_new_files(log: ContainerLog) -> None:
    lines = numbered(range(1, 4))
    log.write(FIRST)
    async with reading(log, watcher=UNWATCHED, rounds=rounds()) as told:
        await told.until(FIRST)
        log.write(*lines[:1])
        await told.until(FIRST, *lines[:1])
        log.rotate(keep=1)
        log.write(*lines[1:])
        await told.until(FIRST, *lines)


@pytest.mark.parametrize("is_longer", [False, True])
async def test_a_file_that_is_cut_between_two_rounds_begins_anew(
    log: ContainerLog, watcher: Watcher, is_longer: bool
) -> None:
    found = rounds()
    async with waiting(log, watcher, found) as told:
        await found.hold()
        lines = [FIRST.replace(b"line", b"LINE"), *numbered(range(1, 4))]
        log.live.write_bytes(b"".join(lines if is_longer else lines[:1]))
        while len(told.lines) < 2:
            await found.hold()
            await asyncio.sleep(0.001)
        await told.until(FIRST, *(lines if is_longer else lines[:1]))
        assert told.tail.counts.truncated == 1


async def test_a_container_that_goes_is_read_to_its_end_without_a_round(log: ContainerLog, watcher: Watcher) -> None:
    async with waiting(log, watcher, rounds()) as told:
        (line,) = numbered(range(1, 2))
        log.write(line)
        told.tail.remove()
        async with asyncio.timeout(5):
            await told.ended.wait()
        assert told.lines == [FIRST, line]


class InRounds(Log):
    """The same laws where a round alone makes the reader look, and events tell it of new files."""

    def start(self, resume: Resume | None) -> None:
        self.runner.run(self.watch())
        stream = log_stream(self.log.live)
        self.rounds = rounds(take=self.take_some)
        self.tail = FileTail(stream, self.watcher, start=Start(resume), rounds=self.rounds)
        self.resume = resume
        self.held = []
        self.chunks = self.tail.chunks()

    def take_some(self, found: Found) -> list[bool]:
        """Room comes and goes."""
        is_taken = self.number % 3 > 0
        for _, chunk in found if is_taken else ():
            self.take(chunk)
        return [is_taken] * len(found)

    async def watch(self) -> None:
        self.watcher = Watcher().__enter__()
        self.watching = asyncio.create_task(self.watcher.run())

    async def read(self) -> None:
        for _ in range(4):
            await self.turn(10)
            await self.rounds.hold()
            if self.tail.pace.quiet_looks > 3 or not self.tail._joinable:
                self.tail._wake.set()  # time passes: it is watched, or polled

    @rule()
    def look_ahead(self) -> None:
        if self.tail._log.reader and not self.is_cut:
            self.runner.run(self.be_told())
            self.held = list(self.files)

    async def be_told(self) -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def stop(self) -> None:
        await super().stop()
        self.watching.cancel()
        await asyncio.gather(self.watching, return_exceptions=True)
        self.watcher.__exit__(None, None, None)


def test_every_line_that_could_be_read_is_read_once_in_rounds(tmp_path: Path) -> None:
    class Here(InRounds):
        scratch = str(tmp_path)

    run_state_machine_as_test(Here, settings=examples(1, steps=30))


# ------------------------------------------------------------------ how often


async def test_a_round_looks_once_at_those_who_waited_when_it_began() -> None:
    found, looks = sleepers(), list[Sleeper]()

    def look(log: Sleeper) -> None:
        looks.append(log)
        found.join(log, 0)

    logs = [Sleeper(look) for _ in range(100)]
    for log in logs:
        found.join(log, 0)
    await found.hold()
    assert looks == logs
    found.leave(logs[7])
    await found.hold()
    assert looks[100:] == [*logs[:7], *logs[8:]]


async def test_one_that_leaves_while_a_round_is_held_is_not_looked_at() -> None:
    found = sleepers()
    last = Sleeper(lambda log: pytest.fail("it has left"))
    first = Sleeper(lambda log: found.leave(last))
    found.join(first, 0)
    found.join(last, 0)
    await found.hold()


async def test_what_is_taken_in_a_round_is_not_given_again_and_nothing_is_lost_between(
    log: ContainerLog, watcher: Watcher
) -> None:
    """Some chunks are taken, others left to the reader, as room comes and goes."""
    taken, order = 0, list[bytes]()
    lines = numbered(range(1, 60))

    def take(found: Found) -> list[bool]:
        nonlocal taken
        taken += bool(is_taken := len(order) % 3 > 0)
        for _, chunk in found if is_taken else ():
            order.extend(chunk.data.splitlines(keepends=True))
        return [is_taken] * len(found)

    log.write(FIRST)
    found = rounds(take=take)
    tail = FileTail(log_stream(log.live), watcher, rounds=found)

    async def read() -> None:
        async for chunk in tail.chunks():
            order.extend(chunk.data.splitlines(keepends=True))

    reader = asyncio.create_task(read())
    for number, line in enumerate(lines):
        await until(lambda: tail in found._waiting)
        log.write(line)
        if number % 7 == 6:
            log.rotate(keep=3)
            await asyncio.sleep(0.002)
        await found.hold()
    await until(lambda: order[1:] == lines)
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert order == [FIRST, *lines]
    assert taken > 10
    assert tail.counts.gaps == 0


@pytest.mark.parametrize(("linger", "seconds"), [(0.0, 0.1), (0.5, 0.5), (60.0, 1.0)])
def test_rounds_are_as_often_as_batches_leave_within_bounds(linger: float, seconds: float) -> None:
    assert rounds(linger).seconds == seconds


async def test_rounds_come_oftener_when_they_bring_more_than_a_batch() -> None:
    found = sleepers(1.0, batch_bytes=1_000)
    log = Sleeper(lambda log: log.wake.end())
    await found.hold()
    for found_bytes, seconds in [(100_000, 0.1), (10, 1.0), (0, 1.0)]:
        sleeper = asyncio.create_task(sleep(found, log, found_bytes))
        await asyncio.sleep(0.05)
        await found.hold()
        await sleeper
        assert found.seconds == seconds
