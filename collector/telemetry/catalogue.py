"""Every exported series with its labels and meaning: the only place where one is declared.

Names end in their unit; counters in `_total`. `docker_*` tell of the daemon and its containers, `pilotfish_*` of the
agent. `name` is the container's name, `output` the name in the configuration.
"""

from typing import Literal, NamedTuple


class Series(NamedTuple):
    """One exported series; `across` says what several workers' numbers make together."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    across: Literal["sum", "least", "most"] = "sum"


_OUTPUT = ("output",)

BUILD_INFO = Series("pilotfish_build_info", "gauge", "1, with the version", ("version", "python"), across="most")

DOCUMENTS_READ = Series("pilotfish_documents_read_total", "counter", "Documents read from logs, after joining", _OUTPUT)
DOCUMENTS_SETTLED = Series(
    "pilotfish_documents_settled_total",
    "counter",
    "Documents that are done with: acknowledged, duplicate (there before) or dead_lettered",
    ("output", "result"),
)
DOCUMENTS_DROPPED = Series(
    "pilotfish_documents_dropped_total",
    "counter",
    "Documents given up, by reason: dead_letters_full (counted as dead_lettered before), spool_corrupt (at least)",
    ("output", "reason"),
)
DOCUMENTS_SPOOLED = Series(
    "pilotfish_documents_spooled_total", "counter", "Documents put into the spool, as the output was away", _OUTPUT
)
DOCUMENTS_RECOVERED = Series(
    "pilotfish_documents_recovered_total", "counter", "Documents taken back from the spool", _OUTPUT
)
DOCUMENTS_REPLAYED = Series(
    "pilotfish_documents_replayed_total", "counter", "Dead letters that were sent once more", _OUTPUT
)
SPOOL_BYTES = Series("pilotfish_spool_bytes", "gauge", "Size of the spool on disk", _OUTPUT)
SPOOL_ERRORS = Series(
    "pilotfish_spool_errors_total",
    "counter",
    "Times that the spool was full or could not be written or read: reading waits then, nothing is lost",
    _OUTPUT,
)
DOCUMENTS_IN_FLIGHT = Series(
    "pilotfish_documents_in_flight", "gauge", "Documents read, recovered or replayed and not yet settled", _OUTPUT
)
IN_FLIGHT_BYTES = Series("pilotfish_in_flight_bytes", "gauge", "Their size", _OUTPUT)
DOCUMENTS_RETRIED = Series(
    "pilotfish_documents_retried_total", "counter", "Documents sent again because the destination was busy", _OUTPUT
)
READ_BYTES = Series("pilotfish_read_bytes_total", "counter", "Bytes of log lines read", _OUTPUT)
PARSE_ERRORS = Series(
    "pilotfish_parse_errors_total", "counter", "Lines that were not in Docker's form and shipped as plain text", _OUTPUT
)
REQUESTS = Series(
    "pilotfish_requests_total",
    "counter",
    "Batches sent, by what came of it: ok, unavailable, unauthorized or refused",
    ("output", "result"),
)
REQUEST_SECONDS = Series(
    "pilotfish_request_duration_seconds", "histogram", "Time from sending a batch to its receipt", _OUTPUT
)
CONCURRENCY_LIMIT = Series(
    "pilotfish_concurrency_limit", "gauge", "Batches that may be under way now, by how fast they are answered", _OUTPUT
)
OUTPUT_UP = Series("pilotfish_output_up", "gauge", "1 if the output took the last batch", _OUTPUT, across="least")
TARGETS_WAITING = Series(
    "pilotfish_targets_waiting",
    "gauge",
    "Targets whose documents wait for the operator (closed index, block …)",
    _OUTPUT,
)
LAST_ACKNOWLEDGED = Series(
    "pilotfish_last_acknowledged_timestamp_seconds",
    "gauge",
    "When the output last took a document",
    _OUTPUT,
    across="most",
)
POSITIONS_SAVED = Series(
    "pilotfish_positions_saved_timestamp_seconds",
    "gauge",
    "When the positions were last saved",
    _OUTPUT,
    across="least",
)
POSITION_ERRORS = Series("pilotfish_positions_errors_total", "counter", "Positions that could not be saved", _OUTPUT)
BACKLOG_BYTES = Series(
    "pilotfish_backlog_bytes", "gauge", "Bytes of a container's log on disk that were not read yet", ("output", "name")
)
HELD_BYTES = Series(
    "pilotfish_held_bytes", "gauge", "Bytes of removed log files that are kept open until they are read", _OUTPUT
)
FILES_ROTATED = Series("pilotfish_files_rotated_total", "counter", "Log files read to their end and left", _OUTPUT)
FILES_TRUNCATED = Series(
    "pilotfish_files_truncated_total", "counter", "Log files that were cut in place and begin anew", _OUTPUT
)
ROTATION_GAPS = Series(
    "pilotfish_rotation_gaps_total",
    "counter",
    "Log files that were removed or rotated away before they were read, as far as they are known",
    _OUTPUT,
)
LOST_BYTES = Series("pilotfish_lost_bytes_total", "counter", "Bytes that are known to be lost unread", _OUTPUT)
NOT_FOLLOWED = Series(
    "pilotfish_container_not_followed",
    "gauge",
    "1 for a container whose log should be followed and is not: driver, label or unreadable",
    ("name", "reason"),
    across="most",
)

DOCKER_UP = Series("docker_up", "gauge", "1 if the daemon (or the log tree) answers", across="least")
DOCKER_CONTAINERS = Series("docker_containers", "gauge", "Containers by state", ("state",), across="most")
DOCKER_EVENTS = Series("docker_events_total", "counter", "Container events received from the daemon", across="most")
CONTAINERS_MISSED = Series(
    "docker_containers_missed_total",
    "counter",
    "Containers that were gone before they could be looked at",
    across="most",
)
CONTAINER_HEALTH = Series(
    "docker_container_health_status",
    "gauge",
    "1 for the status of a container's health check: starting, healthy, unhealthy or none",
    ("name", "status"),
    across="most",
)
CONTAINER_FAILING_STREAK = Series(
    "docker_container_health_failing_streak", "gauge", "Health checks that failed in a row", ("name",), across="most"
)

ALL = tuple(value for value in list(globals().values()) if isinstance(value, Series))
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
HEALTH = ("none", "starting", "healthy", "unhealthy")
