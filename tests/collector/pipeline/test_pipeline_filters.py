"""Laws of a transform that leaves lines out: they are counted once, and only read again where others are."""

import asyncio
from pathlib import Path

import pytest

from collector.delivery import shipment
from collector.errors import Unavailable
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Batch, Chunk, LogStream, Receipt, Start
from collector.pipeline.left_out import LeftOut
from collector.pipeline.pipeline import Pipeline
from collector.ports import Taken, Transform
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import numbered, raw
from tests.collector.pipeline.test_pipeline import Host, messages
from tests.collector.pipeline.test_pipeline_returns import Closed, gone_back, held_up
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until


class Without(Transform):
    """Leaves out the documents that hold a word."""

    def __init__(self, word: bytes, start: Start) -> None:
        self._word = word
        self._inner = DockerJson(Stamps(), start)

    def take(self, chunk: Chunk) -> Taken:
        taken = self._inner.take(chunk)
        kept = [
            segment.part([index for index, one in enumerate(segment.documents) if self._word not in one])
            for segment in taken.segments
        ]
        count = sum(segment.count for segment in taken.segments) - sum(segment.count for segment in kept)
        return Taken(
            [one for one in kept if one.count], taken.end, {"word": count}, taken.parse_errors, taken.torn_lines
        )


class Filtering(JsonFiles):
    def __init__(self, word: bytes) -> None:
        super().__init__(Stamps())
        self._word = word

    def transform(self, stream: LogStream, start: Start = BEGINNING) -> Without:
        return Without(self._word, start)


