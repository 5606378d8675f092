"""Documents under way and the segments that wait for them, however often they are sent and in whatever parts.

What it means that a segment is settled depends on where it came from: `Origin`, of which there are two.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from collector.delivery.batches import Batches
from collector.documents.document import is_text
from collector.documents.refused import as_original
from collector.ledger import Ledger
from collector.model import Batch, Segment

_HELD_BOUND_BYTES = 32 << 20  # of documents that wait for the operator, beside the bound of what is on its way
_SUSPICIOUS = 2  # times running that the connection breaks under one shipment


PutBack = Callable[[Sequence[Segment], Batch], bool]
"""Has these segments read again, of which such documents are not settled; False if they cannot be."""


class Origin(Protocol):
    """Where documents came from, and so what follows when they are settled."""

    def leave(self, count: int) -> None:
        """So many documents are accounted for."""

    def settle(self, shipment: "Shipment", segment: Segment) -> None:
        """Nothing of the segment is left to be sent."""

    def hold(self, shipment: "Shipment") -> None:
        """The shipment waits: leave its room to others, within a bound."""

    def keep(self, shipment: "Shipment") -> bool:
        """The shipment waits for the operator; False if there is no memory for it: then it is empty."""


class Shipment(Struct):
    """Documents under way, and the segments that wait for them; `texts` are the ids sent as plain text already.

    `kept` are documents of it that are not sent now, `lost` is how many times running the connection broke under it.
    `units` are its documents once more in the parts in which alone they may be sent; None: in any. `doubts` are
    documents of it that were refused by themselves, with how often anything had been taken by then.
    `has_room` says that its segments still count among the bytes that are on their way, `is_spooled` that what was left
    of it is in the spool now.
    """

    documents: Batch
    segments: list[Segment]
    texts: set[str]
    origin: Origin
    has_room: bool = True
    is_spooled: bool = False
    kept: Batch = Batch()
    lost: int = 0
    units: list[Batch] | None = None
    doubts: dict[str, int] = {}

    def settle(self) -> None:
        """Settle the segments of which nothing is left to be sent."""
        documents = (*self.documents.segments, *self.kept.segments)
        waiting = {segment.ticket for segment in documents}
        for segment in self.segments:
            if segment.ticket not in waiting:
                self.origin.settle(self, segment)
        self.segments = [segment for segment in self.segments if segment.ticket in waiting] if waiting else []

    @property
    def is_suspicious(self) -> bool:
        """Whether the connection has just broken under it for the second time running."""
        return self.lost == _SUSPICIOUS

    def as_read(self) -> None:
        """Have its documents once more as they were before any became text."""
        texts = {name for segment in self.documents.segments for name in segment.ids}
        self.texts = self.texts - texts
        self.documents = Batch(tuple(_as_read(segment) for segment in self.documents.segments))
        if self.units is not None:
            self.units = [Batch(tuple(_as_read(segment) for segment in unit.segments)) for unit in self.units]

    def left_over(self, retry: Batch, texts: Sequence[Segment]) -> None:
        """These are still to be sent; each of `texts` is one document, which has become text."""
        self.documents = Batch((*retry.segments, *texts))
        if self.units is not None:
            self.units += [Batch((text,)) for text in texts]

    def put_aside(self, documents: Batch, others: Sequence[Batch]) -> None:
        """Let `documents` be what is sent now, and `others` what is kept of it meanwhile."""
        self.documents = documents
        self.kept = Batch(tuple(segment for each in others for segment in each.segments))

    def part_with_all(self) -> "Shipment":
        """All that is left of it, as a shipment of its own."""
        parted = Shipment(self.documents, self.segments, self.texts, self.origin, self.has_room)
        self.documents, self.segments = Batch(), []
        return parted

    def part_with(self, target: str) -> "Shipment | None":
        """What of it goes to `target`, as a shipment of its own; None if there is nothing."""
        theirs = [segment for segment in self.documents.segments if segment.stream.target == target]
        if not theirs:
            return None
        tickets = {segment.ticket for segment in theirs}
        waiting = [segment for segment in self.segments if segment.ticket in tickets]
        self.documents = Batch(tuple(one for one in self.documents.segments if one.stream.target != target))
        self.segments = [segment for segment in self.segments if segment.ticket not in tickets]
        parted = Shipment(Batch(tuple(theirs)), waiting, self.texts, self.origin, self.has_room)
        if self.units is not None:
            parted.units, self.units = _divided(self.units, target)
        return parted


class FromLogs:
    """Segments that were read: settling one gives its room back and moves its position."""

    def __init__(self, batches: Batches, ledger: Ledger, settled: Callable[[Segment], None], put_back: PutBack) -> None:
        self._batches = batches
        self._ledger = ledger
        self._settled = settled
        self._put_back = put_back
        self._held_bytes = 0  # of held segments that have given up their room

    @property
    def is_crowded(self) -> bool:
        """Whether what is on its way may soon have to go back to its logs."""
        return 2 * self._held_bytes > _HELD_BOUND_BYTES

    def leave(self, count: int) -> None:
        """Nothing more to do."""

    def settle(self, shipment: Shipment, segment: Segment) -> None:
        """Its bytes are free again, and its stream is done up to its end."""
        self._ledger.left(segment)
        if not shipment.is_spooled:
            self._ledger.arrived(segment)
        if shipment.has_room:
            self._batches.release(segment.size)
        else:
            self._held_bytes -= segment.size
        self._settled(segment)

    def hold(self, shipment: Shipment) -> None:
        """Leave its room to others, if there is memory for it beside."""
        if shipment.has_room and self._held_bytes + _size(shipment) <= _HELD_BOUND_BYTES:
            self._make_room(shipment)

    def keep(self, shipment: Shipment) -> bool:
        """Leave its room to others; False if there is no memory for it: then it goes back to its logs, and is empty.

        What cannot be read again is kept all the same: it is little, since a crowd lets none come.
        """
        self.hold(shipment)
        if not shipment.has_room:
            return True
        if not self._put_back(shipment.segments, shipment.documents):
            self._make_room(shipment)
            return True
        for segment in shipment.segments:
            self._ledger.left(segment)
        self._batches.release(_size(shipment))
        shipment.documents, shipment.segments = Batch(), []
        return False

    def _make_room(self, shipment: Shipment) -> None:
        shipment.has_room = False
        self._held_bytes += _size(shipment)
        self._batches.release(_size(shipment))


class FromDisk:
    """Segments that stay on disk until all of them are settled: positions and the readers' room are not concerned."""

    def __init__(self, ledger: Ledger, segments: Sequence[Segment]) -> None:
        self._ledger = ledger
        self.documents = sum(segment.count for segment in segments)  # not accounted for yet
        self.size = sum(segment.size for segment in segments)  # of the segments that are not settled

    def leave(self, count: int) -> None:
        """So many documents are accounted for."""
        self.documents -= count

    def settle(self, shipment: Shipment, segment: Segment) -> None:
        """Its bytes are free again."""
        self._ledger.left(segment)
        self.size -= segment.size

    def hold(self, shipment: Shipment) -> None:
        """It has no room to leave to others."""

    def keep(self, shipment: Shipment) -> bool:
        """Whoever reads records sees to it that they are few."""
        return True


