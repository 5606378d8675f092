"""Documents of one stream → segments, each of one day."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from collector.documents.composer import FinishedLine
from collector.documents.document import Pilotfish
from collector.model import Cursor, FileId, LogStream, Position, Segment, Ticket


def segment_of(stream: LogStream, day: str, documents: list[bytes], ids: Sequence[str], done: Ticket) -> Segment:
    """One segment; `done` is where the stream is once it is settled."""
    return Segment(
        stream=stream,
        day=day,
        documents=documents,
        ids=ids,
        size=sum(map(len, documents)),
        ticket=Ticket(done.end, done.last_time, done.fingerprint, len(documents), carried=done.carried),
    )


def single(stream: LogStream, line: FinishedLine, stamp: str, order: int) -> Segment:
    """One document that is no line of a log; of its stream a later one has a higher `order`."""
    documents, _, ids = Pilotfish().finished(stream, [line], [stamp])
    file = FileId(stream.container_id, stream.container_id, 0)
    end = Ticket(Position(file, 0, 0, cursor=Cursor(order)), line.time)
    return segment_of(stream, stamp[:10], documents, ids, end)


def days(stamps: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each run of equal day, from where to where."""
    first = 0
    for day, run in groupby(stamp[:10] for stamp in stamps):
        last = first + len(list(run))
        yield day, first, last
        first = last
