"""Lines that a rule is about → when its condition is met: by the lines' own times, apart for each key.

Of each key the newest `threshold` times are kept; the condition holds when all of them lie in the window. Memory is
bounded: of the keys that were silent for longest, the times are forgotten.
"""

from bisect import insort
from typing import NamedTuple

from msgspec import Struct, field

from collector.alerts.options import AlertRule, By
from collector.search.matching import Candidate, matcher
from collector.text.masking_lines import mask

MOST_KEYS = 1000
_MOST_TIMES = 100_000  # of a rule, over all keys
_SECOND = 1_000_000_000


class Line(NamedTuple):
    """What of a document is counted and told; `time` is in nanoseconds since 1970."""

    time: int
    message: str
    container: str
    target: str


class Raised(NamedTuple):
    """A condition that is met: `lines` of them from `first` on, the newest of which is `line`."""

    key: str
    lines: int
    first: int
    line: Line


class _Key(Struct):
    """The newest times in order; `since` is when the condition began, None while it does not hold."""

    line: Line
    times: list[int] = field(default_factory=list)
    since: int | None = None


def key_of(by: By, line: Line) -> str:
    """What a line is counted under."""
    match by:
        case "pattern":
            return mask(line.message)
        case "container":
            return line.container
        case "none":
            return ""


class Counting:
    """One rule's."""

    def __init__(self, rule: AlertRule) -> None:
        self._rule = rule
        self._matches = matcher(rule.query)
        self._ends = matcher(rule.ends) if rule.ends else None
        self._window = int(rule.window_seconds * _SECOND)
        self._for = int(rule.for_seconds * _SECOND)
        self._most_keys = max(1, min(MOST_KEYS, _MOST_TIMES // rule.threshold))
        self._keys: dict[str, _Key] = {}

    def matches(self, one: Candidate) -> bool:
        """Whether the rule is about this document."""
        return self._matches(one)

    def ends(self, one: Candidate) -> bool:
        """Whether this document ends conditions."""
        return self._ends is not None and self._ends(one)

    def end(self, line: Line) -> None:
        """End the conditions of the line's container; where all lines are counted together, that of all."""
        is_of_all = self._rule.by == "none"
        ended = [key for key, its in self._keys.items() if is_of_all or its.line.container == line.container]
        for key in ended:
            del self._keys[key]

    def add(self, line: Line, key: str) -> Raised | None:
        """Count a line; what it says of the condition, if that is met now and was for long enough."""
        its = self._keys.pop(key, None) or _Key(line)
        self._keys[key] = its
        if len(self._keys) > self._most_keys:
            del self._keys[next(iter(self._keys))]
        if not its.times or line.time >= its.times[-1]:
            its.line = line
        insort(its.times, line.time)
        del its.times[: -self._rule.threshold]
        if not self._holds(its, its.times[-1]):
            its.since = None if self._ends is None else its.since
            return None
        if its.since is None:
            its.since = its.times[-1]
        return self._raised(key, its, its.times[-1])

    def due(self, now: int) -> list[Raised]:
        """Conditions that last for long enough at this time, in nanoseconds, without another line."""
        found = []
        for key, its in list(self._keys.items()):
            if its.since is None:
                continue
            if self._ends is None and not self._holds(its, now):
                its.since = None
            elif (raised := self._raised(key, its, now)) is not None:
                found.append(raised)
        return found

    def _holds(self, its: _Key, now: int) -> bool:
        return len(its.times) == self._rule.threshold and its.times[0] > now - self._window

    def _raised(self, key: str, its: _Key, now: int) -> Raised | None:
        """The condition, once it has lasted; it begins anew behind that."""
        if its.since is None or now - its.since < self._for:
            return None
        raised = Raised(key, len(its.times), its.times[0], its.line)
        its.since, its.times = None, []
        return raised
