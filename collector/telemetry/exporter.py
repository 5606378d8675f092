"""Pipelines and roster → metric families, built anew at each scrape, so that what is gone vanishes.

Nothing is asked of Docker here: the scrape reads what is known.
"""

import platform
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from collector.discovery.roster import Container, Roster
from collector.ledger import DURATION_SECONDS
from collector.pipeline import Pipeline
from collector.telemetry import catalogue
from collector.telemetry.catalogue import Series

Sample = tuple[Sequence[str], float]


class Exporter(Collector):
    """What `/metrics` shows."""

    def __init__(self, version: str, roster: Roster, pipelines: Sequence[Pipeline]) -> None:
        self._version = version
        self._roster = roster
        self._pipelines = pipelines

    def collect(self) -> Iterator[Metric]:
        """All families."""
        yield _family(catalogue.BUILD_INFO, [((self._version, platform.python_version()), 1)])
        yield from self._outputs()
        yield from self._inputs()
        yield from self._docker()

    def _outputs(self) -> Iterator[Metric]:
        def each(series: Series, number: Callable[[Pipeline], float | None]) -> Metric:
            numbers = ((pipeline.output, number(pipeline)) for pipeline in self._pipelines)
            return _family(series, [((output,), value) for output, value in numbers if value is not None])

        def split(series: Series, numbers: Callable[[Pipeline], dict[str, int]]) -> Metric:
            return _family(
                series, [((one.output, key), value) for one in self._pipelines for key, value in numbers(one).items()]
            )

        yield each(catalogue.DOCUMENTS_READ, lambda one: one.ledger.read)
        yield split(catalogue.DOCUMENTS_SETTLED, _settled)
        yield split(catalogue.DOCUMENTS_DROPPED, lambda one: one.ledger.dropped)
        yield each(catalogue.DOCUMENTS_SPOOLED, lambda one: one.ledger.spooled)
        yield each(catalogue.DOCUMENTS_RECOVERED, lambda one: one.ledger.recovered_from_spool)
        yield each(catalogue.DOCUMENTS_REPLAYED, lambda one: one.ledger.replayed)
        yield each(catalogue.SPOOL_BYTES, lambda one: one.ledger.spool_bytes)
        yield each(catalogue.SPOOL_ERRORS, lambda one: one.ledger.spool_errors)
        yield each(catalogue.DOCUMENTS_IN_FLIGHT, lambda one: one.ledger.in_flight)
        yield each(catalogue.IN_FLIGHT_BYTES, lambda one: one.ledger.in_flight_bytes)
        yield each(catalogue.DOCUMENTS_RETRIED, lambda one: one.ledger.retried)
        yield each(catalogue.READ_BYTES, lambda one: one.ledger.read_bytes)
        yield each(catalogue.PARSE_ERRORS, lambda one: one.ledger.parse_errors)
        yield split(catalogue.REQUESTS, lambda one: one.ledger.requests)
        yield self._durations()
        yield each(catalogue.CONCURRENCY_LIMIT, lambda one: one.ledger.concurrency_limit)
        yield each(catalogue.OUTPUT_UP, lambda one: not one.ledger.error)
        yield each(catalogue.TARGETS_WAITING, lambda one: len(one.ledger.waits))
        yield each(catalogue.LAST_ACKNOWLEDGED, lambda one: one.ledger.last_acknowledged)
        yield each(catalogue.POSITIONS_SAVED, lambda one: one.checkpoints.last_success)
        yield each(catalogue.POSITION_ERRORS, lambda one: one.checkpoints.failures)
        yield each(catalogue.HELD_BYTES, lambda one: one.held_bytes)
        yield each(catalogue.FILES_ROTATED, lambda one: one.counts.rotated)
        yield each(catalogue.FILES_TRUNCATED, lambda one: one.counts.truncated)
        yield each(catalogue.ROTATION_GAPS, lambda one: one.counts.gaps)
        yield each(catalogue.LOST_BYTES, lambda one: one.counts.lost_bytes)

    def _durations(self) -> Metric:
        series = catalogue.REQUEST_SECONDS
        family = HistogramMetricFamily(series.name, series.help, labels=series.labels)
        bounds = [*map(str, DURATION_SECONDS), "+Inf"]
        for pipeline in self._pipelines:
            seconds = pipeline.ledger.request_seconds
            buckets = list(zip(bounds, map(float, accumulate(seconds.counts)), strict=True))
            family.add_metric([pipeline.output], buckets=buckets, sum_value=seconds.sum)
        return family

    def _inputs(self) -> Iterator[Metric]:
        backlog = Counter[tuple[str, str]]()
        unreadable = set()
        for pipeline in self._pipelines:
            for tail in pipeline.tails.values():
                backlog[pipeline.output, tail.stream.container] += tail.backlog_bytes
            unreadable |= {pipeline.tails[key].stream.container for key in pipeline.unreadable if key in pipeline.tails}
        yield _family(catalogue.BACKLOG_BYTES, backlog.items())
        problems = {(one.name, _reason(one)) for one in self._roster.containers.values() if one.problem}
        problems |= {(name, "unreadable") for name in unreadable}
        yield _family(catalogue.NOT_FOLLOWED, [(labels, 1) for labels in sorted(problems)])

    def _docker(self) -> Iterator[Metric]:
        containers = self._roster.containers.values()
        yield _family(catalogue.DOCKER_UP, [((), self._roster.up)])
        states = Counter(container.state for container in containers)
        yield _family(catalogue.DOCKER_CONTAINERS, [((state,), states[state]) for state in catalogue.STATES])
        # In a tree an earlier container's folder may bear the same name: the running one speaks for it.
        named = {one.name: one for one in sorted(containers, key=lambda one: one.state == "running")}.values()
        yield _family(catalogue.DOCKER_EVENTS, [((), self._roster.events_total)])
        yield _family(catalogue.CONTAINERS_MISSED, [((), self._roster.missed)])
        yield _family(
            catalogue.CONTAINER_HEALTH,
            [((one.name, status), (one.health or "none") == status) for one in named for status in catalogue.HEALTH],
        )
        yield _family(
            catalogue.CONTAINER_FAILING_STREAK, [((one.name,), one.failing_streak) for one in named if one.health]
        )


def _settled(pipeline: Pipeline) -> dict[str, int]:
    ledger = pipeline.ledger
    return {
        "acknowledged": ledger.acknowledged,
        "duplicate": ledger.duplicate,
        "dead_lettered": ledger.dead_lettered,
    }


def _reason(container: Container) -> str:
    return "driver" if container.driver != "json-file" else "label"


def _family(series: Series, samples: Iterable[Sample]) -> Metric:
    kind = CounterMetricFamily if series.kind == "counter" else GaugeMetricFamily
    family = kind(series.name, series.help, labels=series.labels)
    for labels, value in samples:
        family.add_metric(labels, float(value))
    return family
