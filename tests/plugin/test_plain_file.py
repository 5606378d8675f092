"""The source of docs/tutorials/write-a-source.md: the laws of all sources, and that documents of it arrive once."""

import json
from pathlib import Path

from collector.intake.json_files import JsonFiles
from collector.model import LogStream, Start
from collector.ports import Source, Transform
from collector.sources.desk import Desk
from collector.state.checkpoint import Checkpoints
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.sources import SourceContract, Writer
from tests.plugin.plain_file import PlainFile
from tests.plugin.stamped_lines import StampedLines


class Appended(Writer):
    def __init__(self, directory: Path) -> None:
        self._path = directory / "app.log"
        self._path.touch()

    def write(self, *lines: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(b"".join(lines))

    def line(self, number: int) -> bytes:
        return b"2026-11-23T02:13:00Z INFO line %d\n" % number


class TestPlainFile(SourceContract):
    rotates = can_be_cut = False

    def writer(self, directory: Path) -> Appended:
        return Appended(directory)

    def stream(self, directory: Path) -> LogStream:
        return log_stream(directory / "app.log")

    def source(self, stream: LogStream, start: Start, desk: Desk) -> PlainFile:
        return PlainFile(stream, start)


class Plain(JsonFiles):
    def source(self, stream: LogStream, start: Start, desk: Desk) -> Source:
        return PlainFile(stream, start)

    def transform(self, stream: LogStream, start: Start) -> Transform:
        return StampedLines(Stamps(), start)


async def test_lines_arrive_once_over_restarts_and_room_that_is_short(tmp_path: Path) -> None:
    host, shipper, count = Host(tmp_path), RecordingShipper(), 3000
    log = Appended(tmp_path)
    host.put(log_stream(tmp_path / "app.log", container_id="app", target="app"))
    for first in (0, count):
        log.write(*log.lines(*range(first, first + count)))
        pipeline = host.pipeline(shipper, batch_bytes=20_000, reads=Plain(Stamps()))
        async with host.run(pipeline):
            await until(lambda first=first: len(shipper.stored) == first + count)  # type: ignore[misc]
        assert (pipeline.ledger.read, pipeline.ledger.duplicate) == (count, 0)
    found = sorted(json.loads(one)["log"]["message"] for one in shipper.stored.values())
    assert found == sorted(f"line {number}" for number in range(2 * count))
    kept = Checkpoints(host.state, "out").begin(host.registry.streams.popitem()[1]).resume
    assert kept is not None
    assert kept.position.order == (tmp_path / "app.log").stat().st_size


def test_the_page_shows_the_source_that_is_tested() -> None:
    page = Path(__file__).parents[2] / "docs" / "tutorials" / "write-a-source.md"
    assert (Path(__file__).parent / "plain_file.py").read_text() in page.read_text()
