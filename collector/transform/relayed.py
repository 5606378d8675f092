"""Records of a partition → the segments that other agents had: it only splits.

Of a bundle stream and day stand in its headers, so its documents are not looked at; a document by itself tells its
fields, once for all that have the same. A record of others becomes a document with an id of topic, partition and
offset. What its output does not want is left out, and the position moves over it.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from collector.documents import relayed
from collector.documents.document import fields
from collector.documents.relayed import Sent
from collector.documents.segments import segment_of
from collector.model import Chunk, Cursor, LogStream, Position, Segment, StreamKey, Ticket
from collector.ports import Taken, Transform
from collector.sources.partition import Record, Records
from collector.text.bounds import bounded
from collector.transform.choice import Choice
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


class _Known(NamedTuple):
    """A stream that documents had; "" or the rule by which none of it is wanted."""

    stream: LogStream
    left_out_by: str


class Relayed(Transform):
    """The transform of one partition."""

    def __init__(self, stamps: Stamps = UTC_STAMPS, choice: Choice | None = None) -> None:
        """`choice` says what is wanted; None: all."""
        self._stamps = stamps
        self._choice = choice
        self.is_slow = choice is not None and choice.redacts  # 40 µs a document that has secrets
        self._streams: dict[tuple[bytes, ...], _Known] = {}

    def take(self, chunk: Chunk) -> Taken:
        """The documents of the records, or of lines where there are none."""
        records = chunk.records if isinstance(chunk, Records) else _lines(chunk)
        runs = [found for run, end in self._runs(chunk, records) if (found := self._chosen(run, end)) is not None]
        segments = [_segment(run, end) for run, end in runs[:-1]]
        segments += [_segment(run, chunk.end) for run, _ in runs[-1:]]  # what was left out behind it is settled, too
        last = segments[-1].ticket if segments else Ticket(chunk.end, is_settled=True)
        if isinstance(chunk, Records):
            chunk.settling.wait_for([segment.ticket for segment in segments] or [last])
        taken = Taken(segments, last)
        if self._choice is not None:
            taken.note(self._choice.counted())
        return taken

    def _runs(self, chunk: Chunk, records: Iterable[Record]) -> Iterator[tuple[_Run, Position]]:
        """Documents that follow each other and have a stream and day in common, and the place behind them."""
        run: _Run | None = None
        end = chunk.start
        for record in records:
            found = self._sent(chunk.stream, record)
            if found is not None:
                (stream, rule), day, sent = found
                if rule and self._choice is not None:
                    self._choice.leave_out(rule, len(sent.ids))
                elif run is not None and run.day == day and (run.stream is stream or run.stream == stream):
                    run.ids.extend(sent.ids)
                    run.documents.extend(sent.documents)
                else:
                    if run is not None:
                        yield run, end
                    run = _Run(stream, day, [*sent.ids], [*sent.documents])
            end = _behind(chunk, record.offset)
        if run is not None:
            yield run, end

    def _chosen(self, run: _Run, end: Position) -> tuple[_Run, Position] | None:
        """What of it is wanted; None if nothing is."""
        if self._choice is None:
            return run, end
        ids, documents = self._choice.taken(run.ids, run.documents)
        return (run._replace(ids=[*ids], documents=documents), end) if ids else None

    def _sent(self, stream: LogStream, record: Record) -> tuple[_Known, str, Sent] | None:
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
                container_id = b"" if record.key == headers["id"] else record.key  # the agent may have any key
                return self._of_document(stream, container_id, sent.documents[0]), day, sent
        return self._foreign(stream, record) if record.value.strip() else None

    def _of_bundle(self, stream: LogStream, headers: Mapping[str, bytes], document: bytes) -> _Known:
        named = tuple(headers.get(name, b"") for name in ("container_id", "container", "entry", "target"))
        key = (*named, relayed.rest_of(document))
        if (known := self._streams.get(key)) is None:
            container_id, container, entry, target = [bounded(one.decode(errors="replace")) for one in named]
            known = self._keep(key, _Named(container_id, container, entry, target), stream, document)
        return known

    def _of_document(self, stream: LogStream, container_id: bytes, document: bytes) -> _Known:
        key = (container_id, relayed.rest_of(document))
        if (known := self._streams.get(key)) is None:
            found = fields(document)
            name_of = bounded(container_id.decode(errors="replace"))
            named = _Named(name_of, found.get("docker_container", ""), "", found.get("@target", ""))
            known = self._keep(key, named, stream, document)
        return known

    def _keep(self, key: tuple[bytes, ...], named: "_Named", stream: LogStream, document: bytes) -> _Known:
        if len(self._streams) >= _MOST_STREAMS:
            self._streams.clear()
        whole = fields(document)
        seen = whole if self._choice is None else self._choice.fields(whole)
        made = _made(stream, seen, named)
        known = self._streams[key] = _Known(made, self._rule(named.container, named.container_id, made.target))
        return known

    def _rule(self, container: str, container_id: str, target: str) -> str:
        return "" if self._choice is None else self._choice.left_out_by(container, container_id, target)

    def _foreign(self, stream: LogStream, record: Record) -> tuple[_Known, str, Sent]:
        (stamp,) = self._stamps.render([from_nanoseconds(record.time_ms * 1_000_000)])
        name = f"{stream.container_id.rpartition('/')[2]}-{record.offset}"
        text = record.value.decode(errors="replace").rstrip("\r\n")
        rule = self._rule(stream.container, "", stream.target)
        return _Known(stream, rule), stamp[:10], relayed.foreign(stream, text, stamp, name)


class _Named(NamedTuple):
    """What documents say of their stream; "" where they say nothing."""

    container_id: str
    container: str
    entry: str
    target: str


def _made(stream: LogStream, fields: Mapping[str, str], named: _Named) -> RelayedStream:
    return RelayedStream(
        container_id=named.container_id or named.container,
        container=named.container,
        entry=named.entry,
        target=named.target or stream.target,
        path="",
        running=True,
        fields=fields,
        input=stream.input,
        reading=stream.reading,
        at=stream.key,
    )


def _segment(run: _Run, end: Position) -> Segment:
    return segment_of(run.stream, run.day, run.documents, run.ids, Ticket(end))


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
