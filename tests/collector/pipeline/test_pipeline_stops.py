"""Laws of what rotation takes over a stop: it is counted, whether anything was settled before or not, and only then."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collector.errors import Unavailable
from collector.model import Batch, Receipt
from collector.pipeline.pipeline import Pipeline
from collector.sources.tail_counts import TailCounts
from tests.collector.docker_lines import numbered, raw
from tests.collector.pipeline.test_pipeline import Host, log_of, messages, words
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.faults.container_log import holds


class Away(RecordingShipper):
    """Takes nothing."""

    async def ship(self, batch: Batch) -> Receipt:
        raise Unavailable("nobody answers", retry_after=60.0)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def shipper() -> RecordingShipper:
    return RecordingShipper()


@asynccontextmanager
async def cut_off(*pipelines: Pipeline, positions_are_saved: bool = True) -> AsyncIterator[None]:
    """They run until the block ends, and then end without having delivered what they have."""
    tasks = [asyncio.create_task(one.run()) for one in pipelines]
    async with asyncio.timeout(30):
        yield
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for one in pipelines:
        if positions_are_saved:
            await one.checkpoints.flush()


async def stop(host: Host, pipeline: Pipeline) -> None:
    """As SIGTERM with an output that takes nothing: no more is read, and then the time for it is over."""
    host.registry.close()
    await until(lambda: not pipeline.readers)
    host.registry.closed = False


# ------------------------------------------------------------------ before anything was settled


@pytest.mark.parametrize("kept", [1, 3])
async def test_what_rotation_took_of_a_log_of_which_nothing_was_settled_is_counted(
    host: Host, shipper: RecordingShipper, kept: int
) -> None:
    log = host.add("web", *numbered(range(10)))
    first = host.pipeline(Away())
    async with cut_off(first):
        await until(lambda: first.ledger.read == 10)
    for number in range(1, 5):
        log.rotate(keep=kept)
        log.write(*numbered(range(10 * number, 10 * number + 10)))
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 10 * kept)
    assert again.counts.gaps == 1


async def test_each_output_counts_what_it_lost(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(10)))
    away, well = host.pipeline(Away(), "away"), host.pipeline(shipper, "well")
    async with cut_off(away, well):
        await until(lambda: away.ledger.read == 10 == len(shipper.stored))
        log.rotate(keep=1)
        log.write(*numbered(range(10, 20)))
        await until(lambda: away.ledger.read == 20 == len(shipper.stored))
        await until(lambda: not well.ledger.in_flight)
    again = host.pipeline(shipper, "away"), host.pipeline(shipper, "well")
    async with host.run(*again):
        await until(lambda: again[0].ledger.read == 10)
    assert [one.counts.gaps for one in again] == [1, 0]


async def test_nothing_is_counted_where_all_files_are_there_still(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(10)))
    first = host.pipeline(Away())
    async with cut_off(first):
        await until(lambda: first.ledger.read == 10)
    log.rotate(keep=3, compress=True)
    log.write(*numbered(range(10, 20)))
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 20)
    assert messages(shipper) == words(range(20))
    assert (again.counts.gaps, again.ledger.duplicate) == (0, 0)


async def test_a_log_that_waits_for_a_descriptor_has_a_position_too(host: Host, shipper: RecordingShipper) -> None:
    logs = [host.add(name, *numbered(range(10))) for name in ("web", "till")]
    first = host.pipeline(Away())
    first.counts = TailCounts(most_open_files=2)
    async with cut_off(first):
        await until(lambda: first.ledger.error and any(log_of(one).awaits_turn for one in first.readers.values()))
    for log in logs:
        log.rotate(keep=1)
        log.write(*numbered(range(10, 20)))
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 20)
    assert again.counts.gaps == 2


async def test_what_is_left_out_for_its_age_is_left_out_over_a_stop_amid_it(
    host: Host, shipper: RecordingShipper
) -> None:
    log = host.add("web", raw("old\n", time="2020-01-01T00:00:00Z"))
    first = host.pipeline(Away(), cutoff="2026-01-01T00:00:00")
    (stream,) = host.registry.streams.values()
    async with cut_off(first):
        await until(lambda: first.readers and first.checkpoints.begin(stream).line == 1)
    log.write(raw("older\n", time="2020-01-01T00:00:01Z"), raw("new\n", time="2026-11-23T00:00:00Z"))
    again = host.pipeline(shipper, cutoff="2026-12-01T00:00:00")
    async with host.run(again):
        await until(lambda: messages(shipper) == ["new"])
    log.write(raw("set back\n", time="2020-01-01T00:00:02Z"))
    last = host.pipeline(shipper)
    async with host.run(last):
        await until(lambda: messages(shipper) == ["new", "set back"])


# ------------------------------------------------------------------ at the border of two files


@pytest.mark.parametrize("kept", [1, 2])
async def test_a_file_that_was_read_and_settled_is_missed_by_nobody(
    host: Host, shipper: RecordingShipper, kept: int
) -> None:
    """The agent had come to the next file, of which nothing was taken yet."""
    shipper.answer = lambda _, text: "retry" if b"line 1" in text and b'line 1"' not in text else None
    log = host.add("web", *numbered(range(10)))
    first = host.pipeline(shipper)
    async with cut_off(first):
        await until(lambda: len(shipper.stored) == 10)
        log.rotate(keep=kept)
        log.write(*numbered(range(10, 20)))
        await until(lambda: first.ledger.read == 20)
    if kept == 2:
        log.rotate(keep=2)
        log.write(*numbered(range(20, 30)))
    shipper.answer = lambda name, text: None
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 10 + 10 * kept)
    assert again.counts.gaps == 0


async def test_the_pieces_of_a_line_in_two_files_are_joined_though_the_second_was_reached(
    host: Host, shipper: RecordingShipper
) -> None:
    log = host.add("web", raw("first\n"), raw("a"))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 1)
        log.rotate()
        log.write(raw("b"))
        await until(lambda: pipeline.ledger.read_bytes == len(raw("first\n") + raw("a") + raw("b")))
    log.write(raw("c\n"))
    async with host.run(host.pipeline(shipper)):
        await until(lambda: len(shipper.stored) == 2)
    assert messages(shipper) == ["first", "abc"]


async def test_a_file_whose_first_lines_are_of_two_days_never_takes_the_position_back(
    host: Host, shipper: RecordingShipper
) -> None:
    log = host.add("web", raw("a\n", time="2026-11-22T23:59:58Z"))
    first = host.pipeline(shipper)
    shipper.answer = lambda _, text: "retry" if b'"c"' in text else None
    (stream,) = host.registry.streams.values()
    async with cut_off(first):
        await until(lambda: len(shipper.stored) == 1)
        log.rotate(keep=1)
        log.write(raw("b\n", time="2026-11-22T23:59:59Z"), raw("c\n", time="2026-11-23T00:00:00Z"))
        await until(lambda: len(shipper.stored) == 2)
        position = first.checkpoints.begin(stream).resume
    assert position is not None
    assert (position.position.line, position.ordinals[position.position.file.head]) == (0, 0)
    shipper.answer = lambda name, text: None
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 3)
    assert (again.counts.gaps, again.ledger.duplicate) == (0, 1)


# ------------------------------------------------------------------ what a stop drops


async def test_what_a_stop_drops_of_removed_files_is_counted_at_the_next_start(
    host: Host, shipper: RecordingShipper
) -> None:
    log = host.add("web", *numbered(range(10)))
    first = host.pipeline(Away(), batch_bytes=1000)
    async with cut_off(first):
        await until(lambda: first.ledger.read == 10)
        for number in range(1, 4):
            log.rotate(keep=1)
            log.write(*numbered(range(1000 * number, 1000 * number + 1000)))
            await until(lambda: holds(os.getpid(), log.live.stat().st_ino))  # else the next rotation takes it unseen
            await until(lambda number=number: first.counts.open_files == number)  # type: ignore[misc]
            await until(lambda: first.counts.waiting_logs)  # of what was read first there is room for nothing
        await stop(host, first)
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 1000)
    unread, undelivered = sum(map(len, numbered(range(2000, 3000)))), 1010
    assert (again.counts.gaps, again.counts.lost_bytes) == (1, unread)
    assert again.ledger.dropped["stopped"] == undelivered
    last = host.pipeline(shipper)
    async with host.run(last):
        await until(lambda: last.readers)
    assert (last.counts.gaps, last.counts.lost_bytes, last.ledger.dropped["stopped"]) == (0, 0, 0)


async def test_documents_of_a_removed_container_that_a_stop_drops_are_counted(
    host: Host, shipper: RecordingShipper
) -> None:
    log = host.add("job", *numbered(range(10)))
    first = host.pipeline(Away())
    async with cut_off(first):
        await until(lambda: first.ledger.read == 10)
        log.live.unlink()
        log.live.parent.rmdir()
        host.listing.drop("job")
        await until(lambda: not first.readers)
        host.registry.close()
    host.registry.closed = False
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: again.ledger.dropped["stopped"] == 10)
    assert again.ledger.balance == 0


async def test_a_stop_drops_nothing_that_has_a_name(host: Host, shipper: RecordingShipper) -> None:
    log = host.add("web", *numbered(range(10)))
    first = host.pipeline(Away())
    async with cut_off(first):
        await until(lambda: first.ledger.read == 10)
        log.rotate(compress=True)
        log.write(*numbered(range(10, 20)))
        await until(lambda: first.ledger.read == 20)
        await stop(host, first)
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 20)
    assert (again.counts.gaps, again.counts.lost_bytes, again.ledger.dropped["stopped"]) == (0, 0, 0)


# ------------------------------------------------------------------ containers that went while no agent ran


@pytest.mark.parametrize("is_killed", [False, True])
async def test_a_container_that_went_before_anything_of_it_was_settled_is_counted_once(
    host: Host, shipper: RecordingShipper, is_killed: bool
) -> None:
    host.add("job", *numbered(range(10)))
    host.add("stays", *numbered(range(10)))
    first = host.pipeline(Away())
    async with cut_off(first):
        await until(lambda: first.ledger.read == 20)
        if is_killed:
            await first.checkpoints.flush()
        else:
            await stop(host, first)
    host.listing.drop("job")
    for gaps in (1, 0):
        again = host.pipeline(shipper)
        async with host.run(again):
            await until(lambda gaps=gaps, again=again: again.counts.gaps == gaps and again.checkpoints._logs)  # type: ignore[misc]
            await until(lambda again=again: again.checkpoints.vanished(["job"], {"docker": True}) == [])  # type: ignore[misc]
    assert len(messages(shipper)) == 10


@pytest.mark.parametrize("other", [[], ["away"]])
async def test_a_container_of_which_not_all_was_read_is_counted_when_it_went_whoever_else_is_away(
    host: Host, shipper: RecordingShipper, other: list[str]
) -> None:
    for name in other:
        host.registry.join(name)
    host.add("job", *numbered(range(10)))
    host.add("done", *numbered(range(10)))
    first = host.pipeline(shipper)
    async with cut_off(first):
        await until(lambda: len(shipper.stored) == 20 and not first.ledger.in_flight)
        shipper.raises = [Unavailable("nobody answers", retry_after=60.0)]
        host.logs["job"].write(*numbered(range(10, 20)))
        await until(lambda: first.ledger.read == 30)
        await until(lambda: {one.input for one in first.checkpoints.whole() if one.head} == {"docker"})
        await stop(host, first)
    host.listing.drop("job")
    host.listing.drop("done")
    again = host.pipeline(shipper)
    async with host.run(again):
        await until(lambda: again.counts.gaps == 1)
    assert again.counts.gaps == 1
