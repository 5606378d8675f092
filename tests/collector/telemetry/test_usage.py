"""What a container uses is told alike of both cgroup versions, with the numbers that `docker stats` shows."""

import math
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector.discovery.registry import Container
from collector.telemetry import usage
from collector.telemetry.exposition import Family, expose
from tests.collector.telemetry.stats import STOPPED, V1, V2

WEB = Container(id="c0ffee", name="web", state="running", image="shop:3")
IDENTITY = {"id": "/docker/c0ffee", "name": "web", "image": "shop:3"}


def told(answer: dict[str, Any]) -> dict[tuple[str, str], float]:
    """By series and the value of its own label."""
    block = usage.block(WEB, orjson.dumps(answer), now=5.0)
    assert block is not None
    families = [Family(series, lines) for series, lines in zip(usage.SERIES, block, strict=True)]
    found = {}
    for family in text_string_to_metric_families(expose(families, "")[0].decode()):
        for sample in family.samples:
            assert sample.labels.items() >= IDENTITY.items()
            (own,) = {key: value for key, value in sample.labels.items() if key not in IDENTITY}.values() or [""]
            found[sample.name, own] = sample.value
    return found


EXPECTED = {
    ("container_cpu_usage_seconds_total", "total"): 0.040386273,
    ("container_cpu_user_seconds_total", ""): 0.01,
    ("container_cpu_system_seconds_total", ""): 0.03,
    ("container_cpu_cfs_periods_total", ""): 29,
    ("container_cpu_cfs_throttled_periods_total", ""): 4,
    ("container_cpu_cfs_throttled_seconds_total", ""): 0.25,
    ("container_memory_usage_bytes", ""): 827392,
    ("container_memory_working_set_bytes", ""): 557056,
    ("container_memory_rss", ""): 110592,
    ("container_memory_cache", ""): 405504,
    ("container_network_receive_bytes_total", "eth0"): 5338,
    ("container_network_receive_packets_total", "eth0"): 36,
    ("container_network_receive_errors_total", "eth0"): 2,
    ("container_network_receive_packets_dropped_total", "eth0"): 1,
    ("container_network_transmit_bytes_total", "eth0"): 648,
    ("container_network_transmit_packets_total", "eth0"): 8,
    ("container_network_transmit_errors_total", "eth0"): 4,
    ("container_network_transmit_packets_dropped_total", "eth0"): 3,
    ("container_fs_reads_bytes_total", "999:16"): 4096,
    ("container_fs_writes_bytes_total", "999:16"): 8192,
    ("container_threads", ""): 2,
    ("container_threads_max", ""): math.inf,
    ("container_last_seen", ""): 5,
}


@pytest.mark.parametrize("answer", [V1, V2], ids=["v1", "v2"])
def test_both_cgroup_versions_are_told_alike(answer: dict[str, Any]) -> None:
    assert told(answer) == EXPECTED


def test_a_limit_of_threads_is_told() -> None:
    assert told(V1 | {"pids_stats": {"current": 2, "limit": 100}})["container_threads_max", ""] == 100


def test_a_container_without_network_has_no_interfaces() -> None:
    found = told({key: value for key, value in V1.items() if key != "networks"})
    assert not [name for name, _ in found if name.startswith("container_network")]


def test_a_daemon_that_leaves_out_the_details_of_memory_is_understood() -> None:
    """As `docker stats` and cAdvisor have it: without a word on the cache all of it counts as used."""
    found = told(V1 | {"memory_stats": {"usage": 4096, "stats": None}})
    assert found["container_memory_working_set_bytes", ""] == found["container_memory_usage_bytes", ""] == 4096
    assert found.keys() == EXPECTED.keys() - {("container_memory_rss", ""), ("container_memory_cache", "")}


