"""Answers of `GET /containers/{id}/stats?stream=false&one-shot=true`, cut to what is read, by cgroup version."""

from typing import Any

NETWORKS = {
    "eth0": {
        "rx_bytes": 5338,
        "rx_dropped": 1,
        "rx_errors": 2,
        "rx_packets": 36,
        "tx_bytes": 648,
        "tx_dropped": 3,
        "tx_errors": 4,
        "tx_packets": 8,
    }
}
# Docker 20.10 on cgroup v1, of a container with 64 MiB and a fifth of a processor.
V1: dict[str, Any] = {
    "read": "2026-11-25T16:09:27.499Z",
    "pids_stats": {"current": 2},
    "networks": NETWORKS,
    "memory_stats": {
        "usage": 827392,
        "max_usage": 1036288,
        "stats": {"cache": 1, "total_cache": 405504, "rss": 1, "total_rss": 110592, "total_inactive_file": 270336},
        "limit": 67108864,
    },
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 999, "minor": 16, "op": "Read", "value": 4096},
            {"major": 999, "minor": 16, "op": "Write", "value": 8192},
            {"major": 999, "minor": 16, "op": "Sync", "value": 1},
            {"major": 999, "minor": 16, "op": "Total", "value": 12288},
        ],
        "io_serviced_recursive": [],
    },
    "cpu_stats": {
        "cpu_usage": {
            "total_usage": 40386273,
            "percpu_usage": [19386273, 21000000],
            "usage_in_kernelmode": 30000000,
            "usage_in_usermode": 10000000,
        },
        "system_cpu_usage": 9492140000000,
        "online_cpus": 2,
        "throttling_data": {"periods": 29, "throttled_periods": 4, "throttled_time": 250000000},
    },
}
# The same on cgroup v2: other names in `stats`, operations in lower case, no limit told as the largest number.
V2: dict[str, Any] = V1 | {
    "pids_stats": {"current": 2, "limit": 18446744073709551615},
    "memory_stats": {
        "usage": 827392,
        "stats": {"anon": 110592, "file": 405504, "inactive_file": 270336, "active_file": 135168},
        "limit": 67108864,
    },
    "blkio_stats": {
        "io_service_bytes_recursive": [
            {"major": 999, "minor": 16, "op": "read", "value": 4096},
            {"major": 999, "minor": 16, "op": "write", "value": 8192},
        ],
        "io_serviced_recursive": None,
    },
}
# Of a container that does not run.
STOPPED: dict[str, Any] = {
    "read": "0001-01-01T00:00:00Z",
    "pids_stats": {},
    "memory_stats": {},
    "blkio_stats": {"io_service_bytes_recursive": None},
    "cpu_stats": {"cpu_usage": {"total_usage": 0, "usage_in_kernelmode": 0, "usage_in_usermode": 0}},
}
