"""Segments of several outputs → those of whichever is ahead, stream by stream: each document once and in order.

Every output reads each log by itself, cuts it elsewhere and stops when it likes; the documents of a file and their ids
are the same for all. So the document that was shown last says, in the segments of another output, where to go on. Where
it is not among them, the place in the file decides; of two files, the one that was reached from the other is later,
else the one whose lines have the later time.

Of outputs that leave out different lines each shows what it has: a `View` has a place of its own in each stream. What
several of them have is known by its id, and shown once as long as they are not too far from each other.
"""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from collector.model import FileId, Position, Segment, StreamKey
from collector.reading import AS_WRITTEN, Limit, Reading

_MOST_STREAMS = 10_000  # whose place is kept; of the one that was silent for longest it is forgotten
_PASSED_FILES = 16
_MOST_IDS = 100_000  # of documents that were shown, where there are several views


class View(NamedTuple):
    """What an output leaves out of a stream that another may have."""

    of_stream: str = ""
    level: str = ""
    limits: tuple[Limit, ...] = ()
    containers: tuple[str, ...] = ()
    container_ids: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()  # where lines are left out by what they say: they are without their secrets then


def view_of(reading: Reading) -> View:
    """That of an output that reads so."""
    chosen = reading.containers, reading.container_ids, reading.targets
    redact = reading.redact if reading.is_selective else ()
    return View(reading.of_stream, reading.level, reading.limits, *chosen, redact)


class Reached(NamedTuple):
    """Up to where an output has read a stream; `time` is Docker's, of the last line before it."""

    output: str
    stream: StreamKey
    end: Position
    time: str
    view: View = view_of(AS_WRITTEN)


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
    """Every stream's front. It begins where the outputs are when somebody begins to watch.

    `differ`: outputs may have different views of a stream, also one that nobody has read yet.
    """

    def __init__(self, *, differ: bool = False) -> None:
        self._differ = differ
        self._fronts: dict[tuple[StreamKey, View], _Front] = {}
        self._views: set[View] = set()
        self._shown: dict[str, None] = {}  # ids, oldest first

    def begin(self, places: Iterable[Reached]) -> None:
        """Nothing was shown yet: whoever has read most of a stream is ahead."""
        self._fronts.clear()
        self._views.clear()
        self._shown.clear()
        for place in places:
            key = place.stream, place.view
            self._views.add(place.view)
            front = self._fronts.get(key)
            if front is None or self._is_later(front, place):
                self._fronts[key] = _Front(place.end, _comparable(place.time), {place.output})
            elif (front.end.file, front.end.order) == (place.end.file, place.end.order):
                front.outputs.add(place.output)

    def new(self, output: str, segment: Segment) -> Segment | None:
        """What of the segment was not shown yet, if anything; it counts as shown from now on."""
        view = view_of(segment.stream.reading)
        self._views.add(view)
        key = segment.stream.key, view
        front = self._fronts.pop(key, None)
        if front is None:
            front = _Front(segment.ticket.end, "", {output})
        self._fronts[key] = front
        if len(self._fronts) > _MOST_STREAMS:
            del self._fronts[next(iter(self._fronts))]
        first = _first_new(front, output, segment)
        if first is None:
            return None
        if first == segment.count:
            front.outputs.add(output)
            return None
        _move(front, output, segment)
        return self._of_no_other_view(_behind(segment, first))

    def back(self, output: str, stream: StreamKey) -> None:
        """The output reads some of the stream once more."""
        for view in self._views:
            if (front := self._fronts.get((stream, view))) is not None:
                front.outputs.discard(output)
                front.within.discard(output)

    def _of_no_other_view(self, segment: Segment) -> Segment | None:
        """What of a segment no output with another view has shown."""
        if len(self._views) < 2 and not self._differ:
            return segment
        new = [index for index, name in enumerate(segment.ids) if name not in self._shown]
        self._shown |= dict.fromkeys(segment.ids)
        while len(self._shown) > _MOST_IDS:
            del self._shown[next(iter(self._shown))]
        if len(new) == segment.count:
            return segment
        return segment.part(new) if new else None

    @staticmethod
    def _is_later(front: _Front, place: Reached) -> bool:
        if front.end.file == place.end.file:
            return place.end.order > front.end.order
        return _comparable(place.time) > front.time


def _behind(segment: Segment, first: int) -> Segment:
    """The documents from that one on."""
    if not first:
        return segment
    documents = segment.documents[first:]
    return replace(segment, documents=documents, ids=segment.ids[first:], size=sum(map(len, documents)))


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
