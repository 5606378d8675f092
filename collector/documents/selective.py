"""Lines of which some are left out, and others get further members or their own time → documents of `pilotfish`."""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import orjson

from collector.documents.composer import FinishedLine, Made, WrittenLine
from collector.documents.formatted import Formatted, Redacts
from collector.documents.json_text import log_of, text_of
from collector.documents.members import Member, field_name
from collector.model import Counts, LogStream
from collector.text.bounds import bounded


class Repeated(NamedTuple):
    """A document for several lines: it has the time and the id of the last."""

    line: FinishedLine
    log: str
    members: str


class Steps(Protocol):
    """Decides what becomes of each line, in their order."""

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it."""

    @property
    def carried(self) -> str:
        """What has to be known of the lines before."""

    def repeated(self, time: str) -> Iterator[Repeated]:
        """The documents that are due before a line of this time, as Docker writes it."""

    def take(self, line: FinishedLine, text: str, log: str, counts: Counts) -> str | None:
        """Members that stand beside a line's `log`, each behind a comma; None if it is left out, which is counted.

        `text` has no secrets.
        """

    def own_time(self, line: FinishedLine, log: str, counts: Counts) -> str:
        """The time that a line has of its own, as Docker writes it; "" if that is not wanted, or cannot be used."""


class Selective(Formatted):
    """Composes documents of the lines that `steps` let pass; `render` gives `@timestamp`s of times (`Stamps`)."""

    __slots__ = ("_lift", "_render", "_steps")

    is_selective = True

    def __init__(
        self,
        steps: Steps,
        render: Callable[[list[str]], list[str]],
        read: Callable[[str], str | None] = log_of,
        *,
        lift: Sequence[str] = (),
        redact: Redacts | None = None,
        with_attrs: bool = False,
    ) -> None:
        """`lift` names members of `log` that stand beside it, too."""
        super().__init__(read, redact=redact, with_attrs=with_attrs)
        self._steps = steps
        self._render = render
        self._lift = [(field_name(name), Member(name)) for name in lift]

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it."""
        return self._steps.remembers

    @property
    def carried(self) -> str:
        """What has to be known of the lines before."""
        return self._steps.carried

    def whole_lines(
        self, stream: LogStream, lines: Sequence[WrittenLine], stamps: Sequence[str], ids: Sequence[str]
    ) -> Made | None:
        """A document for each line that is not left out; None if one of them is a piece of a line."""
        if not all(line.log.endswith("\n") for line in lines):
            return None
        finished = [
            FinishedLine(text_of(line.log), line.stream, line.time, name, bytes(getattr(line, "attrs", b"")))
            for line, name in zip(lines, ids, strict=True)
        ]
        return self.finished(stream, finished, stamps)

    def finished(self, stream: LogStream, lines: Sequence[FinishedLine], stamps: Sequence[str]) -> Made:
        """A document for each line that is not left out."""
        made = _Making([], [], [])
        tail = self._tail_of(stream)[1:]
        steps, counts = self._steps, self._counts
        is_bare = self._redact is None
        lift = [each for each in self._lift if each[0] not in stream.fields]
        for line, stamp in zip(lines, stamps, strict=True):
            if steps.remembers:
                for one in steps.repeated(line.time):
                    self._put(made, one.line, one.log, self._render([one.line.time])[0], one.members, tail)
            seen = line.text if is_bare else self._seen(line.text, is_broken=line.is_broken)
            log = self._log_of_line(line, seen)
            members = steps.take(line, seen or "", log, counts)
            if members is None:
                continue
            if own := steps.own_time(line, log, counts):
                members, stamp = f'{members},"docker_time":"{line.time}"', self._render([own])[0]
            if lift:
                members += _lifted(lift, log)
            self._put(made, line, log, stamp, members, tail)
        return Made(*made)

    def _put(self, made: "_Making", line: FinishedLine, log: str, stamp: str, members: str, tail: str) -> None:
        cut = ',"truncated":true' if line.is_cut else ""
        document = f'{{"log":{log},"stream":"{line.stream}","@timestamp":"{stamp}"{cut}{members}{tail}'.encode()
        made.documents.append(document if self._attrs is None else self._attrs.add(document, line))
        made.stamps.append(stamp)
        made.ids.append(line.id)


def _lifted(lift: Sequence[tuple[str, Member]], log: str) -> str:
    """Members of a `log` that are texts, numbers or truths, for beside it."""
    found = ((name, member.value(log)) for name, member in lift)
    values = {name: bounded(value) if isinstance(value, str) else value for name, value in found if value is not None}
    told = {name: value for name, value in values.items() if isinstance(value, str | int | float)}
    return f",{orjson.dumps(told).decode()[1:-1]}" if told else ""


class _Making(NamedTuple):
    documents: list[bytes]
    stamps: list[str]
    ids: list[str]
