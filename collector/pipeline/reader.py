"""One stream that is read for one output."""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from collector.model import Chunk, Segment
from collector.ports import Source, Transform


class Reader(Struct, eq=False):
    """How its bytes are read, how they become documents, and how much of them was passed on.

    `left` is what there was no room for, of the last chunk.
    """

    source: Source
    transform: Transform
    documents: int = 0
    read_bytes: int = 0
    left: Iterator[Segment] | None = None


def together(readers: Sequence[Reader], chunks: Sequence[Chunk], most_bytes: int) -> Sequence[list[Segment] | None]:
    """What a chunk of each becomes, as far as that is cheaper at one go: `Transform.together`."""
    jobs = [(reader.transform, chunk) for reader, chunk in zip(readers, chunks, strict=True)]
    kinds = {type(transform) for transform, _ in jobs}
    if len(kinds) == 1:
        return kinds.pop().together(jobs, most_bytes)
    made: list[list[Segment] | None] = [None] * len(jobs)
    for kind in kinds:
        places = [place for place, (transform, _) in enumerate(jobs) if type(transform) is kind]
        for place, segments in zip(places, kind.together([jobs[one] for one in places], most_bytes), strict=True):
            made[place] = segments
    return made
