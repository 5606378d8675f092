"""Registry, calls and the last look at the engine → the series of the daemon."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from collector.docker.calls import Calls
from collector.docker.event import ACTIONS
from collector.telemetry import catalogue
from collector.telemetry.disk import Used
from collector.telemetry.exposition import Family, family, histogram
from collector.telemetry.poll import Poll
from collector.telemetry.told import number

_NUMBERS = {catalogue.DOCKER_CPUS: "NCPU", catalogue.DOCKER_MEMORY: "MemTotal", catalogue.DOCKER_IMAGES: "Images"}


def families(poll: Poll, calls: Calls | None) -> Iterator[Family]:
    """All of them; of a tree without a daemon (`calls` None) those that it has."""
    listing = poll.listing
    states = Counter(container.state for container in listing.containers.values() if listing.up)
    yield family(catalogue.DOCKER_UP, [((), listing.up)])
    if listing.up:
        yield family(catalogue.DOCKER_CONTAINERS, [((state,), states[state]) for state in catalogue.STATES])
    yield family(catalogue.CONTAINERS_MISSED, [((), listing.missed)])
    if calls is None:
        return
    yield family(catalogue.DOCKER_EVENTS, [((action,), listing.events[action]) for action in ACTIONS])
    yield family(catalogue.EVENTS_CONNECTED, [((), listing.hears_events)])
    yield family(catalogue.EVENTS_RECONNECTS, [((), max(listing.streams_of_events - 1, 0))])
    yield family(catalogue.API_REQUESTS, calls.answers.items())
    yield histogram(catalogue.API_SECONDS, {(operation,): seconds for operation, seconds in calls.seconds.items()})
    if listing.up and poll.engine:
        yield from _engine(poll.engine, poll.version)
    if listing.up:
        yield from _disk(poll.disk)


def _engine(info: Mapping[str, Any], version: Mapping[str, Any]) -> Iterator[Family]:
    told = (
        *(info.get("ServerVersion"), version.get("ApiVersion"), info.get("OperatingSystem"), info.get("KernelVersion")),
        *(info.get("Driver"), info.get("LoggingDriver"), info.get("CgroupDriver"), info.get("CgroupVersion")),
    )
    yield family(catalogue.DOCKER_INFO, [([str(one or "") for one in told], 1)])
    for series, member in _NUMBERS.items():
        yield family(series, _known([((), number(info.get(member)))]))
    warnings = info.get("Warnings", ...)  # null where there are none
    if warnings is None or isinstance(warnings, list):
        yield family(catalogue.DOCKER_WARNINGS, [((), len(warnings or []))])


def _disk(used: Mapping[str, Used]) -> Iterator[Family]:
    yield family(catalogue.DISK_USAGE, _known(((kind,), one.bytes) for kind, one in used.items()))
    yield family(catalogue.DISK_RECLAIMABLE, _known(((kind,), one.reclaimable_bytes) for kind, one in used.items()))


def _known(told: Iterable[tuple[Sequence[str], float | None]]) -> Iterator[tuple[Sequence[str], float]]:
    return ((labels, found) for labels, found in told if found is not None)
