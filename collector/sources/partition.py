"""Records of one topic's partition → chunks. An input that has the consumer gives them; the cursor is the offset.

The offset stands as the number of the line, too: it is what numbers records for good. Records that were given before
are left out, so whoever reads may begin again at an earlier one. What is made of a chunk is told to its `Settling`, so
that the source knows up to where all that it gave is settled: the offset that may be committed.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import NamedTuple

from collector.model import Chunk, Cursor, FileId, LogStream, Position, Start, Ticket, within
from collector.ports import Source

_CHUNK_BYTES = 1 << 20


class Record(NamedTuple):
    """One record: its offset, when it was written in milliseconds since 1970, its headers, value and key."""

    offset: int
    time_ms: int
    headers: Mapping[str, bytes]
    value: bytes
    key: bytes = b""


class Settling:
    """Up to where the records that a source gave are settled, in the output that reads it."""

    def __init__(self, begin: int) -> None:
        self._begin = begin
        self._tickets: deque[Ticket] = deque()

    def wait_for(self, tickets: Iterable[Ticket]) -> None:
        """Of the next chunk this was made: the last ticket ends where the chunk does."""
        self._tickets += tickets

    @property
    def offset(self) -> int:
        """The offset before which all is settled."""
        while self._tickets and self._tickets[0].is_settled:
            self._begin = self._tickets.popleft().end.line
        return self._begin

    @property
    def is_over(self) -> bool:
        """Whether nothing that was taken is on its way."""
        return self.offset >= 0 and not self._tickets


class Records(Chunk, frozen=True, kw_only=True, gc=False):
    """A chunk of records; `data` is their values, each as a line. `settling` is to be told what is made of them."""

    records: tuple[Record, ...]
    settling: Settling


class Partition(Source):
    """What one output has of a partition. `begin` is where the group was when it was assigned."""

    def __init__(self, stream: LogStream, start: Start, begin: int, end: int) -> None:
        """`end` is the partition's: a position behind it is that of a topic that was removed."""
        super().__init__(stream)
        cursor = start.resume.position.cursor if start.resume else None
        kept = cursor.order if cursor and cursor.order <= end else 0
        self.next = max(begin, kept)  # whoever was further settled what is before
        self.settling = Settling(self.next)
        self.waiting_bytes = 0
        self.is_readable = True
        self.is_closed = False
        self._given: deque[tuple[int, tuple[Record, ...]]] = deque()
        self._place = self._position(self.next)
        self._news = asyncio.Event()

    def give(self, records: Iterable[Record]) -> None:
        """Records that follow each other, some of which may have been given before."""
        new = [one for one in records if one.offset >= self.next]
        while new:
            part = within(_CHUNK_BYTES, new, lambda one: len(one.value))
            new = new[len(part) :]
            self.next = part[-1].offset + 1
            self._given.append((self.next, tuple(part)))
            self.waiting_bytes += sum(len(one.value) for one in part)
            self._news.set()

    def remove(self) -> None:
        """The partition was taken away: what waits is left to whoever has it now."""
        super().remove()
        self._given.clear()
        self.waiting_bytes = 0
        self._news.set()

    def close(self) -> None:
        """Nobody reads it any more."""
        self.is_closed = True

    async def chunks(self) -> AsyncIterator[Chunk]:
        """What was given, until the partition is taken away."""
        self.is_closed = False
        while True:
            while self._given:
                yield self._chunk(*self._given.popleft())
            if self.is_removed:
                self.next = self._place.line
                yield Chunk(stream=self.stream, data=b"", start=self._place, end=self._place, ended=True)
                if self.is_removed:  # it may be back
                    return
            self._news.clear()
            if not self._given and not self.is_removed:
                await self._news.wait()

    def _chunk(self, end: int, records: tuple[Record, ...]) -> Records:
        start, self._place = self._place, self._position(end)
        self.waiting_bytes -= sum(len(one.value) for one in records)
        data = b"".join([one.value if one.value[-1:] == b"\n" else one.value + b"\n" for one in records])
        return Records(
            stream=self.stream, data=data, start=start, end=self._place, records=records, settling=self.settling
        )

    def _position(self, offset: int) -> Position:
        file = FileId(self.stream.container_id, self.stream.container_id.rpartition("/")[2], 0)
        return Position(file, 0, offset, cursor=Cursor(offset))
