"""Registry → the series of each container: rendered when something of it changed, joined at the scrape.

Of all containers those that run, and those that ended within a day, have series of their own, the youngest first up to
a limit: what a host piles up must not become Prometheus' burden.
"""

import math
import time
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct

from collector.discovery.container_counts import ContainerCounts
from collector.discovery.registry import UNDESCRIBED, Container, Listing, Registry
from collector.telemetry import catalogue, exposition, usage, usage_series
from collector.telemetry.exposition import Family, Sample
from collector.telemetry.poll import Poll
from collector.telemetry.series import Series

_ENDED_SECONDS = 86400.0
_CHOOSE_SECONDS = 60.0
_NANOSECONDS = 1e9  # of a second
_HEALTH_STATE = {"healthy": 1, "starting": 0, "unhealthy": 0, "": -1, "none": -1}

_SERIES = (
    catalogue.CONTAINER_INFO,
    catalogue.CONTAINER_STATE,
    catalogue.CONTAINER_HEALTH,
    catalogue.CONTAINER_FAILING_STREAK,
    catalogue.CONTAINER_HEALTH_CHECKED,
    catalogue.CONTAINER_HEALTH_DUE,
    catalogue.CONTAINER_HEALTH_TRANSITIONS,
    catalogue.CONTAINER_RESTARTS,
    catalogue.CONTAINER_EXITS,
    catalogue.CONTAINER_EXIT_CODE,
    catalogue.CONTAINER_START_FAILED,
    catalogue.CONTAINER_OOM_KILLED,
    catalogue.CONTAINER_CREATED,
    catalogue.CONTAINER_STARTED,
    catalogue.CONTAINER_FINISHED,
    catalogue.CONTAINER_LOG_LIMIT,
    *(usage_series.MEMORY_LIMIT, usage_series.OOM_EVENTS, usage_series.START_TIME, usage_series.HEALTH_STATE),
)


class _Rendered(Struct, eq=False):
    """The lines of each of `_SERIES`, and of what they were made; `name` is what stands in braces on most of them."""

    container: Container
    counts_version: int
    name: str
    lines: list[bytes]


