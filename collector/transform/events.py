"""Lines that belong together → one event, such as a log line with the stack trace behind it.

Events of stdout and stderr are apart. What is joined is a matter of the lines, their order and Docker's times: an event
ends where the next line begins one, where a line of either stream comes later than `gap`, where its container has
ended, or where that was decided (`Ended`), which is kept with the positions. A line that is a JSON object stays alone.
"""

from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Protocol

from msgspec import Struct

from collector.documents.composer import FinishedLine, WrittenLine
from collector.documents.json_text import object_of
from collector.model import Ended, Ticket
from collector.reading import Multiline
from collector.transform.joining import MAX_JOINED_CHARACTERS, JoinedLine, Place

BEGINS = -1
_UNKNOWN = -2  # the state of an event of one line, until it is asked for
MAYBE = 1 << 12  # the line is joined if the next one is, and begins an event if not


class Rule(Protocol):
    """Which lines are one event. What it has to know of an event so far is a number, its state."""

    def begin(self, text: str) -> int:
        """The state of an event that begins with this line."""

    def follow(self, state: int, text: str) -> int:
        """The event's state with this line behind it, with `MAYBE` or not; `BEGINS` if it begins another one."""

    def always_begins(self, text: str) -> bool:
        """Whether it is seen at once that a line begins an event, whatever is before."""

    def is_within(self, state: int) -> bool:
        """Whether an indented JSON object is a part of such an event, rather than a line of its own."""

    def is_calm(self, state: int) -> bool:
        """Whether no line that is not among the `further` ones is joined to it."""

    def further(self, lines: Sequence[WrittenLine]) -> Sequence[int]:
        """The numbers of those that may be joined, cheaply; the line before such a one may be joined with it.

        Any other begins an event, if that before it is calm.
        """


class _Event(Struct, gc=False):
    first: JoinedLine
    place: Place
    state: int
    texts: list[str]
    size: int
    last_time: str
    is_spanned: bool  # a line of an earlier event stands behind its beginning, or may: nobody can read on from there
    is_cut: bool = False
    maybe: "_Event | None" = None  # what the line behind it has begun, if it is not joined
    maybe_state: int = 0  # its state if that is joined

    @property
    def name(self) -> Ended:
        """It, with so many lines."""
        start = self.place.ticket.end
        return Ended(start.file, start.line, len(self.texts))


