"""Segments of several outputs → those of whichever is ahead, stream by stream: each document once and in order.

Every output reads each log by itself, cuts it elsewhere and stops when it likes; the documents of a file and their ids
are the same for all. So the document that was shown last says, in the segments of another output, where to go on. Where
it is not among them, the place in the file decides; of two files, the one that was reached from the other is later,
else the one whose lines have the later time.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from collector.model import FileId, Position, Segment, StreamKey

_MOST_STREAMS = 10_000  # whose place is kept; of the one that was silent for longest it is forgotten
_PASSED_FILES = 16


class Reached(NamedTuple):
    """Up to where an output has read a stream; `time` is Docker's, of the last line before it."""

    output: str
    stream: StreamKey
    end: Position
    time: str


class _Front(Struct):
    """Up to where a stream was shown: `outputs` have come there, those `within` are in its file and still behind.

    `last_id` is that of the last document; "" while none was shown.
    """

    end: Position
    time: str
    outputs: set[str]
    within: set[str] = field(default_factory=set)
    passed: list[FileId] = field(default_factory=list)
    last_id: str = ""


class Ahead:
    """Every stream's front. It begins where the outputs are when somebody begins to watch."""

    def __init__(self) -> None:
        self._fronts: dict[StreamKey, _Front] = {}

    def begin(self, places: Iterable[Reached]) -> None:
        """Nothing was shown yet: whoever has read most of a stream is ahead."""
        self._fronts.clear()
        for place in places:
            front = self._fronts.get(place.stream)
            if front is None or self._is_later(front, place):
                self._fronts[place.stream] = _Front(place.end, _comparable(place.time), {place.output})
            elif (front.end.file, front.end.order) == (place.end.file, place.end.order):
                front.outputs.add(place.output)

    def new(self, output: str, segment: Segment) -> Segment | None:
        """What of the segment was not shown yet, if anything; it counts as shown from now on."""
        front = self._fronts.pop(segment.stream.key, None)
        if front is None:
            front = _Front(segment.ticket.end, "", {output})
        self._fronts[segment.stream.key] = front
        if len(self._fronts) > _MOST_STREAMS:
            del self._fronts[next(iter(self._fronts))]
        first = _first_new(front, output, segment)
        if first is None:
            return None
        if first == segment.count:
            front.outputs.add(output)
            return None
        _move(front, output, segment)
        if not first:
            return segment
        documents = segment.documents[first:]
        return replace(segment, documents=documents, ids=segment.ids[first:], size=sum(map(len, documents)))

    def back(self, output: str, stream: StreamKey) -> None:
        """The output reads some of the stream once more."""
        if (front := self._fronts.get(stream)) is not None:
            front.outputs.discard(output)
            front.within.discard(output)

    @staticmethod
    def _is_later(front: _Front, place: Reached) -> bool:
        if front.end.file == place.end.file:
            return place.end.order > front.end.order
        return _comparable(place.time) > front.time


def _first_new(front: _Front, output: str, segment: Segment) -> int | None:
    """The index of the first document that was not shown; None if the output is behind."""
    if output in front.outputs:
        return 0
    if front.last_id and front.last_id in segment.ids:
        return segment.ids.index(front.last_id) + 1
    file = segment.ticket.end.file
    if file == front.end.file:
        front.within.add(output)
        return 0 if segment.ticket.end.order > front.end.order else None
    if file in front.passed:
        return None
    is_ahead = output in front.within or _comparable(segment.ticket.last_time) > front.time
    return 0 if is_ahead else None


def _move(front: _Front, output: str, segment: Segment) -> None:
    if segment.ticket.end.file != front.end.file:
        front.passed = [*front.passed[1 - _PASSED_FILES :], front.end.file]
        front.within = set()
    front.end, front.time, front.last_id = segment.ticket.end, _comparable(segment.ticket.last_time), segment.ids[-1]
    front.outputs = {output}


def _comparable(time: str) -> str:
    """Docker leaves out zeros at the end of a fraction: without the `Z` behind it, texts are in the order of times."""
    return time.removesuffix("Z")