MEMORY = {f"container_memory_{one}" for one in ("usage_bytes", "working_set_bytes", "rss", "cache")}
CPU = {f"container_cpu_{one}_seconds_total" for one in ("usage", "user", "system")}
CFS = {f"container_cpu_cfs_{one}_total" for one in ("periods", "throttled_periods", "throttled_seconds")}
NETWORK = {name for name, _ in EXPECTED if name.startswith("container_network_")}
DISK = {"container_fs_reads_bytes_total", "container_fs_writes_bytes_total"}
THREADS = {"container_threads", "container_threads_max"}
UNKNOWN: list[object] = [None, "7", True, -1, [], {}]
PARTS: dict[tuple[str, ...], set[str]] = {  # a member of the answer → the series that go with it
    ("memory_stats",): MEMORY,
    ("memory_stats", "usage"): {"container_memory_usage_bytes", "container_memory_working_set_bytes"},
    ("memory_stats", "stats"): {"container_memory_rss", "container_memory_cache"},
    ("memory_stats", "stats", "anon"): {"container_memory_rss"},
    ("memory_stats", "stats", "file"): {"container_memory_cache"},
    ("cpu_stats",): CPU | CFS,
    ("cpu_stats", "cpu_usage"): CPU,
    ("cpu_stats", "cpu_usage", "total_usage"): {"container_cpu_usage_seconds_total"},
    ("cpu_stats", "cpu_usage", "usage_in_kernelmode"): {"container_cpu_system_seconds_total"},
    ("cpu_stats", "throttling_data"): CFS,
    ("cpu_stats", "throttling_data", "periods"): {"container_cpu_cfs_periods_total"},
    ("networks",): NETWORK,
    ("networks", "eth0"): NETWORK,
    ("networks", "eth0", "rx_bytes"): {"container_network_receive_bytes_total"},
    ("blkio_stats",): DISK,
    ("blkio_stats", "io_service_bytes_recursive"): DISK,
    ("blkio_stats", "io_service_bytes_recursive", "0"): {"container_fs_reads_bytes_total"},
    ("blkio_stats", "io_service_bytes_recursive", "1", "value"): {"container_fs_writes_bytes_total"},
    ("pids_stats",): THREADS,
    ("pids_stats", "limit"): {"container_threads_max"},
}


ZEROS: dict[str, tuple[Any, set[str]]] = {  # as podman and old daemons have it where there is no such control group
    "memory": ({"memory_stats": {"usage": 0, "max_usage": 0, "limit": 0, "stats": {"anon": 0, "file": 0}}}, MEMORY),
    "pids": ({"pids_stats": {"current": 0, "limit": 0}}, THREADS),
}


@pytest.mark.parametrize("kind", ZEROS)
def test_what_no_container_that_runs_can_have_none_of_was_not_measured_if_it_is_0(kind: str) -> None:
    members, gone = ZEROS[kind]
    assert {name for name, _ in EXPECTED} - {name for name, _ in told(V2 | members)} == gone


@pytest.mark.parametrize("value", UNKNOWN, ids=repr)
@pytest.mark.parametrize("path", PARTS, ids=".".join)
def test_what_was_not_measured_has_no_series_and_takes_no_other_with_it(path: tuple[str, ...], value: object) -> None:
    answer = orjson.loads(orjson.dumps(V2))
    *parents, last = path
    inner: Any = answer
    for one in parents:
        inner = inner[int(one) if isinstance(inner, list) else one]
    inner[int(last) if isinstance(inner, list) else last] = value
    assert {name for name, _ in EXPECTED} - {name for name, _ in told(answer)} == PARTS[path]


@pytest.mark.parametrize("part", ["cpu_stats", "memory_stats", "blkio_stats", "pids_stats", "networks"])
def test_what_is_left_out_has_no_series_either(part: str) -> None:
    found = told({key: value for key, value in V1.items() if key != part})
    assert {name for name, _ in EXPECTED} - {name for name, _ in found} == PARTS[part,]


def test_cpu_of_0_was_not_measured_for_who_runs_has_used_some() -> None:
    """A daemon writes 0 for a control group that it has not."""
    found = told(V2 | {"cpu_stats": STOPPED["cpu_stats"]})
    assert {name for name, _ in EXPECTED} - {name for name, _ in found} == CPU | CFS
    assert found["container_memory_usage_bytes", ""] == 827392


def test_a_measure_of_0_is_told() -> None:
    throttled = {"periods": 0, "throttled_periods": 0, "throttled_time": 0}
    found = told(V2 | {"cpu_stats": V2["cpu_stats"] | {"throttling_data": throttled}})
    assert [found[name, ""] for name in CFS] == [0, 0, 0]


@pytest.mark.parametrize("answer", [STOPPED, {}, {"read": None, "memory_stats": {}}])
def test_nothing_is_told_of_a_container_that_does_not_run(answer: dict[str, Any]) -> None:
    assert usage.block(WEB, orjson.dumps(answer), now=5.0) is None


@pytest.mark.parametrize("answer", [b"", b"[]", b"null", b"7", b'"\xff"', b'{"read":', b"[" * 100_000])
def test_what_is_no_stats_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):
        usage.block(WEB, answer, now=5.0)


def test_names_and_images_are_others_words() -> None:
    odd = Container(id="c0ffee", name='we"b\n', state="running", image="x" * 5000)
    block = usage.block(odd, orjson.dumps(V1), now=5.0)
    assert block is not None
    assert all(lines.count(b"\n") == lines.count(b'name="we\\"b\\n"') for lines in block)
    assert max(len(line) for lines in block for line in lines.splitlines()) < 400
