"""Every exported series with its labels and meaning: the only place where one is declared.

Names end in their unit; counters in `_total`. `pilotfish_*` and `process_*` describe the agent, `docker_*` the
daemon and what it reports of its containers, `container_*` what containers use, under cAdvisor's names and labels
(cadvisor/docs/storage/prometheus.md). `name` is the container's name, `output` the name in the configuration.
"""

from collector.telemetry import usage_series as usage_series  # so that `ALL` has them
from collector.telemetry.series import ALL as ALL

_counter, _gauge, _histogram = ALL.counter, ALL.gauge, ALL.histogram

# ---------------------------------------------------------------------- the agent

BUILD_INFO = _gauge(
    "pilotfish_build_info", "1, with the versions of the agent and of Python", "version", "python", across="most"
)

DOCUMENTS_READ = _counter(
    "pilotfish_documents_read_total", "Documents read from log files; a line that Docker split counts as one", "output"
)
DOCUMENTS_SETTLED = _counter(
    "pilotfish_documents_settled_total",
    "Documents with a final result: acknowledged, duplicate (the output already had it), dead_lettered, or fallback "
    "(the fallback of the output accepted it)",
    *("output", "result"),
)
DOCUMENTS_TAKEN_OVER = _counter(
    "pilotfish_documents_taken_over_total",
    "Documents taken from an output that was unavailable and has this one as its fallback; they count as read too",
    "output",
)
DOCUMENTS_DROPPED = _counter(
    "pilotfish_documents_dropped_total",
    "Lost documents by reason. dead_letters_full: deleted to make room for newer dead letters, and counted as "
    "dead_lettered before; spool_corrupt: unreadable in the spool, a lower bound; stopped: in flight when the agent "
    "last stopped, and their log files no longer exist",
    *("output", "reason"),
)
DOCUMENTS_FILTERED = _counter(
    "pilotfish_documents_filtered_total",
    "Documents left out on purpose, by the rule that matched; they count as read and are not lost",
    *("output", "rule"),
)
DOCUMENTS_SPOOLED = _counter(
    "pilotfish_documents_spooled_total", "Documents written to the spool because the output was unavailable", "output"
)
DOCUMENTS_RECOVERED = _counter("pilotfish_documents_recovered_total", "Documents read back from the spool", "output")
DOCUMENTS_REPLAYED = _counter("pilotfish_documents_replayed_total", "Dead letters that were sent again", "output")
DOCUMENTS_IN_FLIGHT = _gauge(
    "pilotfish_documents_in_flight", "Documents read, recovered or replayed that have no result yet", "output"
)
IN_FLIGHT_BYTES = _gauge(
    "pilotfish_in_flight_bytes", "Size of the documents in flight that are in memory, in bytes", "output"
)
IN_FLIGHT_CAPACITY = _gauge(
    "pilotfish_in_flight_capacity_bytes", "Maximum size of documents in flight; reading pauses above it", "output"
)
DOCUMENTS_RETRIED = _counter(
    "pilotfish_documents_retried_total", "Documents sent again because the output was too busy to accept them", "output"
)
DELIVERY_LATENCY = _histogram(
    "pilotfish_delivery_latency_seconds",
    "Time from log timestamp to acknowledgement, per document (sampled once per segment)",
    "output",
)
SPOOL_BYTES = _gauge("pilotfish_spool_bytes", "Size of the spool on disk", "output")
SPOOL_CAPACITY = _gauge(
    "pilotfish_spool_capacity_bytes", "Maximum size of the spool; 0 if the output has no spool", "output"
)
SPOOL_ERRORS = _counter(
    "pilotfish_spool_errors_total",
    "Times that the spool was full or failed on disk; reading pauses and nothing is lost",
    "output",
)
ALERT_RULES = _gauge("pilotfish_alert_rules", "Alert rules in effect", across="most")
ALERT_NOTIFICATIONS = _counter(
    "pilotfish_alert_notifications_total",
    "Attempts to send a notification by outcome: sent, unavailable (tried again for a day) or refused (given up); "
    "the rule is empty for one that reports how many were held back",
    *("rule", "receiver", "outcome"),
)
ALERT_PENDING = _gauge("pilotfish_alert_notifications_pending", "Notifications that wait for their receiver")
ALERT_SKIPPED = _counter(
    "pilotfish_alert_documents_skipped_total", "Documents that no alert rule has looked at because they came too fast"
)
READ_BYTES = _counter("pilotfish_read_bytes_total", "Bytes read from log files", "output")
PARSE_ERRORS = _counter(
    "pilotfish_parse_errors_total",
    "Lines not in Docker's json-file format, delivered as plain text, or not in UTF-8, delivered with U+FFFD",
    "output",
)
READING_PAUSED = _gauge(
    "pilotfish_reading_paused", "1 while reading waits for room in memory (backpressure)", "output", across="most"
)
REQUESTS = _counter(
    "pilotfish_requests_total", "Batches by result: ok, unavailable, unauthorized or refused", *("output", "result")
)
REQUEST_SECONDS = _histogram(
    "pilotfish_request_duration_seconds", "Time from sending a batch to the answer of the output", "output"
)
CONCURRENCY_LIMIT = _gauge(
    "pilotfish_concurrency_limit", "Current limit of concurrent batches, lowered when the output slows down", "output"
)
OUTPUT_UP = _gauge("pilotfish_output_up", "1 if the output accepted the last batch", "output", across="least")
TARGETS_WAITING = _gauge(
    "pilotfish_targets_waiting", "Targets whose documents wait for an operator, as with a closed index", "output"
)
LAST_ACKNOWLEDGED = _gauge(
    "pilotfish_last_acknowledged_timestamp_seconds", "Unix time of the last accepted document", "output", across="most"
)
POSITIONS_SAVED = _gauge(
    "pilotfish_positions_saved_timestamp_seconds",
    "Unix time at which all positions were last saved",
    "output",
    across="least",
)
POSITION_ERRORS = _counter("pilotfish_positions_errors_total", "Failed attempts to save positions to disk", "output")
HELD_BYTES = _gauge(
    "pilotfish_held_bytes", "Size of removed log files that the agent keeps open until it has read them", "output"
)
OPEN_FILES = _gauge("pilotfish_open_files", "Log files that the agent has open", "output")
FILES_ROTATED = _counter(
    "pilotfish_files_rotated_total", "Rotated log files that the agent has read to their end and closed", "output"
)
FILES_TRUNCATED = _counter(
    "pilotfish_files_truncated_total", "Log files that were truncated in place and are read from their start", "output"
)
ROTATION_GAPS = _counter(
    "pilotfish_rotation_gaps_total",
    "Log files that were removed before they were read, as far as known; their lines are lost",
    "output",
)
TORN_LINES = _counter(
    "pilotfish_torn_lines_total", "Log lines with NUL bytes, as after a power loss; the NUL bytes are removed", "output"
)
LOST_BYTES = _counter("pilotfish_lost_bytes_total", "Bytes known to be lost before they were read", "output")
EVENTS_LOST = _counter(
    "pilotfish_docker_events_lost_total",
    "Docker events discarded because the output was unavailable for too long",
    "output",
)
EVENT_LOOP_LAG = _histogram("pilotfish_event_loop_lag_seconds", "Event-loop delay: how late the agent's timers fire")
LOG_MESSAGES = _counter("pilotfish_log_messages_total", "Messages in the agent's own log, by level", "level")
CONFIG_RELOADS = _counter(
    "pilotfish_config_reloads_total", "Reloads of the configuration (SIGHUP) by result: ok or failed", "result"
)
CONFIG_SUCCESSFUL = _gauge(
    "pilotfish_config_last_reload_successful", "1 unless the last reload of the configuration failed", across="least"
)
CONFIG_LOADED = _gauge(
    "pilotfish_config_last_reload_success_timestamp_seconds",
    "Unix time at which the agent last loaded a valid configuration, at its start or by a reload",
    across="most",
)
COLLECTOR_SUCCESS = _gauge(
    "pilotfish_collector_success",
    "1 if the last run of this collector succeeded: engine, stats, log_files or disk_usage",
    "collector",
)
COLLECTOR_SECONDS = _gauge(
    "pilotfish_collector_duration_seconds",
    "Duration of the last run of this collector: engine, stats, log_files or disk_usage",
    "collector",
)
CONTAINERS_OMITTED = _gauge(
    "pilotfish_metrics_containers_omitted", "Containers without series of their own, because of metrics.max_containers"
)
TARGETS = _gauge("pilotfish_targets", "Targets named by labels and environment variables of containers", across="most")
TARGETS_LIMIT = _gauge(
    "pilotfish_targets_limit", "Maximum number of targets that containers may name (max_targets)", across="most"
)

