"""What was asked for → the rule by which lines become events: patterns, or the traces of the usual languages."""

from collections.abc import Sequence

from collector.documents.composer import WrittenLine
from collector.documents.json_text import text_of
from collector.formats.parts.linear import matcher
from collector.reading import Multiline
from collector.transform.events import BEGINS, Rule
from collector.transform.traces import Traces

_OPEN, _ENDED = 0, 1


def rule_of(multiline: Multiline) -> Rule:
    """The rule that was asked for.

    Raises:
        ValueError: a pattern cannot be used.
    """
    return Patterns(multiline) if multiline.start or multiline.more or multiline.end else Traces()


class Patterns:
    """A line that matches `start` begins an event; of the others those that match `more` are joined.

    Where there is no `more` all of them are. Behind a line that matches `end` nothing is joined.
    """

    def __init__(self, multiline: Multiline) -> None:
        self._start = matcher(multiline.start) if multiline.start else None
        self._more = matcher(multiline.more) if multiline.more else None
        self._end = matcher(multiline.end) if multiline.end else None

    def begin(self, text: str) -> int:
        """Whether it is ended with that."""
        return _ENDED if self._end is not None and self._end(text) else _OPEN

    def follow(self, state: int, text: str) -> int:
        """Whether it goes on, and is ended with that."""
        return BEGINS if state == _ENDED or self._begins(text) else self.begin(text)

    def always_begins(self, text: str) -> bool:
        """Never: that is a match, too."""
        return False

    def is_within(self, state: int) -> bool:
        """Never: a JSON object is a line of its own."""
        return False

    def is_calm(self, state: int) -> bool:
        """Always: what a pattern says of a line it says behind every event."""
        return True

    def further(self, lines: Sequence[WrittenLine]) -> Sequence[int]:
        """Those that begin no event behind one that goes on."""
        return [number for number, line in enumerate(lines) if not self._begins(text_of(line.log))]

    def _begins(self, text: str) -> bool:
        if self._start is not None and self._start(text):
            return True
        return self._more is not None and not self._more(text)
