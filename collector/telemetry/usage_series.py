"""The series of what a container uses, under cAdvisor's names and labels (cadvisor/docs/storage/prometheus.md)."""

from collector.telemetry.series import ALL

_counter, _gauge, _histogram = ALL.counter, ALL.gauge, ALL.histogram

_CGROUP = ("id", "name", "image")

CPU_USAGE = _counter("container_cpu_usage_seconds_total", "CPU time used by the container", *_CGROUP, "cpu")
CPU_USER = _counter("container_cpu_user_seconds_total", "CPU time used by the container in user mode", *_CGROUP)
CPU_SYSTEM = _counter("container_cpu_system_seconds_total", "CPU time used by the container in kernel mode", *_CGROUP)
CFS_PERIODS = _counter("container_cpu_cfs_periods_total", "Elapsed CPU quota periods (CFS) of the container", *_CGROUP)
CFS_THROTTLED = _counter(
    "container_cpu_cfs_throttled_periods_total",
    "CPU quota periods (CFS) in which the container was throttled",
    *_CGROUP,
)
CFS_THROTTLED_SECONDS = _counter(
    "container_cpu_cfs_throttled_seconds_total", "Time that the container was throttled", *_CGROUP
)
MEMORY_USAGE = _gauge("container_memory_usage_bytes", "Memory used by the container, including file cache", *_CGROUP)
MEMORY_WORKING_SET = _gauge(
    "container_memory_working_set_bytes", "Memory used by the container, without inactive file cache", *_CGROUP
)
MEMORY_RSS = _gauge("container_memory_rss", "Anonymous memory of the container, in bytes", *_CGROUP)
MEMORY_CACHE = _gauge("container_memory_cache", "File cache of the container, in bytes", *_CGROUP)
MEMORY_LIMIT = _gauge("container_spec_memory_limit_bytes", "Memory limit of the container; 0 without a limit", *_CGROUP)
OOM_EVENTS = _counter("container_oom_events_total", "Out-of-memory events of the container", *_CGROUP)
NETWORK = {
    (direction, what): _counter(
        f"container_network_{direction}_{what}_total", f"{words} {way} by the container", *_CGROUP, "interface"
    )
    for direction, way in (("receive", "received"), ("transmit", "sent"))
    for what, words in (
        ("bytes", "Bytes"),
        ("packets", "Packets"),
        ("errors", "Packets with errors"),
        ("packets_dropped", "Dropped packets"),
    )
}
FS_READS = _counter("container_fs_reads_bytes_total", "Bytes that the container read from a device", *_CGROUP, "device")
FS_WRITES = _counter(
    "container_fs_writes_bytes_total", "Bytes that the container wrote to a device", *_CGROUP, "device"
)
THREADS = _gauge("container_threads", "Threads of the container", *_CGROUP)
THREADS_MAX = _gauge(
    "container_threads_max", "Maximum number of threads of the container; +Inf without a limit", *_CGROUP
)
START_TIME = _gauge("container_start_time_seconds", "Unix time at which the container started", *_CGROUP)
LAST_SEEN = _gauge(
    "container_last_seen", "Unix time at which the agent last read the resource usage of the container", *_CGROUP
)
HEALTH_STATE = _gauge(
    "container_health_state", "Health: 1 healthy, 0 starting or unhealthy, -1 no health check", *_CGROUP
)
