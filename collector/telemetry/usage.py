"""One-shot stats of a container (`GET /containers/{id}/stats`) → the lines of what it uses, under cAdvisor's names.

The form: Docker Engine API. Members differ by cgroup version: v1 has `total_inactive_file`, `total_rss`, `total_cache`
and `Read`, v2 `inactive_file`, `anon`, `file` and `read`. `docker stats` shows memory without the inactive cache.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from collector.discovery.registry import Container
from collector.telemetry import exposition, usage_series
from collector.telemetry.exposition import Sample
from collector.telemetry.series import Series
from collector.telemetry.told import members, number

SERIES = (
    usage_series.CPU_USAGE,
    usage_series.CPU_USER,
    usage_series.CPU_SYSTEM,
    usage_series.CFS_PERIODS,
    usage_series.CFS_THROTTLED,
    usage_series.CFS_THROTTLED_SECONDS,
    usage_series.MEMORY_USAGE,
    usage_series.MEMORY_WORKING_SET,
    usage_series.MEMORY_RSS,
    usage_series.MEMORY_CACHE,
    *usage_series.NETWORK.values(),
    usage_series.FS_READS,
    usage_series.FS_WRITES,
    usage_series.THREADS,
    usage_series.THREADS_MAX,
    usage_series.LAST_SEEN,
)
_NANOSECONDS = 1e9  # of a second
_NEVER = "0001-"  # when the daemon looked, of one that does not run
_NO_LIMIT = 1 << 63  # pids: the kernel's `max` is told as the largest number of 64 bits
_NETWORK = {  # the daemon's member of an interface
    ("receive", "bytes"): "rx_bytes",
    ("receive", "packets"): "rx_packets",
    ("receive", "errors"): "rx_errors",
    ("receive", "packets_dropped"): "rx_dropped",
    ("transmit", "bytes"): "tx_bytes",
    ("transmit", "packets"): "tx_packets",
    ("transmit", "errors"): "tx_errors",
    ("transmit", "packets_dropped"): "tx_dropped",
}
_TRANSFERS = {"read": usage_series.FS_READS, "write": usage_series.FS_WRITES}


def own_labels(container: Container) -> str:
    """What stands in braces on each line about the container, as cAdvisor has it."""
    return exposition.labels([("id", f"/docker/{container.id}"), ("name", container.name), ("image", container.image)])


def block(container: Container, answer: bytes, *, now: float) -> list[bytes] | None:
    """The lines of each of `SERIES`; None if the container does not run. `now` is in seconds since 1970.

    Raises:
        ValueError: the answer is no stats.
    """
    stats = orjson.loads(answer)
    if not isinstance(stats, dict):
        raise ValueError("stats are an object")
    found = [] if str(stats.get("read")).startswith(_NEVER) else list(_samples(stats))
    if not found:
        return None
    own = own_labels(container)
    samples = [*found, (usage_series.LAST_SEEN, "", now)]
    return exposition.lines_by_series(
        SERIES, ((series, f"{own},{more}" if more else own, number) for series, more, number in samples)
    )


def _samples(stats: Mapping[str, Any]) -> Iterator[Sample]:
    """In braces only what stands there beside the container's own labels."""
    yield from _cpu(members(stats.get("cpu_stats")))
    yield from _memory(members(stats.get("memory_stats")))
    for interface, numbers in members(stats.get("networks")).items():
        braced = exposition.labels([("interface", interface)])
        told = members(numbers)
        yield from _known((usage_series.NETWORK[key], braced, told.get(member)) for key, member in _NETWORK.items())
    yield from _block_io(members(stats.get("blkio_stats")).get("io_service_bytes_recursive"))
    yield from _pids(members(stats.get("pids_stats")))


def _cpu(cpu: Mapping[str, Any]) -> Iterator[Sample]:
    """The daemon writes 0 for CPU that was not measured: who runs has used some."""
    used, throttled = members(cpu.get("cpu_usage")), members(cpu.get("throttling_data"))
    if used.get("total_usage") != 0:
        yield from _known(
            [
                (usage_series.CPU_USAGE, 'cpu="total"', _seconds(used.get("total_usage"))),
                (usage_series.CPU_USER, "", _seconds(used.get("usage_in_usermode"))),
                (usage_series.CPU_SYSTEM, "", _seconds(used.get("usage_in_kernelmode"))),
                (usage_series.CFS_PERIODS, "", throttled.get("periods")),
                (usage_series.CFS_THROTTLED, "", throttled.get("throttled_periods")),
                (usage_series.CFS_THROTTLED_SECONDS, "", _seconds(throttled.get("throttled_time"))),
            ]
        )


def _memory(memory: Mapping[str, Any]) -> Iterator[Sample]:
    """Without a word on the cache the working set is all that is used, as `docker stats` and cAdvisor have it.

    podman and old daemons write 0 for memory that was not measured, as they do for processes.
    """
    if memory.get("usage") == 0:
        return
    usage, details = number(memory.get("usage")), members(memory.get("stats"))
    inactive = _first(details, "total_inactive_file", "inactive_file")
    yield from _known(
        [
            (usage_series.MEMORY_USAGE, "", usage),
            (usage_series.MEMORY_WORKING_SET, "", None if usage is None else max(usage - (inactive or 0), 0)),
            (usage_series.MEMORY_RSS, "", _first(details, "total_rss", "anon")),
            (usage_series.MEMORY_CACHE, "", _first(details, "total_cache", "file")),
        ]
    )


def _block_io(transfers: object) -> Iterator[Sample]:
    for one in map(members, transfers if isinstance(transfers, list) else []):
        series = _TRANSFERS.get(str(one.get("op")).lower())
        major, minor = one.get("major"), one.get("minor")
        if series is not None and isinstance(major, int) and isinstance(minor, int):
            yield from _known([(series, exposition.labels([("device", _device(major, minor))]), one.get("value"))])


def _pids(pids: Mapping[str, Any]) -> Iterator[Sample]:
    """A limit that is left out is none, where threads are counted (moby `api/types/container/stats.go`)."""
    if pids.get("current") == 0:
        return
    current = number(pids.get("current"))
    limit = number(pids.get("limit", None if current is None else 0))
    if limit is not None and not 0 < limit < _NO_LIMIT:
        limit = math.inf
    yield from _known([(usage_series.THREADS, "", current), (usage_series.THREADS_MAX, "", limit)])


def _known(told: Iterable[tuple[Series, str, object]]) -> Iterator[Sample]:
    """Those that were measured: what is no number has no series, and takes nothing else with it."""
    return ((series, braced, found) for series, braced, value in told if (found := number(value)) is not None)


def _first(told: Mapping[str, Any], *members: str) -> float | None:
    """The first of these members that is a number."""
    return next((found for one in members if (found := number(told.get(one))) is not None), None)


def _seconds(nanoseconds: object) -> float | None:
    return None if (found := number(nanoseconds)) is None else found / _NANOSECONDS


@cache
def _device(major: int, minor: int) -> str:
    """`/dev/sda`; the numbers if this machine does not know it."""
    try:
        return f"/dev/{Path(f'/sys/dev/block/{major}:{minor}').readlink().name}"
    except OSError:
        return f"{major}:{minor}"
