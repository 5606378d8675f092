"""Docker's json-file lines → documents of events, each of one line or several: `docker_json` with `events` behind it.

A chunk in which each line begins an event goes the fast path but for its last two lines: one may go on in the next
chunk, and the line before it with it. Any other chunk is taken line by line.
"""

from collections.abc import Callable, Sequence

from collector.documents.composer import Composer, FinishedLine
from collector.model import BEGINNING, Chunk, Decided, Multiline, Segment, Start, Ticket
from collector.ports import Taken, Transform, Undecided
from collector.sources.fingerprint import last_line
from collector.transform.docker_json import DockerJson, is_complete
from collector.transform.event_rules import rule_of
from collector.transform.events import Events
from collector.transform.joining import JoinedLine, Place
from collector.transform.parts import cut_behind
from collector.transform.stamps import Stamped, Stamps

_LATE_SECONDS = 2.0  # that a line may come later than Docker's time of it says, before an event is ended without it
_AT_ONCE = 3  # lines of a chunk, at least, for the fast path


class MultilineJson(DockerJson):
    """The transform of one stream whose lines are joined to events."""

    def __init__(
        self, stamps: Stamps, multiline: Multiline, start: Start = BEGINNING, *, composer: Composer | None = None
    ) -> None:
        """As `DockerJson`.

        Raises:
            ValueError: a pattern cannot be used.
        """
        super().__init__(stamps, start, composer=composer)
        self._events = Events(rule_of(multiline), multiline, self._composer.log_of, start.decided.ended)
        self._patience = multiline.gap + _LATE_SECONDS
        self._is_at_end = False  # a chunk without data came last

    @property
    def is_amid_line(self) -> bool:
        """Whether it holds lines of an event that may go on, or what `DockerJson` holds."""
        return bool(self._events) or super().is_amid_line

    def undecided(self) -> Undecided | None:
        """The time of lines that wait for one, else the end of events."""
        if (found := super().undecided()) is not None or self._joining or not self._events:
            return found
        ended = self._events.undecided()
        return Undecided(ended, self._patience, Decided(None, ended), self._is_at_end)

    def decide(self, decided: Decided) -> None:
        """Use what was decided and is kept."""
        super().decide(decided)
        self._events.decide(decided.ended)

    def take(self, chunk: Chunk) -> Taken:
        """What `chunk` becomes."""
        self._is_at_end = not chunk.data
        return super().take(chunk)

    together = staticmethod(Transform.together)  # each holds something, nearly always

    # ------------------------------------------------------------------ fast path

    def _fast(self, chunk: Chunk) -> list[Segment] | None:
        if self._held or self._joining or chunk.end.line - chunk.start.line < _AT_ONCE or not is_complete(chunk):
            return None
        found, stream = self._decoded(chunk.data), _only_stream(chunk.data)
        if found is None or not stream or not self._events.are_alone(stream, found[0]):
            return None
        most, rest = cut_behind(chunk, chunk.data.rfind(b"\n", 0, chunk.data.rfind(b"\n", 0, -1)) + 1)
        lines, stamps = found[0][:-2], found[1].stamps[:-2]
        documents = self._composer.whole_lines(chunk.stream, lines, stamps)
        if not documents or len(lines) != most.end.line - most.start.line:
            return None
        segments = self._finished(most, lines, documents, Stamped(stamps, found[1].day), self._events.finish())
        self._line_before = last_line(most.data)
        return [*segments, *self._slow(rest)]

    # ------------------------------------------------------------------ slow path

    def _line_log(self, text: str) -> str:
        return text  # that of an event is made once it is whole

    def _join(self, lines: Sequence[JoinedLine], at: Callable[[], Ticket], finished: list[FinishedLine]) -> None:
        for line in lines:
            finished += self._events.take(line, at, is_amid=bool(self._joining))

    def _finish_all(self, finished: list[FinishedLine]) -> None:
        self._join(self._joining.finish(), lambda: self._clear, finished)  # each tells itself where it begins
        finished += self._events.finish()

    def _end_decided(self, finished: list[FinishedLine]) -> None:
        finished += self._events.release()

    def _place_within(self, at: Callable[[], Ticket]) -> Place:
        ticket = at()
        if not self._events and not self._joining:
            self._events.clear = ticket
        return Place(ticket, self._events.count + 1)

    @property
    def _unfinished_clear(self) -> Ticket | None:
        return self._events.clear if self._events or self._joining else None


def _only_stream(data: bytes) -> str:
    """Of lines in Docker's form, the stream that all have come from; "" if there are some of both."""
    if b'"stream":"stderr"' not in data:
        return "stdout"
    return "" if b'"stream":"stdout"' in data else "stderr"