# ---------------------------------------------------------------------- the agent, container by container

BACKLOG_BYTES = _gauge(
    "pilotfish_backlog_bytes", "Bytes of a container's log files on disk that are not read yet", "output", "name"
)
CONTAINER_DOCUMENTS = _counter(
    "pilotfish_container_documents_read_total", "Documents read from a container's log files", "output", "name"
)
CONTAINER_READ_BYTES = _counter(
    "pilotfish_container_read_bytes_total", "Bytes read from a container's log files", "output", "name"
)
CONTAINER_MISFITS = _counter(
    "pilotfish_container_unparsed_lines_total",
    "Lines of a container that do not fit the format that is set for them; they are delivered as text",
    *("output", "name"),
)
CONTAINER_FILTERED = _counter(
    "pilotfish_container_documents_filtered_total",
    "Documents of a container that settings left out, by rule: include, exclude, level, sample, fold, limit or stream; "
    "of a topic that a relay reads also container, container_id or target",
    *("output", "name", "rule"),
)
CONTAINER_REFUSED_TIMES = _counter(
    "pilotfish_container_refused_times_total",
    "Lines of a container whose own time cannot be read, or is far from Docker's; they have Docker's time",
    *("output", "name"),
)
REDACTIONS = _counter(
    "pilotfish_container_redactions_total",
    "Secrets that were replaced in a container's lines, by the rule that found them; rule withheld: lines that are too "
    "long, or match too often, to be redacted, and were withheld",
    *("output", "name", "rule"),
)
LABEL_FAULTS = _gauge(
    "pilotfish_container_label_faults",
    "Labels, environment variables and rules of a container that have no effect; the agent's log and "
    "`pilotfish check` say why",
    "name",
    across="most",
)
NOT_FOLLOWED = _gauge(
    "pilotfish_container_not_followed",
    "1 if a container's log should be followed and is not. Reasons: driver (not json-file), label (invalid), "
    "undescribed (no usable description of the container), unreadable (log files), link (a symbolic link in the tree)",
    *("name", "reason"),
    across="most",
)

