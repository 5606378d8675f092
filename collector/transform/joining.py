"""Pieces of a line that Docker cut at 16 KiB → the whole line (moby `daemon/logger/copier.go`).

The pieces of one line have one time, and all but the last end without a newline. Those of stdout and stderr may stand
between each other.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from msgspec import Struct

from collector.documents.composer import FinishedLine
from collector.documents.json_text import text_of
from collector.model import Ticket
from collector.transform.envelope import LineWithAttrs

MAX_JOINED_CHARACTERS = 1 << 20  # a longer line becomes several documents: memory is bounded, no byte is lost


class Place(NamedTuple):
    """Where a line begins; of two lines the one with the higher `order` has begun later."""

    ticket: Ticket
    order: int


class JoinedLine(FinishedLine, gc=False):
    """A line that is whole; `place` is known of one that came in pieces."""

    place: Place | None = None


class _Unfinished(Struct):
    id: str
    time: str
    place: Place
    pieces: list[str]
    size: int
    attrs: bytes = b""


class Joining:
    """The lines whose end has not come, one of stdout and stderr each; true while there are any.

    `clear` is the last place at which there was none. The start of an unfinished line is not enough to go on from: a
    line of the other stream may have begun before it and ended behind it, and its last pieces would be a line then.
    """

    clear: Ticket

    def __init__(self) -> None:
        self._unfinished: dict[str, _Unfinished] = {}  # in the order in which they began

    def __bool__(self) -> bool:
        return bool(self._unfinished)

    @property
    def places(self) -> list[Ticket]:
        """Where each unfinished line begins."""
        return [one.place.ticket for one in self._unfinished.values()]

    @property
    def streams(self) -> Collection[str]:
        """Of which there is an unfinished line."""
        return self._unfinished.keys()

    def take(self, line: LineWithAttrs, time: str, name: str, place: Callable[[], Place]) -> list[JoinedLine]:
        """Take a raw line of this time, and give what is finished now.

        `name` is its document's id if it begins a line; `place` tells where it stands.
        """
        finished = []
        unfinished = self._unfinished.get(line.stream)
        is_end = line.log.endswith("\n")
        here: Place | None = None
        if unfinished is not None and unfinished.time != time:  # another line has begun: the end never came
            here = None if is_end else place()  # asked while the one before is there, since it goes on from its place
            finished.append(self._finish(line.stream))
            unfinished = None
        if unfinished is None and is_end:  # a whole line, as most are
            return [*finished, JoinedLine(text_of(line.log), line.stream, time, name, bytes(line.attrs))]
        if unfinished is None:
            here = here or place()
            if not self._unfinished:
                self.clear = here.ticket
            unfinished = self._unfinished[line.stream] = _Unfinished(name, time, here, [], 0, bytes(line.attrs))
        unfinished.pieces.append(line.log)
        unfinished.size += len(line.log)
        if is_end or unfinished.size > MAX_JOINED_CHARACTERS:
            finished.append(self._finish(line.stream, is_cut=not is_end))
        return finished

    def finish(self) -> list[JoinedLine]:
        """Nothing follows: what there is of each line."""
        return [self._finish(stream) for stream in list(self._unfinished)]

    def _finish(self, stream: str, *, is_cut: bool = False) -> JoinedLine:
        unfinished = self._unfinished.pop(stream)
        text = text_of("".join(unfinished.pieces))
        pieces = f".{len(unfinished.pieces)}" if len(unfinished.pieces) > 1 else ""
        name = f"{unfinished.id}{pieces}"
        return JoinedLine(text, stream, unfinished.time, name, unfinished.attrs, is_cut=is_cut, place=unfinished.place)
