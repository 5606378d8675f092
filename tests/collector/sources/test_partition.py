"""A partition is a source like any other: offsets number its records, and whoever gives them may give some again."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from collector.model import BEGINNING, Cursor, FileId, LogStream, Position, Resume, Start
from collector.sources.desk import Desk
from collector.sources.partition import Partition, Record, Records
from tests.contract.segments import log_stream
from tests.contract.sources import SourceContract, Writer


class Log(Writer):
    """Records by offset, each a line; a consumer gives all of them, again and again."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.sources: list[Partition] = []
        self._rest = b""

    def write(self, *lines: bytes) -> None:
        *whole, self._rest = (self._rest + b"".join(lines)).split(b"\n")
        self.records += [Record(len(self.records) + n, 0, {}, line) for n, line in enumerate(whole)]
        self.give()

    def line(self, number: int) -> bytes:
        return b"line %d\n" % number

    def give(self) -> None:
        for source in self.sources:
            source.give(self.records)


class TestPartition(SourceContract):
    rotates = can_be_cut = False

    def writer(self, directory: Path) -> Log:
        self.topic = Log()
        return self.topic

    def stream(self, directory: Path) -> LogStream:
        return log_stream(container_id="/kafka/relay/shop-0")

    def source(self, stream: LogStream, start: Start, desk: Desk) -> Partition:
        made = Partition(stream, start, 0, len(self.topic.records))
        self.topic.sources.append(made)
        self.topic.give()
        return made


def records(*offsets: int, value: bytes = b"x") -> list[Record]:
    return [Record(offset, 0, {}, value) for offset in offsets]


async def given(source: Partition) -> Sequence[Record]:
    chunk = await anext(aiter(source.chunks()))
    assert isinstance(chunk, Records)
    return chunk.records


def kept(order: int) -> Start:
    return Start(Resume(Position(FileId("x", "shop-0", 0), 0, order, cursor=Cursor(order))))


@pytest.mark.parametrize(
    ("kept_at", "begin", "end", "first"), [(5, 3, 9, 5), (3, 5, 9, 5), (12, 3, 9, 3), (None, 3, 9, 3)]
)
def test_it_begins_where_the_group_or_the_output_was_further_but_never_behind_the_end(
    kept_at: int | None, begin: int, end: int, first: int
) -> None:
    start = BEGINNING if kept_at is None else kept(kept_at)
    found = Partition(log_stream(), start, begin, end)
    assert (found.next, found.settling.offset) == (first, first)  # what is committed is never what nobody read


async def test_a_large_fetch_is_passed_on_in_parts_and_offsets_may_have_gaps() -> None:
    source = Partition(log_stream(), BEGINNING, 0, 0)
    source.give(records(0, 3, 4, 9, value=b"v" * 600_000))
    found = [await given(source) for _ in range(4)]
    assert [one.offset for part in found for one in part] == [0, 3, 4, 9]
    assert source.waiting_bytes == 0


async def test_what_waits_is_left_when_the_partition_is_taken_away_and_read_when_it_is_back() -> None:
    source = Partition(log_stream(), BEGINNING, 0, 0)
    chunks = aiter(source.chunks())
    source.give(records(0))
    assert (await anext(chunks)).end.line == 1
    source.give(records(1))
    source.remove()
    assert (await anext(chunks)).ended
    source.update(log_stream())
    assert source.next == 1
    source.give(records(1, 2))
    assert (await anext(chunks)).end.line == 3
