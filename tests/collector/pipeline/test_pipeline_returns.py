"""Laws of what waits for the operator beyond the memory for it: it goes back to its logs, and stops nobody else."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from collector.delivery import blocked, shipment
from collector.model import Batch, Receipt
from collector.pipeline.pipeline import Pipeline
from collector.web.live import Live, Wanted
from tests.collector.docker_lines import numbered, raw
from tests.collector.pipeline.test_pipeline import Host, messages, words
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until

_BOUND_BYTES = 32 << 20
_MANY = 110
_LINES = 10_000  # more than is on its way of a target before it is known to be stopped


class Gate(RecordingShipper):
    """Takes nothing of the targets `shut…` while `is_shut`; keeps ids only, each with how often it was taken."""

    def __init__(self) -> None:
        super().__init__()
        self.is_shut = True
        self.taken: Counter[str] = Counter()  # by target
        self.ids: Counter[str] = Counter()

    async def ship(self, batch: Batch) -> Receipt:
        self.before_each()
        shut = [one for one in batch.segments if self.is_shut and one.stream.target.startswith("shut")]
        delivered = duplicate = 0
        for segment in batch.segments:
            if segment in shut:
                continue
            for name in segment.ids:
                is_new = name not in self.ids
                delivered, duplicate = delivered + is_new, duplicate + (not is_new)
                self.taken[segment.stream.target] += is_new
                self.ids[name] += 1
        await asyncio.sleep(0.001)
        waits = {segment.stream.target: "its index is closed" for segment in shut}
        return Receipt(delivered=delivered, duplicate=duplicate, retry=Batch(tuple(shut)), waits=waits)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little may wait that nearly all goes back."""
    monkeypatch.setattr(shipment, "_HELD_BOUND_BYTES", 1_000)


def long_lines(count: int, size: int = 100) -> list[bytes]:
    return [raw(f"{number} {'x' * size}\n", time=f"2026-11-23T02:13:00.{number:09}Z") for number in range(count)]


@pytest.mark.parametrize("was_taken", [False, True])
@pytest.mark.slow
async def test_no_backlog_of_targets_that_wait_stops_one_that_is_taken(host: Host, was_taken: bool) -> None:
    """Stopped from the first line on, or all at once while each is read."""
    shipper = Gate()
    shipper.is_shut = not was_taken
    if was_taken:
        for number in range(_MANY):
            host.add(f"shut{number}", raw("first\n"))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: sum(shipper.taken.values()) == was_taken * _MANY)
        shipper.is_shut = True
        lines = long_lines(_LINES)
        for number in range(_MANY):
            host.add(f"shut{number}", *lines)
        await until(lambda: len(pipeline.ledger.waits) == _MANY)
        most = 0

        def look() -> None:
            nonlocal most
            most = max(most, pipeline.ledger.in_flight_bytes)
            assert pipeline.ledger.balance == 0

        shipper.before_each = look
        host.add("free", *numbered(range(5_000)))
        await until(lambda: shipper.taken["free"] == 5_000)
        host.logs["free"].write(*numbered(range(5_000, 10_000)))
        await until(lambda: shipper.taken["free"] == 10_000)
        assert most < _BOUND_BYTES + 4 * pipeline.capacity_bytes
        shipper.is_shut = False
        await until(lambda: sum(shipper.taken.values()) == _MANY * (_LINES + was_taken) + 10_000)
    assert pipeline.ledger.read == pipeline.ledger.acknowledged + pipeline.ledger.duplicate
    assert pipeline.counts.gaps == 0


# ------------------------------------------------------------------ what goes back is read again


class Closed(RecordingShipper):
    """As `Gate`, and keeps the documents."""

    def __init__(self) -> None:
        super().__init__(self._said)
        self.is_shut = True

    def _said(self, name: str, document: bytes) -> str | None:
        return "wait" if self.is_shut and json.loads(document)["@target"].startswith("shut") else None


def is_open(pipeline: Pipeline, files: int) -> bool:
    return pipeline.counts.open_files >= files


@asynccontextmanager
async def live_documents(live: Live) -> AsyncIterator[list[bytes]]:
    """What is shown until the block ends."""
    shown: list[bytes] = []
    with live.subscribe(Wanted()) as watcher:
        yield shown
        live.close()
        async for glimpse in watcher:
            shown += glimpse.documents


async def gone_back(pipeline: Pipeline) -> None:
    """Wait until of the target `shut` nothing is in memory, though it was read."""
    await until(lambda: pipeline.ledger.waits and pipeline.ledger.in_flight and not pipeline.ledger.in_flight_bytes)


@pytest.mark.usefixtures("few_bytes")
async def test_what_went_back_arrives_once_in_order_and_is_counted_and_shown_once(host: Host) -> None:
    shipper, live = Closed(), Live(64 << 20)
    host.add("shut", *numbered(range(20_000)))
    pipeline = host.pipeline(shipper, batch_bytes=100_000, tap=live.tap("out"))
    async with host.run(pipeline), live_documents(live) as shown:
        await gone_back(pipeline)
        host.logs["shut"].write(*numbered(range(20_000, 21_000)))
        host.add("free", *numbered(range(10)))
        await until(lambda: len(messages(shipper, "free")) == 10)
        assert pipeline.ledger.balance == 0
        assert pipeline.backlog_bytes
        shipper.is_shut = False
        await until(lambda: len(messages(shipper, "shut")) == 21_000)
    assert sorted(messages(shipper, "shut"), key=lambda it: int(it[5:])) == words(range(21_000))
    assert pipeline.ledger.read == pipeline.ledger.acknowledged + pipeline.ledger.duplicate
    assert len(shown) == len(set(shown)) == 21_010


