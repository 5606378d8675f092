"""One-shot stats of a container (`GET /containers/{id}/stats`) → the lines of what it uses, under cAdvisor's names.

The form: Docker Engine API. Members differ by cgroup version: v1 has `total_inactive_file`, `total_rss`, `total_cache`
and `Read`, v2 `inactive_file`, `anon`, `file` and `read`. `docker stats` shows memory without the inactive cache.
"""

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

from collector.discovery.roster import Container
from collector.telemetry import catalogue, exposition
from collector.telemetry.exposition import Sample

SERIES = (
    catalogue.CPU_USAGE,
    catalogue.CPU_USER,
    catalogue.CPU_SYSTEM,
    catalogue.CFS_PERIODS,
    catalogue.CFS_THROTTLED,
    catalogue.CFS_THROTTLED_SECONDS,
    catalogue.MEMORY_USAGE,
    catalogue.MEMORY_WORKING_SET,
    catalogue.MEMORY_RSS,
    catalogue.MEMORY_CACHE,
    *catalogue.NETWORK.values(),
    catalogue.FS_READS,
    catalogue.FS_WRITES,
    catalogue.THREADS,
    catalogue.THREADS_MAX,
    catalogue.LAST_SEEN,
)
_NANOSECONDS = 1e9  # of a second
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


class _CpuUsage(Struct, frozen=True):
    total_usage: int = 0
    usage_in_usermode: int = 0
    usage_in_kernelmode: int = 0


class _Throttling(Struct, frozen=True):
    periods: int = 0
    throttled_periods: int = 0
    throttled_time: int = 0


class _Cpu(Struct, frozen=True):
    cpu_usage: _CpuUsage = _CpuUsage()
    throttling_data: _Throttling = _Throttling()


class _Memory(Struct, frozen=True):
    usage: int = 0
    stats: dict[str, int] | None = None


class _Interface(Struct, frozen=True):
    rx_bytes: int = 0
    rx_packets: int = 0
    rx_errors: int = 0
    rx_dropped: int = 0
    tx_bytes: int = 0
    tx_packets: int = 0
    tx_errors: int = 0
    tx_dropped: int = 0


class _Transfer(Struct, frozen=True):
    major: int
    minor: int
    op: str
    value: int


class _BlockIo(Struct, frozen=True):
    io_service_bytes_recursive: list[_Transfer] | None = None


class _Pids(Struct, frozen=True):
    current: int = 0
    limit: int = 0


class Stats(Struct, frozen=True):
    """What of the answer is shown; times are nanoseconds."""

    cpu_stats: _Cpu = _Cpu()
    memory_stats: _Memory = _Memory()
    blkio_stats: _BlockIo = _BlockIo()
    pids_stats: _Pids = _Pids()
    networks: dict[str, _Interface] | None = None


def own_labels(container: Container) -> str:
    """What stands in braces on each line about the container, as cAdvisor has it."""
    return exposition.labels([("id", f"/docker/{container.id}"), ("name", container.name), ("image", container.image)])


def block(container: Container, answer: bytes, *, now: float) -> list[bytes] | None:
    """The lines of each of `SERIES`; None if the container does not run. `now` is in seconds since 1970.

    Raises:
        ValueError: the answer is no stats.
    """
    stats = msgspec.json.decode(answer, type=Stats)
    if not stats.cpu_stats.cpu_usage.total_usage:
        return None
    own = own_labels(container)
    found = [*_samples(stats), (catalogue.LAST_SEEN, "", now)]
    return exposition.lines_by_series(
        SERIES, ((series, f"{own},{more}" if more else own, number) for series, more, number in found)
    )


def _samples(stats: Stats) -> Iterator[Sample]:
    """In braces only what stands there beside the container's own labels."""
    cpu, throttled = stats.cpu_stats.cpu_usage, stats.cpu_stats.throttling_data
    yield catalogue.CPU_USAGE, 'cpu="total"', cpu.total_usage / _NANOSECONDS
    yield catalogue.CPU_USER, "", cpu.usage_in_usermode / _NANOSECONDS
    yield catalogue.CPU_SYSTEM, "", cpu.usage_in_kernelmode / _NANOSECONDS
    yield catalogue.CFS_PERIODS, "", throttled.periods
    yield catalogue.CFS_THROTTLED, "", throttled.throttled_periods
    yield catalogue.CFS_THROTTLED_SECONDS, "", throttled.throttled_time / _NANOSECONDS
    yield from _memory(stats.memory_stats)
    for interface, numbers in (stats.networks or {}).items():
        braced = exposition.labels([("interface", interface)])
        for direction, what in _NETWORK.items():
            yield catalogue.NETWORK[direction], braced, getattr(numbers, what)
    yield from _block_io(stats.blkio_stats.io_service_bytes_recursive or [])
    yield catalogue.THREADS, "", stats.pids_stats.current
    limit = stats.pids_stats.limit
    yield catalogue.THREADS_MAX, "", limit if 0 < limit < _NO_LIMIT else math.inf


def _memory(memory: _Memory) -> Iterator[Sample]:
    known = memory.stats or {}
    inactive = known.get("total_inactive_file", known.get("inactive_file", 0))
    yield catalogue.MEMORY_USAGE, "", memory.usage
    yield catalogue.MEMORY_WORKING_SET, "", max(memory.usage - inactive, 0)
    yield catalogue.MEMORY_RSS, "", known.get("total_rss", known.get("anon", 0))
    yield catalogue.MEMORY_CACHE, "", known.get("total_cache", known.get("file", 0))


def _block_io(transfers: list[_Transfer]) -> Iterator[Sample]:
    for one in transfers:
        series = {"read": catalogue.FS_READS, "write": catalogue.FS_WRITES}.get(one.op.lower())
        if series is not None:
            yield series, exposition.labels([("device", _device(one.major, one.minor))]), one.value


@cache
def _device(major: int, minor: int) -> str:
    """`/dev/sda`; the numbers if this machine does not know it."""
    try:
        return f"/dev/{Path(f'/sys/dev/block/{major}:{minor}').readlink().name}"
    except OSError:
        return f"{major}:{minor}"
