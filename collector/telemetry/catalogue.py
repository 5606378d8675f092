"""Every exported series with its labels and meaning: the only place where one is declared.

Names end in their unit; counters in `_total`. `pilotfish_*` and `process_*` tell of the agent, `docker_*` of the daemon
and what it says of its containers, `container_*` of what containers use, under cAdvisor's names and with its labels
(cadvisor/docs/storage/prometheus.md). `name` is the container's name, `output` the name in the configuration.
"""

from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge", "histogram"]
Across = Literal["sum", "least", "most"]


class Series(NamedTuple):
    """One exported series; `across` says what several workers' numbers make together."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    across: Across = "sum"

    @property
    def family(self) -> str:
        """What OpenMetrics calls it: a counter's name is without `_total`."""
        return self.name.removesuffix("_total") if self.kind == "counter" else self.name

    @property
    def unit(self) -> str:
        """`bytes`, `seconds` or "": its name ends with it."""
        return next((unit for unit in ("bytes", "seconds") if self.family.endswith(f"_{unit}")), "")


def _counter(name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
    return Series(name, "counter", help, labels, across)


def _gauge(name: str, help: str, *labels: str, across: Across = "sum") -> Series:  # noqa: A002
    return Series(name, "gauge", help, labels, across)


def _histogram(name: str, help: str, *labels: str) -> Series:  # noqa: A002
    return Series(name, "histogram", help, labels)


# ---------------------------------------------------------------------- the agent

BUILD_INFO = _gauge("pilotfish_build_info", "1, with the version", "version", "python", across="most")

DOCUMENTS_READ = _counter("pilotfish_documents_read_total", "Documents read from logs, after joining", "output")
DOCUMENTS_SETTLED = _counter(
    "pilotfish_documents_settled_total",
    "Documents that are done with: acknowledged, duplicate (there before) or dead_lettered",
    *("output", "result"),
)
DOCUMENTS_DROPPED = _counter(
    "pilotfish_documents_dropped_total",
    "Documents given up, by reason: dead_letters_full (counted as dead_lettered before), spool_corrupt (at least), "
    "stopped (on their way at the agent's last stop, of log files that were removed)",
    *("output", "reason"),
)
DOCUMENTS_SPOOLED = _counter(
    "pilotfish_documents_spooled_total", "Documents put into the spool, as the output was away", "output"
)
DOCUMENTS_RECOVERED = _counter("pilotfish_documents_recovered_total", "Documents taken back from the spool", "output")
DOCUMENTS_REPLAYED = _counter("pilotfish_documents_replayed_total", "Dead letters that were sent once more", "output")
DOCUMENTS_IN_FLIGHT = _gauge(
    "pilotfish_documents_in_flight", "Documents read, recovered or replayed and not yet settled", "output"
)
IN_FLIGHT_BYTES = _gauge("pilotfish_in_flight_bytes", "Their size, as far as they are in memory", "output")
IN_FLIGHT_CAPACITY = _gauge(
    "pilotfish_in_flight_capacity_bytes", "Documents on their way that memory is kept for; then reading waits", "output"
)
DOCUMENTS_RETRIED = _counter(
    "pilotfish_documents_retried_total", "Documents sent again because the destination was busy", "output"
)
DELIVERY_LATENCY = _histogram(
    "pilotfish_delivery_latency_seconds",
    "From the time of a line to its acknowledgement, in documents; that of the last line of a segment tells for all",
    "output",
)
SPOOL_BYTES = _gauge("pilotfish_spool_bytes", "Size of the spool on disk", "output")
SPOOL_CAPACITY = _gauge("pilotfish_spool_capacity_bytes", "Size that the spool may have; 0 without one", "output")
SPOOL_ERRORS = _counter(
    "pilotfish_spool_errors_total",
    "Times that the spool was full or could not be written or read: reading waits then, nothing is lost",
    "output",
)
READ_BYTES = _counter("pilotfish_read_bytes_total", "Bytes of log lines read", "output")
PARSE_ERRORS = _counter(
    "pilotfish_parse_errors_total", "Lines that were not in Docker's form and shipped as plain text", "output"
)
READING_PAUSED = _gauge(
    "pilotfish_reading_paused", "1 while a log that was read waits for room: back-pressure", "output", across="most"
)
REQUESTS = _counter(
    "pilotfish_requests_total",
    "Batches sent, by what came of it: ok, unavailable, unauthorized or refused",
    *("output", "result"),
)
REQUEST_SECONDS = _histogram("pilotfish_request_duration_seconds", "Time from sending a batch to its receipt", "output")
CONCURRENCY_LIMIT = _gauge(
    "pilotfish_concurrency_limit", "Batches that may be under way now, by how fast they are answered", "output"
)
OUTPUT_UP = _gauge("pilotfish_output_up", "1 if the output took the last batch", "output", across="least")
TARGETS_WAITING = _gauge(
    "pilotfish_targets_waiting", "Targets whose documents wait for the operator (closed index, block …)", "output"
)
LAST_ACKNOWLEDGED = _gauge(
    "pilotfish_last_acknowledged_timestamp_seconds", "When the output last took a document", "output", across="most"
)
POSITIONS_SAVED = _gauge(
    "pilotfish_positions_saved_timestamp_seconds",
    "When all positions were last on disk",
    "output",
    across="least",
)
POSITION_ERRORS = _counter("pilotfish_positions_errors_total", "Positions that could not be saved", "output")
HELD_BYTES = _gauge(
    "pilotfish_held_bytes", "Bytes of removed log files that are kept open until they are read", "output"
)
OPEN_FILES = _gauge("pilotfish_open_files", "Log files that are open", "output")
FILES_ROTATED = _counter("pilotfish_files_rotated_total", "Log files read to their end and left", "output")
FILES_TRUNCATED = _counter(
    "pilotfish_files_truncated_total", "Log files that were cut in place and begin anew", "output"
)
ROTATION_GAPS = _counter(
    "pilotfish_rotation_gaps_total",
    "Log files that were removed or rotated away before they were read, as far as they are known",
    "output",
)
TORN_LINES = _counter(
    "pilotfish_torn_lines_total",
    "Log lines with NUL bytes before or in them, as a power loss leaves them: the NUL bytes are left out",
    "output",
)
LOST_BYTES = _counter("pilotfish_lost_bytes_total", "Bytes that are known to be lost unread", "output")
EVENTS_LOST = _counter(
    "pilotfish_docker_events_lost_total", "Docker events that are not delivered: an output was away too long", "output"
)
EVENT_LOOP_LAG = _histogram("pilotfish_event_loop_lag_seconds", "How much too late a timer of the agent is called")
LOG_MESSAGES = _counter("pilotfish_log_messages_total", "Lines of the agent's own log", "level")
COLLECTOR_SUCCESS = _gauge(
    "pilotfish_collector_success",
    "1 if the last look succeeded: at engine, stats, log_files or disk_usage",
    "collector",
)
COLLECTOR_SECONDS = _gauge("pilotfish_collector_duration_seconds", "How long that look took", "collector")
CONTAINERS_OMITTED = _gauge(
    "pilotfish_metrics_containers_omitted", "Containers without series of their own, as metrics.max_containers is less"
)
TARGETS = _gauge("pilotfish_targets", "Targets that labels and environment of containers name", across="most")
TARGETS_LIMIT = _gauge("pilotfish_targets_limit", "Targets that they may name together: max_targets", across="most")

# ---------------------------------------------------------------------- the agent, container by container

BACKLOG_BYTES = _gauge(
    "pilotfish_backlog_bytes", "Bytes of a container's log on disk that were not read yet", "output", "name"
)
CONTAINER_DOCUMENTS = _counter(
    "pilotfish_container_documents_read_total", "Documents read from a container's log", "output", "name"
)
CONTAINER_READ_BYTES = _counter(
    "pilotfish_container_read_bytes_total", "Bytes read from a container's log", "output", "name"
)
NOT_FOLLOWED = _gauge(
    "pilotfish_container_not_followed",
    "1 for a container whose log should be followed and is not: driver, label, undescribed or unreadable; "
    "and for a folder of the log tree that is a symbolic link: link",
    *("name", "reason"),
    across="most",
)

# ---------------------------------------------------------------------- the agent's processes

PROCESS_CPU = _counter("process_cpu_seconds_total", "User and system CPU time")
PROCESS_MEMORY = _gauge("process_resident_memory_bytes", "Resident memory")
PROCESS_VIRTUAL = _gauge("process_virtual_memory_bytes", "Virtual memory")
PROCESS_FDS = _gauge("process_open_fds", "Open file descriptors")
PROCESS_MAX_FDS = _gauge("process_max_fds", "Open file descriptors that are allowed", across="least")
PROCESS_START = _gauge("process_start_time_seconds", "When it was started, since 1970", across="least")

# ---------------------------------------------------------------------- the daemon

DOCKER_UP = _gauge("docker_up", "1 if the daemon (or the log tree) answers", across="least")
DOCKER_INFO = _gauge(
    "docker_info",
    "1, with the engine's versions and drivers",
    *("version", "api_version", "os", "kernel", "storage_driver", "logging_driver", "cgroup_driver", "cgroup_version"),
)
DOCKER_CPUS = _gauge("docker_cpus", "Processors of the host")
DOCKER_MEMORY = _gauge("docker_memory_bytes", "Memory of the host")
DOCKER_IMAGES = _gauge("docker_images", "Images on the host")
DOCKER_WARNINGS = _gauge("docker_warnings", "Warnings of the engine about its host: see `docker info`")
DOCKER_CONTAINERS = _gauge("docker_containers", "Containers by state", "state")
DOCKER_EVENTS = _counter("docker_events_total", "Container events received from the daemon", "action")
EVENTS_CONNECTED = _gauge("docker_events_connected", "1 while the daemon's event stream is open")
EVENTS_RECONNECTS = _counter("docker_events_reconnects_total", "Times that the event stream was opened anew")
CONTAINERS_MISSED = _counter(
    "docker_containers_missed_total", "Containers that were gone before they could be looked at"
)
API_REQUESTS = _counter(
    "docker_api_requests_total",
    "Requests to the Engine API, by status, or `error` without an answer",
    *("operation", "code"),
)
API_SECONDS = _histogram("docker_api_request_duration_seconds", "Time that the Engine API took to answer", "operation")
DISK_USAGE = _gauge(
    "docker_disk_usage_bytes", "Disk used, by images, containers, volumes or build_cache (metrics.disk_usage)", "type"
)
DISK_RECLAIMABLE = _gauge("docker_disk_reclaimable_bytes", "Disk of it that nothing uses", "type")

# ---------------------------------------------------------------------- what the daemon says of a container

CONTAINER_INFO = _gauge(
    "docker_container_info",
    "1, with what a container is",
    *(
        "name",
        "id",
        "image",
        "image_id",
        "compose_project",
        "compose_service",
        "stack",
        "service",
        "task",
        "log_driver",
    ),
)
CONTAINER_STATE = _gauge("docker_container_state", "1 for the state that a container is in", "name", "state")
CONTAINER_HEALTH = _gauge(
    "docker_container_health_status",
    "1 for the status of a container's health check: starting, healthy, unhealthy or none",
    *("name", "status"),
)
CONTAINER_FAILING_STREAK = _gauge(
    "docker_container_health_failing_streak", "Health checks that failed in a row", "name"
)
CONTAINER_HEALTH_CHECKED = _gauge(
    "docker_container_health_last_check_timestamp_seconds", "When a container's health check last ended", "name"
)
CONTAINER_HEALTH_DUE = _gauge(
    "docker_container_health_check_due_timestamp_seconds",
    "When a health check must have ended again: two intervals and a timeout after the last one, or after the start",
    "name",
)
CONTAINER_HEALTH_TRANSITIONS = _counter(
    "docker_container_health_transitions_total", "Times that a container's health became so", "name", "status"
)
CONTAINER_RESTARTS = _counter(
    "docker_container_restarts_total",
    "Times that the daemon restarted a container by its restart policy, since somebody started it last",
    "name",
)
CONTAINER_EXITS = _counter(
    "docker_container_exits_total",
    "Ends of a container: ok (0), signal (was told to end: HUP, INT, QUIT, KILL, TERM), oom, or error (all else)",
    *("name", "kind"),
)
CONTAINER_EXIT_CODE = _gauge("docker_container_last_exit_code", "Exit code of a container's last end", "name")
CONTAINER_START_FAILED = _gauge(
    "docker_container_start_failed",
    "1 if the daemon could not start a container when it was last told to; the agent's log has its reason",
    "name",
)
CONTAINER_OOM_KILLED = _gauge("docker_container_oom_killed", "1 if memory ran out in its present or last run", "name")
CONTAINER_CREATED = _gauge("docker_container_created_timestamp_seconds", "When a container was made", "name")
CONTAINER_STARTED = _gauge("docker_container_started_timestamp_seconds", "When it was last started", "name")
CONTAINER_FINISHED = _gauge("docker_container_finished_timestamp_seconds", "When it last ended", "name")
CONTAINER_LOG_BYTES = _gauge("docker_container_log_file_bytes", "Size of a container's log files on disk", "name")
CONTAINER_LOG_LIMIT = _gauge(
    "docker_container_log_limit_bytes", "Size that they may have: max-size times max-file, +Inf without a limit", "name"
)

# ---------------------------------------------------------------------- what a container uses

_CGROUP = ("id", "name", "image")

CPU_USAGE = _counter("container_cpu_usage_seconds_total", "CPU time used", *_CGROUP, "cpu")
CPU_USER = _counter("container_cpu_user_seconds_total", "CPU time used outside the kernel", *_CGROUP)
CPU_SYSTEM = _counter("container_cpu_system_seconds_total", "CPU time used in the kernel", *_CGROUP)
CFS_PERIODS = _counter("container_cpu_cfs_periods_total", "Periods in which the CPU was shared out", *_CGROUP)
CFS_THROTTLED = _counter("container_cpu_cfs_throttled_periods_total", "Periods in which it was throttled", *_CGROUP)
CFS_THROTTLED_SECONDS = _counter("container_cpu_cfs_throttled_seconds_total", "Time that it was throttled", *_CGROUP)
MEMORY_USAGE = _gauge("container_memory_usage_bytes", "Memory used, the file cache included", *_CGROUP)
MEMORY_WORKING_SET = _gauge(
    "container_memory_working_set_bytes", "Memory used, without the file cache that is inactive", *_CGROUP
)
MEMORY_RSS = _gauge("container_memory_rss", "Anonymous memory, in bytes", *_CGROUP)
MEMORY_CACHE = _gauge("container_memory_cache", "File cache, in bytes", *_CGROUP)
MEMORY_LIMIT = _gauge("container_spec_memory_limit_bytes", "Memory that it may use; 0 without a limit", *_CGROUP)
OOM_EVENTS = _counter("container_oom_events_total", "Times that the kernel found no memory for it", *_CGROUP)
NETWORK = {
    (direction, what): _counter(
        f"container_network_{direction}_{what}_total", f"Network, {way}: {words}", *_CGROUP, "interface"
    )
    for direction, way in (("receive", "inwards"), ("transmit", "outwards"))
    for what, words in (
        ("bytes", "bytes"),
        ("packets", "packets"),
        ("errors", "errors"),
        ("packets_dropped", "packets that were dropped"),
    )
}
FS_READS = _counter("container_fs_reads_bytes_total", "Bytes read from a device", *_CGROUP, "device")
FS_WRITES = _counter("container_fs_writes_bytes_total", "Bytes written to a device", *_CGROUP, "device")
THREADS = _gauge("container_threads", "Threads", *_CGROUP)
THREADS_MAX = _gauge("container_threads_max", "Threads that it may have; +Inf without a limit", *_CGROUP)
START_TIME = _gauge("container_start_time_seconds", "When it was started, since 1970", *_CGROUP)
LAST_SEEN = _gauge("container_last_seen", "When its use was last looked at, in seconds since 1970", *_CGROUP)
HEALTH_STATE = _gauge(
    "container_health_state", "1 healthy, 0 starting or unhealthy, -1 without a health check", *_CGROUP
)

ALL = tuple(
    each
    for value in list(globals().values())
    for each in (value.values() if isinstance(value, dict) else [value])
    if isinstance(each, Series)
)
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTH = ("none", "starting", "healthy", "unhealthy")
