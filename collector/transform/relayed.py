"""Records of a partition → the segments that other agents had: it only splits.

Of a bundle stream and day stand in its headers, so its documents are not looked at; a document by itself tells its
fields, once for all that have the same. A record of others becomes a document with an id of topic, partition and
offset. A transform knows up to where all that it made is settled: the offset that may be committed.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from collector.documents import relayed
from collector.documents.document import fields
from collector.documents.relayed import Sent
from collector.documents.segments import segment_of
from collector.model import BEGINNING, Chunk, Cursor, LogStream, Position, Segment, Start, StreamKey, Ticket
from collector.ports import Taken, Transform
from collector.sources.partition import Record, Records
from collector.text.bounds import bounded
from collector.transform.stamps import UTC_STAMPS, Stamps, from_nanoseconds

_MOST_STREAMS = 4096
_DAY_LETTERS = 10


class RelayedStream(LogStream, frozen=True, kw_only=True, gc=False):
    """The stream that documents had at the first agent; here they are of the stream `at`, a partition."""

    at: StreamKey

    @property
    def key(self) -> StreamKey:
        """That of the partition, whose position waits for them."""
        return self.at

    def __hash__(self) -> int:
        return hash(self.at)


class _Run(NamedTuple):
    """Documents of one stream and day, and the offset behind the last record of them."""

    stream: LogStream
    day: str
    ids: list[str]
    documents: list[bytes]


class Relayed(Transform):
    """The transform of one partition."""

    def __init__(self, stamps: Stamps = UTC_STAMPS, start: Start = BEGINNING) -> None:
        self.has_taken = False
        self._stamps = stamps
        self._begin = start.resume.position.line if start.resume else -1
        self._tickets: deque[Ticket] = deque()
        self._streams: dict[tuple[bytes, ...], RelayedStream] = {}

    @property
    def settled(self) -> int:
        """The offset before which all is settled; -1: nothing was taken yet."""
        while self._tickets and self._tickets[0].is_settled:
            self._begin = self._tickets.popleft().end.line
        return self._begin

    @property
    def is_settled(self) -> bool:
        """Whether all that was taken is settled."""
        return self.settled >= 0 and not self._tickets

    def take(self, chunk: Chunk) -> Taken:
        """The documents of the records, or of lines where there are none."""
        if not self.has_taken:
            self.has_taken, self._begin = True, chunk.start.line
        records = chunk.records if isinstance(chunk, Records) else _lines(chunk)
        segments: list[Segment] = []
        run: _Run | None = None
        end = chunk.start
        for record in records:
            found = self._sent(chunk.stream, record)
            if found is not None:
                stream, day, sent = found
                if run is None or run.day != day or run.stream != stream:
                    segments += _segment(run, end)
                    run = _Run(stream, day, [], [])
                run.ids.extend(sent.ids)
                run.documents.extend(sent.documents)
            end = _behind(chunk, record.offset)
        segments += _segment(run, chunk.end)
        last = segments[-1].ticket if segments else Ticket(chunk.end, is_settled=True)
        self._tickets += [segment.ticket for segment in segments] or [last]
        return Taken(segments, last)

    def _sent(self, stream: LogStream, record: Record) -> tuple[LogStream, str, Sent] | None:
        """What a record holds, of which stream and day; None if that is nothing."""
        headers = record.headers
        form = headers.get("pilotfish", b"").decode(errors="replace")
        if form == "bundle":
            sent = relayed.bundle(record.value, headers.get("document", b"pilotfish").decode(errors="replace"))
            day = headers.get("day", b"").decode(errors="replace")
            if sent is not None and _is_day(day):
                return self._of_bundle(stream, headers, sent.documents[0]), day, sent
        elif form and (sent := relayed.one(headers.get("id", b""), record.value, form)) is not None:
            day = relayed.day_of(sent.documents[0])
            if _is_day(day):
                return self._of_document(stream, sent.documents[0]), day, sent
        return self._foreign(stream, record) if record.value.strip() else None

    def _of_bundle(self, stream: LogStream, headers: Mapping[str, bytes], document: bytes) -> LogStream:
        named = tuple(headers.get(name, b"") for name in ("container_id", "container", "entry", "target"))
        key = (*named, relayed.rest_of(document))
        if (known := self._streams.get(key)) is None:
            container_id, container, entry, target = [bounded(one.decode(errors="replace")) for one in named]
            known = self._keep(key, _made(stream, document, container_id, container, entry, target))
        return known

    def _of_document(self, stream: LogStream, document: bytes) -> LogStream:
        key = (relayed.rest_of(document),)
        if (known := self._streams.get(key)) is None:
            found = fields(document)
            container = found.get("docker_container", "")
            known = self._keep(key, _made(stream, document, container, container, "", found.get("@target", "")))
        return known

    def _keep(self, key: tuple[bytes, ...], made: RelayedStream) -> RelayedStream:
        if len(self._streams) >= _MOST_STREAMS:
            self._streams.clear()
        self._streams[key] = made
        return made

    def _foreign(self, stream: LogStream, record: Record) -> tuple[LogStream, str, Sent]:
        (stamp,) = self._stamps.render([from_nanoseconds(record.time_ms * 1_000_000)])
        name = f"{stream.container_id.rpartition('/')[2]}-{record.offset}"
        text = record.value.decode(errors="replace").rstrip("\r\n")
        return stream, stamp[:10], relayed.foreign(stream, text, stamp, name)


def _made(
    stream: LogStream, document: bytes, container_id: str, container: str, entry: str, target: str
) -> RelayedStream:
    return RelayedStream(
        container_id=container_id,
        container=container,
        entry=entry,
        target=target or stream.target,
        path="",
        running=True,
        fields=fields(document),
        input=stream.input,
        at=stream.key,
    )


def _segment(run: _Run | None, end: Position) -> list[Segment]:
    return [] if run is None else [segment_of(run.stream, run.day, run.documents, run.ids, Ticket(end))]


def _behind(chunk: Chunk, offset: int) -> Position:
    """The place behind a record."""
    cursor = None if chunk.end.cursor is None else Cursor(offset + 1)
    return chunk.end._replace(line=offset + 1, cursor=cursor)


def _lines(chunk: Chunk) -> Iterator[Record]:
    """The lines of a chunk as records without headers."""
    for number, line in enumerate(chunk.data.split(b"\n")[:-1], chunk.start.line):
        yield Record(number, chunk.changed() // 1_000_000, {}, line)


@lru_cache(1024)
def _is_day(day: str) -> bool:
    try:
        return len(day) == _DAY_LETTERS and bool(date.fromisoformat(day))
    except ValueError:
        return False