@pytest.fixture(autouse=True)
def nothing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only documents of lines are counted here; those that tell of others: `test_left_out`."""
    monkeypatch.setattr(LeftOut, "count", lambda *one: None)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


async def test_a_log_that_is_left_out_whole_is_not_read_again(host: Host) -> None:
    host.add("web", *numbered(range(1000)))
    host.add("till", raw("kept\n"))
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper, reads=Filtering(b"line"))
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read == 1001 and len(shipper.stored) == 1)
        assert pipeline.ledger.balance == 0
    assert pipeline.ledger.filtered == {"word": 1000}
    assert messages(shipper) == ["kept"]
    again = host.pipeline(shipper, reads=Filtering(b"line"))
    async with host.run(again):
        host.add("web", raw("new line\n"), raw("a new one\n"))
        await until(lambda: len(shipper.stored) == 2)
    assert (again.ledger.read, again.ledger.filtered) == (2, {"word": 1})
    assert messages(shipper) == ["kept", "a new one"]


@pytest.mark.parametrize("word", [b"line 5", b"line 49", b"line 0"])
async def test_lines_that_are_left_out_among_others_move_the_position(host: Host, word: bytes) -> None:
    lines = numbered(range(50))
    left_out = sum(word in line for line in lines)
    host.add("web", *lines)
    shipper = RecordingShipper()
    pipeline = host.pipeline(shipper, reads=Filtering(word))
    async with host.run(pipeline):
        await until(lambda: len(shipper.stored) == 50 - left_out)
    again = host.pipeline(shipper, reads=Filtering(word))
    async with host.run(again):
        host.add("web", raw("last\n"))
        await until(lambda: len(shipper.stored) == 51 - left_out)
    assert (again.ledger.read, again.ledger.filtered.total()) == (1, 0)


class Away(RecordingShipper):
    async def ship(self, batch: Batch) -> Receipt:
        raise Unavailable("away")


async def test_what_is_left_out_behind_what_is_not_delivered_is_read_again_after_a_kill(host: Host) -> None:
    host.add("web", raw("kept\n"), *numbered(range(100)))
    pipeline = host.pipeline(Away(), reads=Filtering(b"line"))
    running = asyncio.create_task(pipeline.run())
    await until(lambda: pipeline.ledger.read == 101)
    await pipeline.checkpoints.flush()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    shipper = RecordingShipper()
    again = host.pipeline(shipper, reads=Filtering(b"line"))
    async with host.run(again):
        await until(lambda: len(shipper.stored) == 1 and again.ledger.filtered.total() == 100)
    assert messages(shipper) == ["kept"]


# ------------------------------------------------------------------ what goes back to its log is told once


@pytest.fixture
def few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """So little may wait that nearly all goes back."""
    monkeypatch.setattr(shipment, "_HELD_BOUND_BYTES", 1_000)


def marked(numbers: range) -> list[bytes]:
    """Every third is left out."""
    times = [f"2026-11-23T02:13:00.{number:09}Z" for number in numbers]
    return [
        raw(f"line {number}{'' if number % 3 else ' !'}\n", time=time)
        for number, time in zip(numbers, times, strict=True)
    ]


def left_out(numbers: range) -> int:
    return sum(number % 3 == 0 for number in numbers)


def strange(count: int) -> list[bytes]:
    """Lines that are no JSON, and lines with NUL bytes before them."""
    return [b"broken\n" if number % 2 else b"\0\0" + raw(f"torn {number}\n") for number in range(count)]


def assert_told_once(pipeline: Pipeline, filtered: int) -> None:
    ledger = pipeline.ledger
    assert (ledger.balance, ledger.in_flight) == (0, 0)
    assert ledger.filtered == {"word": filtered}
    assert ledger.read == ledger.acknowledged + ledger.duplicate + filtered


@pytest.mark.usefixtures("few_bytes")
@pytest.mark.parametrize("times", [1, 3])
async def test_what_goes_back_to_its_log_is_left_out_once_in_the_books(host: Host, times: int) -> None:
    lines, shipper = range(3_000 + 3 * times), Closed()
    log = host.add("shut", *marked(range(3_000)), *strange(10))
    pipeline = host.pipeline(shipper, batch_bytes=50_000, reads=Filtering(b"!"))
    async with host.run(pipeline):
        for time in range(times):
            await gone_back(pipeline)
            assert pipeline.ledger.filtered.total() <= left_out(range(3_000 + 3 * time))
            assert pipeline.ledger.balance == 0
            shipper.is_shut = False
            await until(lambda: pipeline.ledger.acknowledged > 0)
            shipper.is_shut = True
            log.write(*marked(range(3_000 + 3 * time, 3_003 + 3 * time)))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == len(lines) + 10 - left_out(lines))
    assert_told_once(pipeline, left_out(lines))
    assert (pipeline.ledger.parse_errors, pipeline.counts.torn_lines) == (5, 5)


@pytest.mark.usefixtures("few_bytes")
async def test_what_goes_back_over_several_files_is_left_out_once_in_the_books(host: Host) -> None:
    shipper, answered = held_up()
    log = host.add("shut", *marked(range(100)))
    pipeline = host.pipeline(shipper, reads=Filtering(b"!"))
    async with host.run(pipeline):
        for number in range(1, 4):
            await until(lambda: pipeline.ledger.read == number * 100)  # noqa: B023
            log.rotate(keep=5)
            log.write(*marked(range(number * 100, number * 100 + 100)))
        await until(lambda: pipeline.ledger.read == 400)
        answered.set()
        await gone_back(pipeline)
        log.rotate(keep=5)
        log.write(*marked(range(400, 500)))
        shipper.is_shut = False
        await until(lambda: len(shipper.stored) == 500 - left_out(range(500)))
    assert_told_once(pipeline, left_out(range(500)))


@pytest.mark.usefixtures("few_bytes")
async def test_lines_behind_a_file_that_is_lost_are_left_out_in_the_books(host: Host) -> None:
    shipper, answered = held_up()
    log = host.add("shut", *marked(range(100)))
    pipeline = host.pipeline(shipper, reads=Filtering(b"!"))
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.read == 100)
        log.rotate()
        log.write(*marked(range(100, 200)))
        await until(lambda: pipeline.ledger.read == 200)
        log.generation(1).unlink()
        answered.set()
        await gone_back(pipeline)
        log.write(*marked(range(200, 300)))
        shipper.is_shut = False
        await until(lambda: "line 299" in messages(shipper))
    assert pipeline.counts.gaps == 1
    assert pipeline.ledger.filtered == {"word": left_out(range(300))}


@pytest.mark.usefixtures("few_bytes")
async def test_the_last_lines_of_a_container_that_is_gone_are_left_out_once_in_the_books(host: Host) -> None:
    shipper, answered = held_up()
    answered.set()
    host.add("shut-first", raw("first\n"))
    pipeline = host.pipeline(shipper, reads=Filtering(b"!"))
    async with host.run(pipeline):
        await until(lambda: pipeline.ledger.waits)
        answered.clear()
        log = host.add("shut", *marked(range(100)), raw("its end!"))
        await until(lambda: pipeline.ledger.read == 101)
        log.live.unlink()
        host.listing.drop("shut")
        answered.set()
        await until(lambda: len(pipeline.ledger.waits) == 2 and pipeline.ledger.in_flight_bytes < 1_000)
        shipper.is_shut = False
        await until(lambda: len(pipeline.readers) == 1)
    assert_told_once(pipeline, left_out(range(100)) + 1)