class Containers:
    """Their families. `most` may have series; `has_usage`: under cAdvisor's names too.

    Of an input without events nobody counts how its containers end, and nothing is told of that.
    """

    def __init__(
        self,
        registry: Registry,
        *,
        most: int,
        has_usage: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.omitted = 0  # at the last look, as there were more than `most`
        self._registry = registry
        self._most = most
        self._has_usage = has_usage
        self._now = now
        self._rendered: dict[str, _Rendered] = {}
        self._shown: list[Container] = []
        self._chosen = (-1, -math.inf)  # of which revision of the registry, and when

    def shown(self) -> list[Container]:
        """Those that have series of their own, one of each name."""
        revision, when = self._chosen
        if revision != self._registry.revision or self._now() - when > _CHOOSE_SECONDS:
            self._chosen = self._registry.revision, self._now()
            self._shown = self._choose()
        return self._shown

    def shown_of(self, listing: Listing) -> list[Container]:
        """Those of one input."""
        return [one for one in self.shown() if self._registry.owner(one.id) is listing]

    def _choose(self) -> list[Container]:
        since = self._now() - _ENDED_SECONDS
        recent = [one for one in self._registry.containers.values() if _is_up(one) or (_age(one) >= since)]
        # In a tree an earlier container's folder may bear the same name: the last one here speaks for it.
        recent.sort(key=lambda one: (_is_up(one), _age(one)))
        named = list({exposition.labels([("name", one.name)]): one for one in recent}.values())
        self.omitted = max(len(named) - self._most, 0)
        named.sort(key=lambda one: (not _is_up(one), -_age(one)))
        return named[: self._most]

    def families(self, polls: Sequence[Poll]) -> Iterator[Family]:
        """Those of the inputs that are polled; none of one that is away, for nobody knows how its containers are."""
        owners = {poll.listing for poll in polls if poll.listing.up}
        shown = [one for one in self.shown() if self._registry.owner(one.id) in owners]
        self._rendered = rendered = {one.id: self._render(one) for one in shown}
        yield from _joined(_SERIES, [one.lines for one in rendered.values()])
        sizes = ChainMap(*(poll.log_bytes for poll in polls))
        yield _sizes({one.name: sizes.get(container_id) for container_id, one in rendered.items()})
        used = ChainMap(*({**poll.usage} for poll in polls))
        yield from _joined(usage.SERIES, [used[one.id] for one in shown if one.id in used and one.is_running])

    def _render(self, container: Container) -> _Rendered:
        counts = self._registry.counts[container.id]
        before = self._rendered.get(container.id)
        if before is not None and before.container is container and before.counts_version == counts.version:
            return before
        name = exposition.labels([("name", container.name)])
        samples = list(_facts(container, counts, name))
        has_events = (owner := self._registry.owner(container.id)) is not None and owner.has_events
        if has_events:
            samples += _counts(counts, name)
        if self._has_usage and container.is_running:
            own = usage.own_labels(container)
            samples += _specification(container, own)
            samples += [(usage_series.OOM_EVENTS, own, counts.ooms)] if has_events else []
        return _Rendered(container, counts.version, name, exposition.lines_by_series(_SERIES, samples))


def _joined(series: Sequence[Series], lines: Sequence[list[bytes]]) -> Iterator[Family]:
    return (Family(one, b"".join(column)) for one, column in zip(series, zip(*lines, strict=True), strict=False))


def _sizes(log_bytes: Mapping[str, int | None]) -> Family:
    """Of logs, by what stands in braces: they change at each look, and all else of a container seldom."""
    series = catalogue.CONTAINER_LOG_BYTES
    lines = (exposition.line(series.name, name, size) for name, size in log_bytes.items() if size is not None)
    return Family(series, b"".join(lines))


def _is_up(container: Container) -> bool:
    return container.is_running or container.state == "restarting"


def _age(container: Container) -> float:
    """When something last happened to it, in seconds since 1970."""
    return max(container.finished or 0.0, container.started or 0.0, container.created or 0.0)


def _facts(container: Container, counts: ContainerCounts, name: str) -> Iterator[Sample]:
    def one_hot(series: Series, label: str, values: Sequence[str], chosen: str) -> Iterator[Sample]:
        return ((series, f'{name},{label}="{value}"', value == chosen) for value in values)

    yield catalogue.CONTAINER_INFO, _identity(container), 1
    yield from one_hot(catalogue.CONTAINER_STATE, "state", catalogue.STATES, container.state)
    if container.driver == UNDESCRIBED:
        return
    yield from one_hot(catalogue.CONTAINER_HEALTH, "status", catalogue.HEALTH, container.health or "none")
    yield catalogue.CONTAINER_RESTARTS, name, container.restarts
    numbers = (
        (catalogue.CONTAINER_FAILING_STREAK, container.failing_streak if container.health else None),
        (catalogue.CONTAINER_HEALTH_CHECKED, container.last_check if container.health else None),
        (catalogue.CONTAINER_HEALTH_DUE, _check_due(container, counts)),
        (catalogue.CONTAINER_EXIT_CODE, counts.exit_code if container.exit_code is None else container.exit_code),
        (catalogue.CONTAINER_START_FAILED, bool(container.start_error)),
        (catalogue.CONTAINER_OOM_KILLED, container.oom_killed),
        (catalogue.CONTAINER_CREATED, container.created),
        (catalogue.CONTAINER_STARTED, container.started),
        (catalogue.CONTAINER_FINISHED, container.finished),
        (catalogue.CONTAINER_LOG_LIMIT, container.log_limit_bytes),
    )
    for series, number in numbers:
        if number is not None:
            yield series, name, number


def _check_due(container: Container, counts: ContainerCounts) -> float | None:
    if not container.health or container.check_wait_seconds is None:
        return None
    since = max(container.last_check or 0.0, container.started or 0.0, counts.unpaused / _NANOSECONDS)
    return since + container.check_wait_seconds if since else None


def _counts(counts: ContainerCounts, name: str) -> Iterator[Sample]:
    """What is counted by the daemon's events."""
    for status, number in counts.transitions.items():
        yield catalogue.CONTAINER_HEALTH_TRANSITIONS, f'{name},status="{status}"', number
    for kind, number in counts.exits.items():
        yield catalogue.CONTAINER_EXITS, f'{name},kind="{kind}"', number


def _identity(container: Container) -> str:
    values = (
        *(container.name, container.id, container.image, container.image_id),
        *(container.compose_project, container.compose_service),
        *(container.stack, container.service, container.task, container.driver),
    )
    return exposition.labels(zip(catalogue.CONTAINER_INFO.labels, values, strict=True))


def _specification(container: Container, own: str) -> Iterator[Sample]:
    if container.driver == UNDESCRIBED:
        return
    if container.memory_limit_bytes is not None:
        yield usage_series.MEMORY_LIMIT, own, container.memory_limit_bytes
    yield usage_series.HEALTH_STATE, own, _HEALTH_STATE.get(container.health, 0)
    if container.started is not None:
        yield usage_series.START_TIME, own, container.started