# ---------------------------------------------------------------------- the agent's processes

PROCESS_CPU = _counter("process_cpu_seconds_total", "User and system CPU time of the agent")
PROCESS_MEMORY = _gauge("process_resident_memory_bytes", "Resident memory of the agent")
PROCESS_VIRTUAL = _gauge("process_virtual_memory_bytes", "Virtual memory of the agent")
PROCESS_FDS = _gauge("process_open_fds", "Open file descriptors of the agent")
PROCESS_MAX_FDS = _gauge("process_max_fds", "Maximum number of open file descriptors of the agent", across="least")
PROCESS_START = _gauge("process_start_time_seconds", "Unix time at which the agent started", across="least")

# ---------------------------------------------------------------------- the daemon

DOCKER_UP = _gauge("docker_up", "1 if the Docker daemon answers (or the log tree is readable)", across="least")
DOCKER_INFO = _gauge(
    "docker_info",
    "1, with the versions and drivers of the Docker engine",
    *("version", "api_version", "os", "kernel", "storage_driver", "logging_driver", "cgroup_driver", "cgroup_version"),
)
DOCKER_CPUS = _gauge("docker_cpus", "CPUs of the Docker host")
DOCKER_MEMORY = _gauge("docker_memory_bytes", "Total memory of the Docker host")
DOCKER_IMAGES = _gauge("docker_images", "Images on the Docker host")
DOCKER_WARNINGS = _gauge("docker_warnings", "Warnings of the Docker engine about its host, as `docker info` shows them")
DOCKER_CONTAINERS = _gauge("docker_containers", "Containers by state", "state")
DOCKER_EVENTS = _counter("docker_events_total", "Container events received from the Docker daemon", "action")
EVENTS_CONNECTED = _gauge("docker_events_connected", "1 while the event stream of the Docker daemon is connected")
EVENTS_RECONNECTS = _counter("docker_events_reconnects_total", "Reconnections to the event stream of the Docker daemon")
CONTAINERS_MISSED = _counter(
    "docker_containers_missed_total", "Containers that were removed before the agent could inspect them"
)
API_REQUESTS = _counter(
    "docker_api_requests_total",
    "Requests to the Engine API by HTTP status, or error without an answer",
    *("operation", "code"),
)
API_SECONDS = _histogram("docker_api_request_duration_seconds", "Response time of the Docker Engine API", "operation")
DISK_USAGE = _gauge("docker_disk_usage_bytes", "Disk space used by images, containers, volumes or build_cache", "type")
DISK_RECLAIMABLE = _gauge("docker_disk_reclaimable_bytes", "Disk space that Docker can reclaim from this type", "type")