class Events:
    """The events of one stream that may go on, one of stdout and stderr each; true while there are any.

    `clear` is the last place from which reading can go on: no event goes on over it.
    """

    clear: Ticket | None = None

    def __init__(self, rule: Rule, options: Multiline, ended: Collection[Ended] = ()) -> None:
        """`ended` are the ends that were decided."""
        self._rule = rule
        self._most_lines = options.max_lines
        self._gap_nanoseconds = round(options.gap * 1e9)
        self._ended = frozenset(ended)
        self._open: dict[str, _Event] = {}
        self.count = 0  # twice that of lines: what begins between two of them has a number, too
        self._last_join = 0  # the number of the last one that was joined

    def __bool__(self) -> bool:
        return bool(self._open)

    @property
    def places(self) -> list[Ticket]:
        """Where each event that may go on begins."""
        return [event.place.ticket for event in self._open.values()]

    def take(self, line: JoinedLine, place: Callable[[], Ticket], *, is_amid: bool) -> list[FinishedLine]:
        """Take a line, and give what is finished now.

        `place` tells where it stands unless it came in pieces; `is_amid`: one of the other stream has begun before it.
        """
        self.count += 2
        finished = self._end_before(line.time)
        if line.place is not None:
            self._span(line.place.order)
        if self._is_alone(line):
            if (event := self._open.pop(line.stream, None)) is not None:
                finished += self._whole(event)
            finished.append(line)
        else:
            finished += self._add(line, place, is_amid=is_amid)
        self._move_clear()
        return finished

    def finish(self) -> list[FinishedLine]:
        """Nothing follows: all events as they are."""
        events, self._open = list(self._open.values()), {}
        return [line for event in events for line in self._whole(event)]

    # ------------------------------------------------------------------ many at one go

    def are_of(self, stream: str) -> bool:
        """Whether there are none of the other stream."""
        return not self._open or (stream in self._open and len(self._open) == 1)

    @property
    def is_calm(self) -> bool:
        """Whether only `further` lines are joined to them."""
        return all(event.maybe is None and self._rule.is_calm(self._state(event)) for event in self._open.values())

    # ------------------------------------------------------------------ ends that nobody can see in the file

    def undecided(self, but: Collection[str] = ()) -> tuple[Ended, ...]:
        """All events, as they would be if nothing followed; not those of streams amid a line."""
        events = [
            each
            for stream, event in self._open.items()
            if stream not in but
            for each in (event, event.maybe)
            if each is not None
        ]
        return tuple(event.name for event in events)

    def decide(self, ended: Collection[Ended]) -> None:
        """These are all the ends that were decided."""
        self._ended = frozenset(ended)

    @property
    def is_due(self) -> bool:
        """Whether one is whole since that was decided."""
        return bool(self._ended) and any(event.name in self._ended for event in self._open.values())

    def release(self) -> list[FinishedLine]:
        """What was decided to be whole."""
        finished = []
        for stream in list(self._open):
            finished += self._end_decided(stream)
        self._move_clear()
        return finished

    # ------------------------------------------------------------------ one line

    def _add(self, line: JoinedLine, place: Callable[[], Ticket], *, is_amid: bool) -> list[FinishedLine]:
        finished: list[FinishedLine] = []
        at = partial(self._place, line, place)
        event = self._open.get(line.stream)
        if event is not None and event.maybe is not None:
            maybe, state = event.maybe, self._rule.follow(event.maybe_state, line.text)
            event.maybe = None
            if state >= 0 and not state & MAYBE:
                joined = self._join(event, maybe.first, lambda: maybe.place, state, finished, is_amid=is_amid)
                if joined is not event:  # it was cut, and what follows is as behind any line
                    return finished + self._add(line, place, is_amid=is_amid)
                self._join(event, line, at, state, finished, is_amid=is_amid)
                return finished + self._end_decided(line.stream)
            finished += self._whole(event)
            event = self._open[line.stream] = maybe
        state = BEGINS
        if event is not None and not self._rule.always_begins(line.text):
            state = self._rule.follow(self._state(event), line.text)
        if event is None or state == BEGINS:
            finished += [] if event is None else self._whole(event)
            self._open[line.stream] = self._begun(line, at(), _UNKNOWN, is_amid=is_amid)
        elif state & MAYBE:
            event.maybe = self._begun(line, at(), _UNKNOWN, is_amid=is_amid)
            event.maybe_state = state & ~MAYBE
            event.last_time = line.time
        else:
            self._join(event, line, at, state, finished, is_amid=is_amid)
        return finished + self._end_decided(line.stream)

    def _state(self, event: _Event) -> int:
        """It is asked for only where the next line may be joined: that is cheaper."""
        if event.state == _UNKNOWN:
            event.state = self._rule.begin(event.first.text)
        return event.state

    def _is_alone(self, line: JoinedLine) -> bool:
        """Whether it is a JSON object, and is not within another."""
        text, event = line.text, self._open.get(line.stream)
        if text.lstrip()[:1] != "{" or object_of(text) is None:
            return False
        return text[0] == "{" or event is None or not self._rule.is_within(self._state(event))

    def _begun(self, line: JoinedLine, place: Place, state: int, *, is_amid: bool) -> _Event:
        is_spanned = is_amid or self._last_join > place.order
        return _Event(line, place, state, [line.text], len(line.text), line.time, is_spanned, line.is_cut)

    def _place(self, line: JoinedLine, place: Callable[[], Ticket]) -> Place:
        return line.place or Place(place(), self.count)

    def _join(
        self,
        event: _Event,
        line: JoinedLine,
        at: Callable[[], Place],
        state: int,
        finished: list[FinishedLine],
        *,
        is_amid: bool,
    ) -> _Event:
        """A line more; one beyond the bounds begins another event, as it does where reading begins with it."""
        self._last_join = self.count
        self._span(event.place.order)
        if len(event.texts) >= self._most_lines or event.size + len(line.text) > MAX_JOINED_CHARACTERS:
            event.is_cut = True
            finished += self._whole(event)
            event = self._open[line.stream] = self._begun(line, at(), _UNKNOWN, is_amid=is_amid)
            return event
        event.texts.append(line.text)
        event.size += len(line.text) + 1
        event.last_time = line.time
        event.state = state
        event.is_cut |= line.is_cut
        return event

    def _span(self, count: int) -> None:
        """An event, or a line in pieces, that began there goes on here."""
        for event in self._open.values():
            event.is_spanned |= event.place.order > count
            if event.maybe is not None:
                event.maybe.is_spanned |= event.maybe.place.order > count

    def _end_before(self, time: str) -> list[FinishedLine]:
        """What is whole since nothing came for long."""
        finished: list[FinishedLine] = []
        for stream, event in list(self._open.items()):
            if event.last_time[:19] != time[:19] and _nanoseconds(time) - _nanoseconds(event.last_time) > (
                self._gap_nanoseconds
            ):
                del self._open[stream]
                finished += self._whole(event)
        return finished

    def _end_decided(self, stream: str) -> list[FinishedLine]:
        finished: list[FinishedLine] = []
        while self._ended and (event := self._open.get(stream)) is not None and event.name in self._ended:
            del self._open[stream]
            if event.maybe is not None:
                self._open[stream] = event.maybe
            event.maybe = None
            finished += self._whole(event)
        return finished

    def _whole(self, event: _Event) -> list[FinishedLine]:
        """Its document, and that of what may have been a part of it."""
        first, lines = event.first, len(event.texts)
        name = first.id if lines == 1 else f"{first.id}~{lines}"
        whole = FinishedLine("\n".join(event.texts), first.stream, first.time, name, first.attrs, event.is_cut)
        return [whole] if event.maybe is None else [whole, *self._whole(event.maybe)]

    def _move_clear(self) -> None:
        if self._open:
            oldest = min(self._open.values(), key=_began)
            if not oldest.is_spanned or self.clear is None:
                self.clear = oldest.place.ticket


def _began(event: _Event) -> int:
    return event.place.order


@lru_cache(maxsize=256)
def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp())


def _nanoseconds(time: str) -> int:
    """Since 1970, of a time as Docker writes it."""
    return _seconds(time[:19]) * 10**9 + int(time[20:-1].ljust(9, "0"))
