"""One stream that is read for one output."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from collector.model import Chunk, Segment
from collector.pipeline.told import Told
from collector.ports import Source, Taken, Transform
from collector.transform.parts import parts


class Reader(Struct, eq=False):
    """How its bytes are read, how they become documents, and how much of them was passed on.

    `left` is what there was no room for, of the last chunk; `told` up to where it was told what the lines are. While
    `held` is there, nothing is taken until it is set, and what was read is `kept`. `is_passing`: a chunk is passed on
    in parts.
    """

    source: Source
    transform: Transform
    documents: int = 0
    read_bytes: int = 0
    misfits: int = 0
    redactions: Counter[str] = field(default_factory=Counter)
    left: Iterator[Segment] | None = None
    held: asyncio.Event | None = None
    kept: Chunk | None = None
    is_passing: bool = False
    told: Told = field(default_factory=Told)

    def made(self, chunk: Chunk, most_bytes: int) -> Iterator[tuple[Taken, bool]]:
        """What a chunk becomes, a part of it at a time, and whether the part is read for the first time.

        Large chunks are taken in parts, so that no more than `most_bytes` are added to the lines of one.
        """
        transform = self.transform
        for piece, is_new in self.told.pieces(chunk) if self.told.is_back else ((chunk, True),):
            for part in parts(piece, transform.added_bytes(chunk.stream), most_bytes):
                taken = transform.take(part)
                if is_new:
                    self.told.until(part)
                yield taken, is_new


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
