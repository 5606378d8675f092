"""The parts' numbers → all families of a scrape, built anew each time, so that what is gone vanishes.

Nothing is asked of Docker here: a scrape reads what is known.
"""

import platform
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import NamedTuple

from collector.discovery.registry import Registry
from collector.docker.calls import Calls
from collector.histogram import Histogram
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.reader import Reader
from collector.telemetry import catalogue, daemon
from collector.telemetry.containers import Containers
from collector.telemetry.exposition import Family, family, histogram, joined
from collector.telemetry.poll import Poll
from collector.telemetry.process import Process
from collector.telemetry.series import Series

_MOST_LINKS = 100


class Watch(NamedTuple):
    """Who looks at an input's daemon and containers: of several workers one. `calls` None without a daemon."""

    poll: Poll
    calls: Calls | None


class Exporter:
    """What `/metrics` shows. `lag` is that of the loop."""

    def __init__(
        self,
        version: str,
        registry: Registry,
        pipelines: Sequence[Pipeline],
        *,
        containers: Containers,
        watches: Sequence[Watch],
        lag: Histogram,
        process: Process,
    ) -> None:
        self._version = version
        self._registry = registry
        self._pipelines = pipelines
        self._containers = containers
        self._watches = watches
        self._lag = lag
        self._process = process

    def families(self) -> Iterator[Family]:
        """All of them."""
        yield family(catalogue.BUILD_INFO, [((self._version, platform.python_version()), 1)])
        yield from self._outputs()
        yield from self._inputs()
        yield family(catalogue.TARGETS, [((), len(self._registry.targets))])
        yield family(catalogue.TARGETS_LIMIT, [((), self._registry.max_targets)])
        yield histogram(catalogue.EVENT_LOOP_LAG, {(): self._lag})
        yield from self._process.families()
        if self._watches:
            yield family(catalogue.CONTAINERS_OMITTED, [((), self._containers.omitted)])
            yield from joined("input", {one.poll.listing.name: _seen(one) for one in self._watches})
            yield from self._containers.families([one.poll for one in self._watches])

    def _outputs(self) -> Iterator[Family]:
        def each(series: Series, number: Callable[[Pipeline], float | None]) -> Family:
            numbers = ((pipeline.output, number(pipeline)) for pipeline in self._pipelines)
            return family(series, [((output,), value) for output, value in numbers if value is not None])

        def split(series: Series, numbers: Callable[[Pipeline], dict[str, int]]) -> Family:
            return family(
                series, [((one.output, key), value) for one in self._pipelines for key, value in numbers(one).items()]
            )

        def spread(series: Series, durations: Callable[[Pipeline], Histogram]) -> Family:
            return histogram(series, {(one.output,): durations(one) for one in self._pipelines})

        yield each(catalogue.DOCUMENTS_READ, lambda one: one.ledger.read)
        yield split(catalogue.DOCUMENTS_SETTLED, lambda one: one.ledger.settled)
        yield split(catalogue.DOCUMENTS_DROPPED, lambda one: one.ledger.dropped)
        yield split(catalogue.DOCUMENTS_FILTERED, lambda one: one.ledger.filtered)
        yield each(catalogue.DOCUMENTS_SPOOLED, lambda one: one.ledger.spooled)
        yield each(catalogue.DOCUMENTS_RECOVERED, lambda one: one.ledger.recovered_from_spool)
        yield each(catalogue.DOCUMENTS_REPLAYED, lambda one: one.ledger.replayed)
        yield each(catalogue.DOCUMENTS_IN_FLIGHT, lambda one: one.ledger.in_flight)
        yield each(catalogue.IN_FLIGHT_BYTES, lambda one: one.ledger.in_flight_bytes)
        yield each(catalogue.IN_FLIGHT_CAPACITY, lambda one: one.capacity_bytes)
        yield each(catalogue.DOCUMENTS_RETRIED, lambda one: one.ledger.retried)
        yield spread(catalogue.DELIVERY_LATENCY, lambda one: one.ledger.latency_seconds)
        yield each(catalogue.SPOOL_BYTES, lambda one: one.ledger.spool_bytes)
        yield each(catalogue.SPOOL_CAPACITY, lambda one: one.spool_capacity_bytes)
        yield each(catalogue.SPOOL_ERRORS, lambda one: one.ledger.spool_errors)
        yield each(catalogue.READ_BYTES, lambda one: one.ledger.read_bytes)
        yield each(catalogue.PARSE_ERRORS, lambda one: one.ledger.parse_errors)
        yield each(catalogue.READING_PAUSED, lambda one: one.counts.waiting_logs > 0)
        yield split(catalogue.REQUESTS, lambda one: one.ledger.requests)
        yield spread(catalogue.REQUEST_SECONDS, lambda one: one.ledger.request_seconds)
        yield each(catalogue.CONCURRENCY_LIMIT, lambda one: one.ledger.concurrency_limit)
        yield each(catalogue.OUTPUT_UP, lambda one: not one.ledger.error)
        yield each(catalogue.TARGETS_WAITING, lambda one: len(one.ledger.waits))
        yield each(catalogue.LAST_ACKNOWLEDGED, lambda one: one.ledger.last_acknowledged)
        yield each(catalogue.POSITIONS_SAVED, lambda one: one.checkpoints.last_success)
        yield each(catalogue.POSITION_ERRORS, lambda one: one.checkpoints.failures)
        yield each(catalogue.HELD_BYTES, lambda one: one.held_bytes)
        yield each(catalogue.OPEN_FILES, lambda one: one.counts.open_files)
        yield each(catalogue.FILES_ROTATED, lambda one: one.counts.rotated)
        yield each(catalogue.FILES_TRUNCATED, lambda one: one.counts.truncated)
        yield each(catalogue.ROTATION_GAPS, lambda one: one.counts.gaps)
        yield each(catalogue.TORN_LINES, lambda one: one.counts.torn_lines)
        yield each(catalogue.LOST_BYTES, lambda one: one.counts.lost_bytes)
        yield each(catalogue.EVENTS_LOST, lambda one: one.events.lost)

    def _inputs(self) -> Iterator[Family]:
        shown = {container.name for container in self._containers.shown()}
        followed = [
            ((pipeline.output, reader.source.stream.container), reader)
            for pipeline in self._pipelines
            for reader in pipeline.readers.values()
            if reader.source.stream.container in shown
        ]

        def each(series: Series, number: Callable[[Reader], int]) -> Family:
            sums = Counter[tuple[str, str]]()  # a container may have several streams
            for labels, reader in followed:
                sums[labels] += number(reader)
            return family(series, sums.items())

        yield each(catalogue.BACKLOG_BYTES, lambda one: one.source.backlog_bytes)
        yield each(catalogue.CONTAINER_DOCUMENTS, lambda one: one.documents)
        yield each(catalogue.CONTAINER_READ_BYTES, lambda one: one.read_bytes)
        yield family(catalogue.NOT_FOLLOWED, [(labels, 1) for labels in self._problems(shown)])

    def _problems(self, shown: Collection[str]) -> list[tuple[str, str]]:
        """Those of the containers whose log is not followed, and why; and folders that are links."""
        containers = self._registry.containers.values()
        found: set[tuple[str, str]] = {(one.name, one.problem_kind) for one in containers if one.problem}
        for pipeline in self._pipelines:
            readers = (pipeline.readers.get(key) for key in pipeline.unreadable)
            found |= {(reader.source.stream.container, "unreadable") for reader in readers if reader is not None}
        links = sorted({link for one in self._registry.inputs.values() for link in one.links})[:_MOST_LINKS]
        return sorted(one for one in found if one[0] in shown) + [(name, "link") for name in links]


def _seen(watch: Watch) -> Iterator[Family]:
    poll = watch.poll
    yield family(catalogue.COLLECTOR_SUCCESS, [((name,), look.succeeded) for name, look in poll.looks.items()])
    yield family(catalogue.COLLECTOR_SECONDS, [((name,), look.seconds) for name, look in poll.looks.items()])
    yield from daemon.families(*watch)