def _divided(units: Sequence[Batch], target: str) -> tuple[list[Batch], list[Batch]]:
    """What of each unit goes to the target, and what does not."""
    theirs = [Batch(tuple(one for one in unit.segments if one.stream.target == target)) for unit in units]
    others = [Batch(tuple(one for one in unit.segments if one.stream.target != target)) for unit in units]
    return [unit for unit in theirs if unit.count], [unit for unit in others if unit.count]


class FromOther(FromDisk):
    """Documents of an output that is away: they count here once they are settled, and until then there."""

    def leave(self, count: int) -> None:
        """So many documents are accounted for."""
        super().leave(count)
        self._ledger.take_over(count)

    def settle(self, shipment: Shipment, segment: Segment) -> None:
        """Its bytes were never counted here."""
        self.size -= segment.size


def _size(shipment: Shipment) -> int:
    return sum(segment.size for segment in shipment.segments)


def _as_read(segment: Segment) -> Segment:
    if not any(map(is_text, segment.documents)):
        return segment
    documents = [as_original(document) for document in segment.documents]
    return replace(segment, documents=documents, size=sum(map(len, documents)))


def halves(batch: Batch) -> list[Batch]:
    """Two batches of about equal count with the documents of `batch`, in order."""
    middle = batch.count // 2
    first: list[Segment] = []
    second: list[Segment] = []
    seen = 0
    for segment in batch.segments:
        cut = min(max(middle - seen, 0), segment.count)
        first += [segment.part(range(cut))] if cut else []
        second += [segment.part(range(cut, segment.count))] if cut < segment.count else []
        seen += segment.count
    return [Batch(tuple(first)), Batch(tuple(second))]


def packed(segments: Sequence[Segment], batch_bytes: int) -> Iterator[Batch]:
    """Batches of at most `batch_bytes` with the documents of `segments`, in order; a larger document goes alone."""
    taken: list[Segment] = []
    size = 0
    for part in (part for segment in segments for part in _parts(segment, batch_bytes)):
        if taken and size + part.size > batch_bytes:
            yield Batch(tuple(taken))
            taken, size = [], 0
        taken.append(part)
        size += part.size
    if taken:
        yield Batch(tuple(taken))


def _parts(segment: Segment, most_bytes: int) -> Iterator[Segment]:
    first = size = 0
    for index, document in enumerate(segment.documents):
        if size and size + len(document) > most_bytes:
            yield segment.part(range(first, index))
            first, size = index, 0
        size += len(document)
    yield segment.part(range(first, segment.count))
