"""Documents of one stream → segments, each of one day."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from collector.model import LogStream, Segment, Ticket


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


def days(stamps: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    """Each run of equal day, from where to where."""
    first = 0
    for day, run in groupby(stamp[:10] for stamp in stamps):
        last = first + len(list(run))
        yield day, first, last
        first = last
