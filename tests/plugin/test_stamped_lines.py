"""The format of docs/tutorials/write-a-format.md: it keeps the laws of all formats, and stands on the page."""

import json
from pathlib import Path

import pytest

from collector.intake.json_files import JsonFiles
from collector.model import BEGINNING, LogStream, Start
from collector.ports import Transform
from collector.transform.stamps import Stamps
from tests.collector.pipeline.test_pipeline import Host
from tests.collector.recording_shipper import RecordingShipper
from tests.collector.waiting import until
from tests.contract.transforms import TransformContract, chunks
from tests.plugin.stamped_lines import StampedLines

PAGE = Path(__file__).parents[2] / "docs" / "tutorials" / "write-a-format.md"


class TestStampedLines(TransformContract):
    def transform(self, start: Start = BEGINNING) -> StampedLines:
        return StampedLines(Stamps(), start)

    def line(self, text: str, number: int) -> bytes:
        return f"2026-11-{1 + number // 10:02}T02:13:{number:02}Z INFO {text}\n".encode()


def read(*lines: bytes) -> list[tuple[str, str, str]]:
    transform = StampedLines(Stamps())
    segments = [segment for chunk in chunks(lines) for segment in transform.take(chunk).segments]
    found = [json.loads(one) for segment in segments for one in segment.documents]
    return [(one["@timestamp"], one["log"]["level"], one["log"]["message"]) for one in found]


def test_a_line_has_its_own_time_level_and_message() -> None:
    assert read(b"2026-11-23T02:13:00Z WARN disk is full\n", b"2026-11-23T02:13:01+01:00 INFO \n") == [
        ("2026-11-23T02:13:00Z", "warn", "disk is full"),
        ("2026-11-23T01:13:01Z", "info", ""),
    ]


def test_a_line_without_a_time_has_that_of_the_line_before_it() -> None:
    times = [time for time, _, _ in read(b"no time\n", b"2026-11-23T02:13:00Z INFO a\n", b"  at b\n")]
    assert times == ["2000-01-02T00:00:00.000000000Z", "2026-11-23T02:13:00Z", "2026-11-23T02:13:00Z"]


class Stamped(JsonFiles):
    def transform(self, stream: LogStream, start: Start) -> Transform:
        return StampedLines(Stamps(), start)


async def test_it_is_delivered_once_over_a_restart_without_any_other_module_changed(tmp_path: Path) -> None:
    host, shipper = Host(tmp_path), RecordingShipper()
    for first in (0, 5):
        numbers = range(first, first + 5)
        host.add("web", *(f"2026-11-23T02:13:0{number}Z INFO line {number}\n".encode() for number in numbers))
        pipeline = host.pipeline(shipper, reads=Stamped(Stamps()))
        async with host.run(pipeline):
            await until(lambda first=first: len(shipper.stored) == first + 5)  # type: ignore[misc]
        assert pipeline.ledger.read == 5
    assert [json.loads(one)["log"]["message"] for one in shipper.stored.values()] == [f"line {n}" for n in range(10)]


@pytest.mark.parametrize("name", ["stamped_lines.py"])
def test_the_page_shows_the_code_that_is_tested(name: str) -> None:
    assert (Path(__file__).parent / name).read_text() in PAGE.read_text()