# ---------------------------------------------------------------------- what the daemon says of a container

CONTAINER_INFO = _gauge(
    "docker_container_info",
    "1, with the image, service, log driver and other properties of a container",
    *("name", "id", "image", "image_id", "compose_project", "compose_service"),
    *("stack", "service", "task", "log_driver"),
)
CONTAINER_STATE = _gauge(
    "docker_container_state", "1 for the current state of a container, 0 for all other states", "name", "state"
)
CONTAINER_HEALTH = _gauge(
    "docker_container_health_status",
    "1 for the current health of a container: starting, healthy, unhealthy or none (no health check)",
    *("name", "status"),
)
CONTAINER_FAILING_STREAK = _gauge(
    "docker_container_health_failing_streak", "Consecutive failed health checks of a container", "name"
)
CONTAINER_HEALTH_CHECKED = _gauge(
    "docker_container_health_last_check_timestamp_seconds", "Unix time of a container's last health check", "name"
)
CONTAINER_HEALTH_DUE = _gauge(
    "docker_container_health_check_due_timestamp_seconds",
    "Unix time by which the next health check must end: two intervals and a timeout after the last one or the start",
    "name",
)
CONTAINER_HEALTH_TRANSITIONS = _counter(
    "docker_container_health_transitions_total", "Changes of a container's health to this status", "name", "status"
)
CONTAINER_RESTARTS = _counter(
    "docker_container_restarts_total",
    "Restarts of a container by its restart policy since it was started by hand",
    "name",
)
CONTAINER_EXITS = _counter(
    "docker_container_exits_total",
    "Exits of a container by kind: ok (code 0), signal (HUP, INT, QUIT, KILL or TERM), oom, or error (all others)",
    *("name", "kind"),
)
CONTAINER_EXIT_CODE = _gauge("docker_container_last_exit_code", "Exit code of a container's last exit", "name")
CONTAINER_START_FAILED = _gauge(
    "docker_container_start_failed", "1 if a container failed to start; the reason is in the agent's log", "name"
)
CONTAINER_OOM_KILLED = _gauge(
    "docker_container_oom_killed", "1 if a container ran out of memory (OOM) in its current or last run", "name"
)
CONTAINER_CREATED = _gauge(
    "docker_container_created_timestamp_seconds", "Unix time at which a container was created", "name"
)
CONTAINER_STARTED = _gauge(
    "docker_container_started_timestamp_seconds", "Unix time at which a container last started", "name"
)
CONTAINER_FINISHED = _gauge(
    "docker_container_finished_timestamp_seconds", "Unix time at which a container last exited", "name"
)
CONTAINER_LOG_BYTES = _gauge(
    "docker_container_log_file_bytes", "Size of a container's log files on disk, rotated files included", "name"
)
CONTAINER_LOG_LIMIT = _gauge(
    "docker_container_log_limit_bytes",
    "Log size limit of a container: max-size times max-file; +Inf without a limit",
    "name",
)

STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTH = ("none", "starting", "healthy", "unhealthy")
