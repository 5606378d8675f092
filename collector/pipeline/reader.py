"""One stream that is read for one output."""

import asyncio
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from collector.model import Chunk, Counts, Segment
from collector.pipeline.pace import Pace
from collector.pipeline.sharing import Seat
from collector.pipeline.told import Told
from collector.ports import Source, Taken, Transform
from collector.transform.parts import parts

Job = tuple[Transform, Chunk]


class Hold:
    """Nothing is taken while anybody holds; each owner lets go of its own hold alone. True while there is any."""

    def __init__(self) -> None:
        self._owners: set[object] = set()
        self._is_free = asyncio.Event()

    def __bool__(self) -> bool:
        return bool(self._owners)

    def take(self, owner: object) -> None:
        """Hold until that owner lets go."""
        self._owners.add(owner)
        self._is_free.clear()

    def let_go(self, owner: object) -> None:
        """That owner holds no more, if it did."""
        self._owners.discard(owner)
        if not self._owners:
            self._is_free.set()

    async def wait(self) -> None:
        """Wait until nobody holds."""
        while self._owners:  # whoever lets go may be followed by another who holds
            await self._is_free.wait()


class Reader(Struct, eq=False):
    """How its bytes are read, how they become documents, and how much of them was passed on.

    `left` is what there was no room for, of the last chunk; `told` up to where it was told what the lines are. While
    anybody has it `held`, nothing is taken, and what was read is `kept`. `is_passing`: a chunk is passed on in parts.
    `pace` says how fast it may be read, if that is limited; `seat` has what other outputs made of the log.
    """

    source: Source
    transform: Transform
    pace: Pace | None = None
    documents: int = 0
    read_bytes: int = 0
    counts: Counts = field(default_factory=Counts)
    left: Iterator[Segment] | None = None
    held: Hold = field(default_factory=Hold)
    kept: Chunk | None = None
    is_passing: bool = False
    told: Told = field(default_factory=Told)
    seat: Seat | None = None

    @property
    def is_slow(self) -> bool:
        """Whether a chunk is passed on in parts, between which others have their turn."""
        return self.transform.is_slow or self.pace is not None

    def made(self, chunk: Chunk, most_bytes: int) -> Iterator[tuple[Chunk, Taken, bool]]:
        """Each part of a chunk, what it becomes, and whether it is read for the first time.

        Large chunks are taken in parts, so that no more than `most_bytes` are added to the lines of one.
        """
        transform = self.transform
        for piece, is_new in self.told.pieces(chunk) if self.told.is_back else ((chunk, True),):
            for part in parts(piece, transform.added_bytes(chunk.stream), most_bytes):
                taken = transform.take(part) if self.seat is None else self.seat.take(transform, part)
                if is_new:
                    self.told.until(part)
                yield part, taken, is_new


def together(readers: Sequence[Reader], chunks: Sequence[Chunk], most_bytes: int) -> Sequence[list[Segment] | None]:
    """What a chunk of each becomes, as far as that is cheaper at one go: `Transform.together`."""
    jobs = [(reader.transform, chunk) for reader, chunk in zip(readers, chunks, strict=True)]
    if readers and readers[0].seat is not None:  # then all have one
        return _shared([reader.seat for reader in readers if reader.seat is not None], jobs, most_bytes)
    return _by_kind(jobs, most_bytes)


def _by_kind(jobs: Sequence[Job], most_bytes: int) -> Sequence[list[Segment] | None]:
    kinds = {type(transform) for transform, _ in jobs}
    if len(kinds) == 1:
        return kinds.pop().together(jobs, most_bytes)
    made: list[list[Segment] | None] = [None] * len(jobs)
    for kind in kinds:
        places = [place for place, (transform, _) in enumerate(jobs) if type(transform) is kind]
        for place, segments in zip(places, kind.together([jobs[one] for one in places], most_bytes), strict=True):
            made[place] = segments
    return made


def _shared(seats: Sequence[Seat], jobs: Sequence[Job], most_bytes: int) -> Sequence[list[Segment] | None]:
    """Those that another output has made, and the rest at one go, for others to come."""
    made: list[list[Segment] | None] = []
    left: list[tuple[int, object | None]] = []  # places, each with the rest there
    for place, (seat, (transform, chunk)) in enumerate(zip(seats, jobs, strict=True)):
        rest = transform.rest(chunk)
        taken = seat.find(transform, chunk, rest, only_plain=True)
        made.append(None if taken is None else taken.segments)
        if taken is None:
            left.append((place, rest))
    others = _by_kind([jobs[place] for place, _ in left], most_bytes) if left else ()
    for (place, before), segments in zip(left, others, strict=True):
        if segments is not None:
            made[place] = segments
            seats[place].keep(*jobs[place], before, Taken(segments, segments[-1].ticket))
    return made
