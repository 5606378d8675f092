"""Places from which reading can go on, each with what has to be known there of the lines before.

Where a line is unfinished, reading goes on before it. What was composed of lines behind that place is composed again
then, and must not be counted among those before it: a place is one only if no line behind it was finished when it
came. So reading may have to go on from an earlier one.
"""

from collections.abc import Callable, Sequence

from collector.documents.composer import Composer, FinishedLine, Made
from collector.documents.ids import begin_of
from collector.model import FileId, Ticket

_FILES = 2  # that a line, or an event, may go on over


class Marks:
    """Those of one stream; `last` is the newest, None before there is any."""

    def __init__(self) -> None:
        self.last: Ticket | None = None
        self._found: list[tuple[int, Ticket]] = []  # of the chunk that is taken: so many lines are before it
        self._newest: Ticket | None = None  # that was looked at
        self._seen = 0  # lines of the chunk that were looked at
        self._furthest: dict[str, int] = {}  # the last line of a file that was finished, by what its ids begin with

    def note(self, clear: Ticket | None, finished: Sequence[FinishedLine], prefix_of: Callable[[FileId], str]) -> None:
        """Nothing was unfinished there, if that is known, and so many lines are finished by now."""
        for line in finished[self._seen :]:
            file, number = begin_of(line.id)
            self._furthest[file] = max(number, self._furthest.pop(file, -1))
            if len(self._furthest) > _FILES:
                del self._furthest[next(iter(self._furthest))]
        self._seen = len(finished)
        if clear is not None and clear is not self._newest:
            self._newest = clear
            if clear.end.line > self._furthest.get(prefix_of(clear.end.file), -1):
                self._found.append((len(finished), clear))

    def compose(
        self, finished: Sequence[FinishedLine], compose: Callable[[Sequence[FinishedLine]], Made], composer: Composer
    ) -> Made:
        """The documents of a chunk's lines, in their order; each place gets what is to be known there."""
        if not composer.remembers:
            return compose(finished)
        made, first = Made([], [], []), 0
        for last, place in (*self._found, (len(finished), None)):
            more = compose(finished[first:last])
            made = Made(made.documents + more.documents, [*made.stamps, *more.stamps], [*made.ids, *more.ids])
            first = last
            if place is not None:
                place.carried = composer.carried
                self.last = place
        self._found, self._seen = [], 0
        return made