@pytest.mark.usefixtures("few_bytes")
async def test_a_line_in_pieces_goes_back_whole(host: Host) -> None:
    """Reading stood amid a line when those before it went back."""
    pieces = [raw(f"piece {number} " + "p" * 100) for number in range(5)]
    shipper = Closed()
    log = host.add("shut", *long_lines(3, 1_000), *pieces[:3])
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await gone_back(pipeline)
        log.write(*pieces[3:], raw("end\n"), raw("next\n"))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == 5)
    assert messages(shipper)[3].count("piece") == 5
    assert messages(shipper)[3].endswith("end")
    assert pipeline.ledger.parse_errors == 0


@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("is_drained", [False, True])
async def test_a_stop_between_loses_nothing_of_what_went_back(host: Host, is_drained: bool) -> None:
    shipper = Closed()
    host.add("shut", *numbered(range(3_000)))
    first = host.pipeline(shipper)
    task = asyncio.create_task(first.run())
    await gone_back(first)
    if is_drained:
        host.registry.close()
        async with asyncio.timeout(20):
            await task
        assert (first.ledger.in_flight, first.ledger.balance) == (0, 0)
        await first.checkpoints.flush()
    else:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    shipper.is_shut = False
    second = host.pipeline(shipper)
    async with host.run(second):
        await until(lambda: len(shipper.stored) == 3_000)
    assert messages(shipper) == words(range(3_000))
    assert (second.ledger.read, second.ledger.duplicate, second.counts.gaps) == (3_000, 0, 0)


# ------------------------------------------------------------------ and what rotation does meanwhile


@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("keep", [1, 3])
async def test_rotation_takes_nothing_of_a_log_to_which_lines_went_back(host: Host, keep: int) -> None:
    """It is open, as one that was not read."""
    shipper = Closed()
    log = host.add("shut", *numbered(range(1_000)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await gone_back(pipeline)
        for number in range(4):
            log.rotate(keep=keep)
            log.write(*numbered(range(1_000 + number, 1_001 + number)))
            await until(partial(is_open, pipeline, number + 2))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == 1_004)
    assert sorted(messages(shipper), key=lambda it: int(it[5:])) == words(range(1_004))
    assert (pipeline.counts.gaps, pipeline.ledger.duplicate) == (0, 1)  # the one that was tried


def held_up() -> tuple[Closed, asyncio.Event]:
    """One that answers nothing until the event is set."""
    shipper, answered = Closed(), asyncio.Event()
    ship = shipper.ship

    async def answer(batch: Batch) -> Receipt:
        await answered.wait()
        return await ship(batch)

    shipper.ship = answer  # type: ignore[method-assign]
    return shipper, answered


@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("is_there", [False, True])
async def test_what_went_back_to_a_file_that_was_read_to_its_end_arrives_or_is_a_gap(
    host: Host, is_there: bool
) -> None:
    shipper, answered = held_up()
    log = host.add("shut", *numbered(range(100)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read == 100)
        log.rotate()
        log.write(*numbered(range(100, 200)))
        await until(lambda: pipeline.ledger.read == 200)
        if not is_there:
            log.generation(1).unlink()
        answered.set()
        await gone_back(pipeline)
        shipper.is_shut = False
        await until(lambda: f"line {199}" in messages(shipper))
    tried = 1  # which is kept for that
    found = sorted(messages(shipper), key=lambda it: int(it[5:]))
    assert found[-100:] == words(range(100, 200))
    assert len(found) == (200 if is_there else 100 + tried)
    assert (pipeline.counts.gaps, pipeline.ledger.balance) == (int(not is_there), 0)


@pytest.mark.usefixtures("few_bytes")
async def test_the_last_lines_of_a_container_that_is_gone_go_back_too(host: Host) -> None:
    shipper, answered = held_up()
    answered.set()
    host.add("shut-first", *numbered(range(5)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.waits)
        answered.clear()
        log = host.add("shut", *numbered(range(100)))
        await until(lambda: pipeline.ledger.read == 105)
        log.live.unlink()
        host.listing.drop("shut")
        answered.set()
        await until(lambda: len(pipeline.ledger.waits) == 2)
        await until(lambda: pipeline.ledger.in_flight_bytes < 1_000)
        shipper.is_shut = False
        await until(lambda: len(messages(shipper, "shut")) == 100)
        await until(lambda: len(pipeline.readers) == 1)
    assert sorted(messages(shipper, "shut"), key=lambda it: int(it[5:])) == words(range(100))
    assert (pipeline.counts.gaps, pipeline.counts.open_files) == (0, 0)


@pytest.mark.usefixtures("few_bytes")
async def test_a_target_without_a_document_to_ask_with_is_read_again(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where those of others take up all the memory that is for them."""
    monkeypatch.setattr(blocked, "_MOST_TRIED_BYTES", 0)
    monkeypatch.setattr(blocked, "_UNTRIED_SECONDS", 0.05)
    shipper = Closed()
    host.add("shut", *numbered(range(3_000)))
    pipeline = host.pipeline(shipper)
    async with host.run(pipeline):
        await gone_back(pipeline)
        host.add("free", *numbered(range(10)))
        await until(lambda: len(messages(shipper, "free")) == 10)
        shipper.is_shut = False
        await until(lambda: len(messages(shipper, "shut")) == 3_000)
    assert messages(shipper, "shut") == words(range(3_000))
    assert pipeline.ledger.read == pipeline.ledger.acknowledged + pipeline.ledger.duplicate
