"""Lines in the order of their beginnings, and places from which reading can go on, each with what is known there.

What becomes of a line may depend on those before it. When a line or an event is whole depends also on what the clock
has decided, so lines are composed in the order in which they begin: one that is whole waits while one that began before
it is not. A place is one to go on from if all before it is composed and nothing behind it is.
"""

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush

from collector.documents.composer import Composer, FinishedLine, Made
from collector.documents.ids import begin_of
from collector.model import FileId, Ticket

_MOST_WAITING = 4096  # lines: then they are composed as they are
_MOST_CHARACTERS = 4 << 20  # of them
_FILES = 4  # that are told apart: a line, or an event, may go on over a rotation

_Beginning = tuple[int, int]  # the number of a file, in the order in which they are read, and a raw line of it


class Marks:
    """Those of one stream; `last` is the newest place, None before there is any."""

    def __init__(self) -> None:
        self.last: Ticket | None = None
        self._newest: Ticket | None = None  # that was looked at
        self._found: list[tuple[int, Ticket]] = []  # of the chunk that is taken: so many lines are before it
        self._seen = 0  # finished lines of the chunk that were looked at
        self._ready: list[FinishedLine] = []  # of the chunk, to be composed in this order
        self._waiting: list[tuple[_Beginning, int, FinishedLine]] = []
        self._characters = 0  # of those
        self._count = 0  # of all lines
        self._furthest: _Beginning = (-1, -1)  # the last that is ready
        self._files: dict[str, int] = {}  # numbers of files, by what the ids of their lines begin with

    def note(
        self,
        clear: Ticket | None,
        unfinished: Iterable[Ticket],
        finished: Sequence[FinishedLine],
        prefix_of: Callable[[FileId], str],
    ) -> None:
        """So many lines of the chunk are finished, and what began at these places is not.

        Nothing was unfinished at `clear`, if that is known.
        """

        def of(place: Ticket) -> _Beginning:
            return self._number(prefix_of(place.end.file)), place.end.line

        for line in finished[self._seen :]:
            file, number = begin_of(line.id)
            self._count += 1
            heappush(self._waiting, ((self._number(file), number), self._count, line))
            self._characters += len(line.text)
        self._seen = len(finished)
        oldest = min(map(of, unfinished), default=None)
        while self._waiting and (oldest is None or self._waiting[0][0] < oldest or self._is_full):
            beginning, _, line = heappop(self._waiting)
            self._characters -= len(line.text)
            self._ready.append(line)
            self._furthest = max(self._furthest, beginning)
        if clear is not None and clear is not self._newest:
            self._newest = clear
            if self._furthest < of(clear) and (not self._waiting or self._waiting[0][0] >= of(clear)):
                self._found.append((len(self._ready), clear))

    def compose(
        self, finished: Sequence[FinishedLine], compose: Callable[[Sequence[FinishedLine]], Made], composer: Composer
    ) -> Made:
        """The documents of a chunk's lines; each place gets what is to be known there."""
        if not composer.remembers:
            waiting = [line for _, _, line in sorted(self._waiting)]  # of a time when the order mattered
            self._waiting, self._characters = [], 0
            return compose([*waiting, *finished])
        made, first = Made([], [], []), 0
        for last, place in (*self._found, (len(self._ready), None)):
            more = compose(self._ready[first:last])
            made = Made(made.documents + more.documents, [*made.stamps, *more.stamps], [*made.ids, *more.ids])
            first = last
            if place is not None:
                place.carried = composer.carried
                self.last = place
        self._found, self._ready, self._seen = [], [], 0
        return made

    @property
    def _is_full(self) -> bool:
        return len(self._waiting) > _MOST_WAITING or self._characters > _MOST_CHARACTERS

    def _number(self, file: str) -> int:
        if (number := self._files.get(file)) is None:
            number = self._files[file] = max(self._files.values(), default=-1) + 1
            if len(self._files) > _FILES:
                del self._files[next(iter(self._files))]
        return number
