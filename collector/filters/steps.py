"""What a stream's settings leave out, and what they add to its documents: each line in its turn."""

from collections.abc import Callable, Iterator

import msgspec
from msgspec import Struct

from collector.documents.composer import FinishedLine
from collector.documents.document import said
from collector.documents.ids import begin_of
from collector.documents.json_text import message
from collector.documents.levels import NAMES, SEVERITY, level_of
from collector.documents.members import Member
from collector.documents.selective import Repeated
from collector.errors import UNREADABLE
from collector.filters.folding import Folding, Repeats
from collector.filters.limits import Limits, Used
from collector.filters.line_times import LineTimes
from collector.filters.sampling import is_kept
from collector.formats.format import Format
from collector.formats.parts.linear import matcher
from collector.model import Counts
from collector.reading import Reading

_STANDS = "stands for those before"  # it is told later, so it is not left out
_ERRORS = frozenset({"error", "fatal"})


class _Carried(Struct, omit_defaults=True):
    format: str = ""
    used: list[Used] = []
    known: list[tuple[str, Repeats]] = []


_read = msgspec.json.Decoder(_Carried).decode


class Steps:
    """Those of one stream, whose lines come in their order; `carried` is what they said where reading begins.

    `format` is that of the lines, if they decide it.
    """

    def __init__(self, reading: Reading, carried: str = "", format: Format | None = None) -> None:  # noqa: A002
        before = _carried(carried)
        self._has_state = reading.remembers
        self._format = format
        if format is not None:
            format.resume(before.format)
        self._include = matcher(reading.include) if reading.include else None
        self._exclude = matcher(reading.exclude) if reading.exclude else None
        self._stream = reading.of_stream
        self._below = frozenset(NAMES[: NAMES.index(reading.level)] if reading.level else ())
        self._needs_level = bool(reading.level or reading.sample or reading.fold or "level" in reading.adds)
        self._of_level = dict.fromkeys(("", *NAMES), "")
        if "level" in reading.adds:
            self._of_level |= {name: f',"level":"{name}","severity_number":{SEVERITY[name]}' for name in NAMES}
        self._has_line = "line" in reading.adds
        self._sample = reading.sample
        self._sampled_by = Member(reading.sample.key) if reading.sample is not None and reading.sample.key else None
        self._times = LineTimes(reading.time) if reading.time is not None else None
        self._folding = Folding(reading.fold, before.known) if reading.fold else None
        limits = reading.limits if reading.on_excess != "wait" else ()
        self._limits = Limits(limits, reading.on_excess, before.used) if limits else None
        self._rules = list(self._in_use())

    @property
    def remembers(self) -> bool:
        """Whether what becomes of a line depends on lines before it."""
        return self._has_state or (self._format is not None and not self._format.decision)

    @property
    def carried(self) -> str:
        """What has to be known of the lines before."""
        if not self._has_state and self._format is None:
            return ""
        used = [] if self._limits is None else self._limits.used
        known = [] if self._folding is None else list(self._folding.known.items())
        return msgspec.json.encode(_Carried("" if self._format is None else self._format.carried, used, known)).decode()

    def repeated(self, time: str) -> Iterator[Repeated]:
        """The documents for lines that said the same, and whose time is over at this one, of Docker."""
        for one in self._folding.over(time) if self._folding is not None else ():
            members = f',"repeated":{one.times},"first":"{one.first}","last":"{one.last}"{self._of_level[one.level]}'
            line = FinishedLine(one.text, one.stream, one.last, one.id, is_cut=Folding.is_cut(one.text))
            yield Repeated(line, message(one.text), members)

    def take(self, line: FinishedLine, text: str, log: str, counts: Counts) -> str | None:
        """What stands beside a line's `log`; None if it is left out, which is counted."""
        level = level_of(log, text) if self._needs_level else ""
        if self._format is not None:
            counts.format = self._format.decision
        for rule in self._rules:
            if left_out_by := rule(line, text, log, level):
                if left_out_by != _STANDS:
                    counts.filtered[left_out_by] += 1
                return None
        members = self._of_level[level]
        if self._has_line:
            members += f',"line":{begin_of(line.id)[1]}'
        if self._sample is not None and level not in _ERRORS:
            members += f',"sampled":{self._sample.one_of}'
        return members

    def own_time(self, line: FinishedLine, log: str, counts: Counts) -> str:
        """The time that a line has of its own, as Docker writes it; "" if that is not wanted, or cannot be used."""
        if self._times is None:
            return ""
        time = self._times.time(log, line.time)
        if time is None:
            counts.refused_times += 1
        return time or ""

    # ------------------------------------------------------------------ each names itself if it leaves a line out

    def _in_use(self) -> Iterator[Callable[[FinishedLine, str, str, str], str]]:
        if self._stream:
            yield lambda line, text, log, level: "" if line.stream == self._stream else "stream"
        if self._include is not None or self._exclude is not None:
            yield self._by_pattern
        if self._below:
            yield lambda line, text, log, level: "level" if level in self._below else ""
        if self._sample is not None:
            yield self._by_sample
        if self._folding is not None:
            yield self._by_fold
        if self._limits is not None:
            yield self._by_limit

    def _by_pattern(self, line: FinishedLine, text: str, log: str, level: str) -> str:
        if self._include is not None and not self._include(text):
            return "include"
        return "exclude" if self._exclude is not None and self._exclude(text) else ""

    def _by_sample(self, line: FinishedLine, text: str, log: str, level: str) -> str:
        if self._sample is None or level in _ERRORS:
            return ""
        value = self._sampled_by.value(log) if self._sampled_by is not None else None
        return "" if is_kept(self._sample, value, line.id) else "sample"

    def _by_fold(self, line: FinishedLine, text: str, log: str, level: str) -> str:
        repeats = self._folding.repeats(line, text, level, lambda: said(log)) if self._folding is not None else 0
        return "" if not repeats else "fold" if repeats > 1 else _STANDS

    def _by_limit(self, line: FinishedLine, text: str, log: str, level: str) -> str:
        return "" if self._limits is None or self._limits.passes(line.time, log) else "limit"


def _carried(text: str) -> _Carried:
    try:
        return _read(text) if text else _Carried()
    except UNREADABLE:  # of another version
        return _Carried()
