"""Documents that wait for the operator → back to their logs, where there is no memory for them: they are read again.

The log is the queue. Until they are read again they count as on their way, so that the books hold and no counter goes
back: `again` tells of a segment how many of its documents were counted before.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from collector.model import Batch, Segment, Start, StreamKey
from collector.pipeline.reader import Reader
from collector.ports import Source
from collector.state.checkpoint import Checkpoints

_LOOK_SECONDS = 1.0


class Returning:
    """One output's. `anew` is told of each stream that goes back, and from where on it is read, as at a start."""

    def __init__(
        self, checkpoints: Checkpoints, readers: Mapping[StreamKey, Reader], anew: Callable[[StreamKey, Start], None]
    ) -> None:
        self._checkpoints = checkpoints
        self._readers = readers
        self._anew = anew
        self._documents: Counter[StreamKey] = Counter()  # that went back and were not read again
        self._lost = 0  # of them, with their log: that was counted as a gap
        self._due: set[StreamKey] = set()  # streams that went back since `take_due`

    def put_back(self, segments: Sequence[Segment], documents: Batch) -> bool:
        """Have these segments read again, of which such documents are not settled; False if one has no log to read."""
        keys = {segment.stream.key for segment in segments}
        if not all(map(self._can_go_back, keys)):
            return False
        for segment in documents.segments:
            self._documents[segment.stream.key] += segment.count
        for key in keys:
            saved = self._checkpoints.put_back(key, [one for one in segments if one.stream.key == key])
            if saved is not None and saved.resume is not None:
                self._anew(key, saved.start)
                self._readers[key].source.go_back(saved.start)
                self._due.add(key)
        return True

    def _can_go_back(self, key: StreamKey) -> bool:
        reader = self._readers.get(key)
        return reader is not None and reader.source.can_go_back and self._checkpoints.has_position(key)

    def again(self, segment: Segment) -> int:
        """How many of its documents, which were read now, went back before."""
        if not self._documents:
            return 0
        key = segment.stream.key
        if count := min(self._documents.get(key, 0), segment.count):
            self._documents[key] -= count
        return count

    def instead(self, count: int) -> int:
        """How many of so many new documents take the place, in the books, of those that went back and are lost."""
        lost = min(self._lost, count)
        self._lost -= lost
        return lost

    def left(self, key: StreamKey) -> None:
        """Nobody reads the stream any more."""
        self._lost += self._documents.pop(key, 0)
        self._due.discard(key)

    def give_up(self) -> int:
        """Nothing is read any more: how many documents went back and were not read again."""
        count = self._lost + self._documents.total()
        self._lost = 0
        self._documents.clear()
        return count

    async def is_over(self, source: Source, is_crowded: Callable[[], bool]) -> bool:
        """Whether nothing of a log that was read to its end will be read again: in a crowd it may have to be."""
        key = source.key
        while not self.take_due(key):
            if not (is_crowded() and self._checkpoints.is_pending(key)):
                return True
            await source.pause(_LOOK_SECONDS)
            if not source.is_removed:  # it came back
                return False
        return False

    def take_due(self, key: StreamKey) -> bool:
        """Whether the stream went back since this was asked last."""
        is_due = key in self._due
        self._due.discard(key)
        return is_due
