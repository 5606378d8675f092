"""Laws of a transform that leaves lines out: they are counted, and never read again."""

import asyncio
from pathlib import Path

import pytest

from collector.errors import Unavailable
from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, Batch, Chunk, LogStream, Receipt, Start
from collector.ports import Taken, Transform
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import numbered, raw
from tests.collector.pipeline.test_pipeline import Host, messages
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
        return Taken([one for one in kept if one.count], taken.end, {"word": count})


class Filtering(JsonFiles):
    def __init__(self, word: bytes) -> None:
        super().__init__(Stamps())
        self._word = word

    def transform(self, stream: LogStream, start: Start = BEGINNING) -> Without:
        return Without(self._word, start)


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
