"""The process that runs this → the families that tell what it costs, what its log says, and how reloads went."""

from collections.abc import Iterator, Mapping

from prometheus_client import ProcessCollector

from collector.telemetry import catalogue
from collector.telemetry.exposition import Family, family
from collector.telemetry.reloads import Reloads

_SERIES = [series for series in catalogue.ALL if series.name.startswith("process_")]


class Process:
    """One process; `messages` are the lines of its own log by level, `reloads` None if another one reads for it."""

    def __init__(self, messages: Mapping[str, int], reloads: Reloads | None = None) -> None:
        self._messages = messages
        self._reloads = reloads
        self._collector = ProcessCollector(registry=None)

    def families(self) -> Iterator[Family]:
        """Lines of the log, reloads, processor time, memory, descriptors, start."""
        yield family(catalogue.LOG_MESSAGES, [((level,), count) for level, count in self._messages.items()])
        if self._reloads is not None:
            yield from self._reloads.families()
        told = {metric.name: metric.samples[0].value for metric in self._collector.collect() if metric.samples}
        for series in _SERIES:
            if (number := told.get(series.family)) is not None:
                yield family(series, [((), number)])
