"""Laws of formats in which a line is a document: those of all transforms, whatever the format says of a line's time."""

import json
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from collector.model import BEGINNING, FileId, Start
from collector.transform.line_format import LineFormat
from collector.transform.stamps import Stamps
from tests.contract.transforms import STREAM, TransformContract, chunks


class Timed(LineFormat):
    """`<time>|<what is said>`."""

    def read(self, text: str) -> tuple[str, str]:
        time, _, said = text.partition("|")
        return time, said


class TestLineFormat(TransformContract):
    def transform(self, start: Start = BEGINNING) -> LineFormat:
        return Timed(Stamps(), start)

    def line(self, text: str, number: int) -> bytes:
        return f"2026-11-{number // 10 + 1:02}T02:13:{number:02}Z|{text}\n".encode()


class TestLineFormatWithFewTimes(TestLineFormat):
    def line(self, text: str, number: int) -> bytes:
        return super().line(text, number) if number % 5 == 3 else f"|{text}\n".encode()


class TestLineFormatInAZone(TestLineFormat):
    def transform(self, start: Start = BEGINNING) -> LineFormat:
        return Timed(Stamps(ZoneInfo("Asia/Kathmandu")), start)


def stamps(*lines: str, start: Start = BEGINNING) -> list[str]:
    transform = Timed(Stamps(), start)
    segments = [one for chunk in chunks([line.encode() for line in lines]) for one in transform.take(chunk).segments]
    return [json.loads(document)["@timestamp"] for segment in segments for document in segment.documents]


@pytest.mark.parametrize("time", ["", "yesterday", "2026-02-30T00:00:00Z", "0001-01-01T00:00:00Z", "nul\0"])
def test_a_line_without_a_sane_time_has_that_of_the_line_before_it(time: str) -> None:
    assert stamps("2026-11-23T02:13:00Z|a\n", f"{time}|b\n") == 2 * ["2026-11-23T02:13:00Z"]


def test_a_first_line_without_a_time_has_one_that_no_clock_tells_and_that_indices_can_have() -> None:
    assert stamps("|a\n", "|b\n") == 2 * ["2000-01-02T00:00:00.000000000Z"]


def test_a_line_takes_no_time_of_a_line_in_the_file_before() -> None:
    transform = Timed(Stamps())
    first, second = chunks([b"2026-11-23T02:13:00Z|a\n"])[0], chunks([b"|b\n"])[0]
    other = FileId(STREAM.container_id, "0ther", 0)
    second = replace(second, start=second.start._replace(file=other), end=second.end._replace(file=other))
    transform.take(first)
    (segment,) = transform.take(second).segments
    assert segment.day == "2000-01-02"
