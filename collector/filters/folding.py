"""Lines that say the same but for numbers, within some seconds → the first of them, and one that counts the others.

The last of the others stands for them, under its own id, once a line shows that their time is over. Nothing is held:
what it will say is carried with the positions.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from hashlib import blake2b

from msgspec import Struct

from collector.documents.composer import FinishedLine
from collector.text.times import seconds_of

_MOST = 16  # texts at a time
_COMPARED = 1024  # characters of a text
_SHOWN = 256  # characters of it in the document that counts
_NUMBERS = re.compile(r"[0-9]+")


class Repeats(Struct, array_like=True):
    """A text since `first` (Docker's time), and what came after it: so many `times`, the last of which is told."""

    first: str
    times: int = 0
    last: str = ""
    id: str = ""
    stream: str = ""
    text: str = ""
    level: str = ""


class Folding:
    """Those of one stream. `known` are the texts when reading begins, the oldest first."""

    def __init__(self, seconds: float, known: Sequence[tuple[str, Repeats]] = ()) -> None:
        self._seconds = seconds
        self.known = dict(known)
        self._oldest = self._newest = 0.0  # of the texts
        self._look()

    def over(self, time: str) -> Iterator[Repeats]:
        """Those whose seconds are over at this time, and those that make room for others."""
        now = seconds_of(time)
        is_any_over = now - self._oldest > self._seconds or self._newest - now > self._seconds
        if not is_any_over and len(self.known) < _MOST:
            return
        for key, one in list(self.known.items()):
            if abs(now - seconds_of(one.first)) > self._seconds or len(self.known) >= _MOST:  # a clock may be set back
                del self.known[key]
                if one.times:
                    yield one
        self._look(now)

    def repeats(self, line: FinishedLine, text: str, level: str, said: Callable[[], str]) -> int:
        """The how-manieth line it is that says what another did before it, 0: none did.

        `said` is what a document for several shows.
        """
        masked = _NUMBERS.sub("0", text[:_COMPARED])
        key = blake2b(masked.encode(errors="replace"), digest_size=9).hexdigest()
        before = self.known.get(key)
        if before is None:
            self.known[key] = Repeats(line.time)
            self._newest = max(self._newest, seconds_of(line.time))
            return 0
        before.times += 1
        before.last, before.id, before.stream, before.level = line.time, line.id, line.stream, level
        before.text = said()[:_SHOWN]
        return before.times

    def _look(self, now: float = 0.0) -> None:
        firsts = [seconds_of(one.first) for one in self.known.values()]
        self._oldest, self._newest = min(firsts, default=now), max(firsts, default=now)

    @staticmethod
    def is_cut(text: str) -> bool:
        """Whether there may be more of a text than the document that counts has of it."""
        return len(text) == _SHOWN
