"""What settings leave out is told: once in a while a document for each container of which there was any.

Which streams an output of a relay wants is told in the metrics alone, as other agents do not tell of logs that an
output does not want.
"""

import time
from collections import Counter
from collections.abc import Iterator, Mapping

from collector.model import LogStream, Segment
from collector.text.bounds import bounded
from collector.transform import left_out
from collector.transform.choice import OF_STREAMS
from collector.transform.stamps import Stamps

_MOST_CONTAINERS = 1000  # with documents of their own; what is left out of others is in the metrics


class LeftOut:
    """One output's. A document has the lines since the one before it."""

    tell_seconds = 60.0

    def __init__(self, stamps: Stamps) -> None:
        self._stamps = stamps
        self._rules: dict[tuple[str, str], Counter[str]] = {}  # by container and host
        self._since = self._told = time.time_ns()

    def count(self, stream: LogStream, filtered: Mapping[str, int]) -> None:
        """So many lines of the stream were left out, by rule."""
        told = {rule: count for rule, count in filtered.items() if count and rule not in OF_STREAMS}
        if not told:
            return
        key = (stream.container, stream.fields.get("host", ""))
        if key in self._rules or len(self._rules) < _MOST_CONTAINERS:
            self._rules.setdefault(key, Counter()).update(told)

    @property
    def has_any(self) -> bool:
        """Whether there is anything to tell."""
        return bool(self._rules)

    @property
    def is_due(self) -> bool:
        """Whether it is time to tell."""
        return self.has_any and time.time_ns() - self._since > self.tell_seconds * 1e9

    def told(self) -> Iterator[Segment]:
        """A document for each container of which lines were left out since this was asked last."""
        since, rules = self._since, self._rules
        self._since, self._rules = time.time_ns(), {}
        for (container, host), counts in rules.items():
            self._told = max(self._told + 1, time.time_ns())  # each has a position of its own, whatever the clock does
            yield left_out.segment_of(bounded(container), host, counts, since, self._told, self._stamps)
