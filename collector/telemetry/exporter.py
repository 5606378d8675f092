"""The parts' numbers → all families of a scrape, built anew each time, so that what is gone vanishes.

Nothing is asked of Docker here: a scrape reads what is known.
"""

import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import starmap
from typing import NamedTuple

from collector.alerts.alerts import Alerts
from collector.discovery.registry import Registry
from collector.docker.calls import Calls
from collector.histogram import Histogram
from collector.pipeline.pipeline import Pipeline
from collector.pipeline.reader import Reader
from collector.telemetry import catalogue, daemon
from collector.telemetry.alerts import families as alert_families
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
        alerts: Alerts | None = None,
    ) -> None:
        self._version = version
        self._registry = registry
        self._pipelines = pipelines
        self._containers = containers
        self._watches = watches
        self._lag = lag
        self._process = process
        self._alerts = alerts

    def families(self) -> Iterator[Family]:
        """All of them."""
        yield family(catalogue.BUILD_INFO, [((self._version, platform.python_version()), 1)])
        yield from self._outputs()
        yield from self._inputs()
        yield family(catalogue.TARGETS, [((), len(self._registry.targets))])
        yield family(catalogue.TARGETS_LIMIT, [((), self._registry.max_targets)])
        yield histogram(catalogue.EVENT_LOOP_LAG, {(): self._lag})
        yield from self._process.families()
        if self._alerts is not None:
            yield from alert_families(self._alerts)
        if self._watches:
            yield family(catalogue.CONTAINERS_OMITTED, [((), self._containers.omitted)])
            yield from joined("input", {one.poll.listing.name: _seen(one) for one in self._watches})
            yield from self._containers.families([one.poll for one in self._watches])

    def _outputs(self) -> Iterator[Family]:
        samples = defaultdict[Series, list[tuple[Sequence[str], float]]](list)
        for one in self._pipelines:
            for series, number in (_delivery(one) | _reading(one)).items():
                if isinstance(number, Mapping):
                    samples[series] += [((one.output, key), value) for key, value in number.items()]
                elif number is not None:
                    samples[series].append(((one.output,), number))
        yield from starmap(family, samples.items())
        yield histogram(
            catalogue.DELIVERY_LATENCY, {(one.output,): one.ledger.latency_seconds for one in self._pipelines}
        )
        yield histogram(
            catalogue.REQUEST_SECONDS, {(one.output,): one.ledger.request_seconds for one in self._pipelines}
        )

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
        formatted = Counter[tuple[str, str]]()
        for labels, reader in followed:
            if reader.source.stream.reading.format:
                formatted[labels] += reader.counts.misfits
        yield family(catalogue.CONTAINER_MISFITS, formatted.items())
        refused = Counter[tuple[str, str]]()
        for labels, reader in followed:
            if reader.source.stream.reading.time is not None:
                refused[labels] += reader.counts.refused_times
        yield family(catalogue.CONTAINER_REFUSED_TIMES, refused.items())
        redacted, filtered = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str]]()
        for labels, reader in followed:
            redacted.update({(*labels, rule): count for rule, count in reader.counts.redactions.items()})
            filtered.update({(*labels, rule): count for rule, count in reader.counts.filtered.items()})
        yield family(catalogue.REDACTIONS, redacted.items())
        yield family(catalogue.CONTAINER_FILTERED, filtered.items())
        faulty = {one.name: one.settings.fault_count for one in self._containers.shown() if one.settings.fault_count}
        yield family(catalogue.LABEL_FAULTS, [((name,), count) for name, count in faulty.items()])
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


_Number = float | None | Mapping[str, int]  # None: not known yet; by label value where the series has one more


def _delivery(one: Pipeline) -> dict[Series, _Number]:
    ledger = one.ledger
    return {
        catalogue.DOCUMENTS_READ: ledger.read,
        catalogue.DOCUMENTS_SETTLED: ledger.settled,
        catalogue.DOCUMENTS_TAKEN_OVER: ledger.taken_over,
        catalogue.DOCUMENTS_DROPPED: ledger.dropped,
        catalogue.DOCUMENTS_FILTERED: ledger.filtered,
        catalogue.DOCUMENTS_SPOOLED: ledger.spooled,
        catalogue.DOCUMENTS_RECOVERED: ledger.recovered_from_spool,
        catalogue.DOCUMENTS_REPLAYED: ledger.replayed,
        catalogue.DOCUMENTS_IN_FLIGHT: ledger.in_flight,
        catalogue.IN_FLIGHT_BYTES: ledger.in_flight_bytes,
        catalogue.IN_FLIGHT_CAPACITY: one.capacity_bytes,
        catalogue.DOCUMENTS_RETRIED: ledger.retried,
        catalogue.SPOOL_BYTES: ledger.spool_bytes,
        catalogue.SPOOL_CAPACITY: one.spool_capacity_bytes,
        catalogue.SPOOL_ERRORS: ledger.spool_errors,
        catalogue.REQUESTS: ledger.requests,
        catalogue.CONCURRENCY_LIMIT: ledger.concurrency_limit,
        catalogue.OUTPUT_UP: not ledger.error,
        catalogue.TARGETS_WAITING: len(ledger.waits),
        catalogue.LAST_ACKNOWLEDGED: ledger.last_acknowledged,
    }


def _reading(one: Pipeline) -> dict[Series, _Number]:
    ledger, counts = one.ledger, one.counts
    return {
        catalogue.READ_BYTES: ledger.read_bytes,
        catalogue.PARSE_ERRORS: ledger.parse_errors,
        catalogue.READING_PAUSED: counts.waiting_logs > 0,
        catalogue.POSITIONS_SAVED: one.checkpoints.last_success,
        catalogue.POSITION_ERRORS: one.checkpoints.failures,
        catalogue.HELD_BYTES: one.held_bytes,
        catalogue.OPEN_FILES: counts.open_files,
        catalogue.FILES_ROTATED: counts.rotated,
        catalogue.FILES_TRUNCATED: counts.truncated,
        catalogue.ROTATION_GAPS: counts.gaps,
        catalogue.TORN_LINES: counts.torn_lines,
        catalogue.LOST_BYTES: counts.lost_bytes,
        catalogue.EVENTS_LOST: one.events.lost,
    }
