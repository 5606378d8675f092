"""The environment of log-pilot or logspout → what of it counts here, and what to write for the rest.

Their variables are known by `ROWS`, from which docs/migration.md has its tables. Forms: log-pilot `assets/*/config.*`
and `pilot/pilot.go`; logspout `router/pump.go` and README.
"""

import glob
import re
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

_PREFIXES = "PILOT_LOG_PREFIX"
_EXCLUDED = ("EXCLUDE_LABELS", "EXCLUDE_LABEL")  # the first that is set counts, as there
_TOO_GENERAL = re.compile(r"DEBUG|TAIL|SSL_VERIFY|NODE_NAME")  # nobody knows for whom they are set
_LINKED = re.compile(r"(.+_)?(SERVICE_HOST|SERVICE_PORT\w*|PORT|PORT_\d\w*)")  # Kubernetes sets them for its services
_SERVICE = re.compile(r".+_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d\w*)")  # of these nobody else has any
_Names = dict[tuple[str, ...], str]


class Row(NamedTuple):
    """Variables, as names or patterns with *, and what stands for them here; `{}` is the name of an output or input."""

    names: tuple[str, ...]
    here: str


ROWS: Mapping[str, tuple[Row, ...]] = {
    "log-pilot": (
        Row(
            ("PILOT_TYPE", "LOGGING_OUTPUT", "FLUENTD_OUTPUT", "FILEBEAT_OUTPUT"),
            "counts only where no `outputs` are configured; use `outputs.{}.type`; several outputs are possible",
        ),
        Row(
            tuple(f"ELASTICSEARCH_{name}" for name in ("HOSTS", "HOST", "PORT", "SCHEME", "PATH")),
            "use `outputs.{}.hosts`, a list of URLs such as `https://es:9200/path`",
        ),
        Row(
            ("ELASTICSEARCH_USER", "ELASTICSEARCH_PASSWORD"),
            "use `outputs.{}.username` and `outputs.{}.password_file`, or `outputs.{}.api_key_file`",
        ),
        Row(
            ("ELASTICSEARCH_SSL_VERIFY",),
            "use `outputs.{}.ca_file`, or `outputs.{}.verify: false` to trust any server",
        ),
        Row(("ELASTICSEARCH_INDEX", "FILEBEAT_INDEX"), "use `outputs.{}.index`"),
        Row(
            ("ELASTICSEARCH_WORKER", "ELASTICSEARCH_BULK_MAX_SIZE"),
            "use `outputs.{}.concurrency` and `outputs.{}.batch_bytes`",
        ),
        Row(
            ("FLUENTD_BUFFER_*", "FLUENTD_FLUSH_*"),
            "use `outputs.{}.batch_bytes` and `outputs.{}.linger_seconds`, and for outages `outputs.{}.spool_bytes`",
        ),
        Row(
            ("FLUENTD_RETRY_*", "FLUENTD_MAX_RETRY_WAIT", "FLUENTD_DISABLE_RETRY_LIMIT"),
            "not needed: the agent retries until the output accepts the documents",
        ),
        Row(("FLUENTD_NUM_THREADS", "FLUENTD_WORKER", "FILEBEAT_MAX_PROCS"), "use `workers`"),
        Row(("FLUENTD_LOG_LEVEL", "FILEBEAT_LOG_LEVEL"), "use `log.level`"),
        Row(
            ("FILEBEAT_LOG_MAX_SIZE", "FILEBEAT_LOG_MAX_FILE", "FILEBEAT_LOG_PERMISSION"),
            "not needed: the agent writes its own log to stderr",
        ),
        Row(
            ("FLUENTD_ENABLE_MONITOR", "FILEBEAT_METRICS_ENABLED"), "not needed: `/metrics` is there unless `http: off`"
        ),
        Row(("FILEBEAT_SHUTDOWN_TIMEOUT",), "use `drain_seconds`"),
        Row(("FILE_*",), "use an output that writes files, with `outputs.{}.path` and `outputs.{}.max_bytes`"),
        Row(
            ("CONSOLE_PRETTY",),
            "there is no other form: a document is one line of JSON; `pilotfish tail` shows it as text",
        ),
        Row(("KAFKA_*",), "use an output to Kafka, with `outputs.{}.brokers` and `outputs.{}.topic`"),
        Row(
            ("REDIS_*",),
            "use an output to Redis, with `outputs.{}.hosts`, `outputs.{}.password_file`, `outputs.{}.key`",
        ),
        Row(("LOGSTASH_*",), "use an output to Logstash, with `outputs.{}.hosts` and `outputs.{}.window`"),
        Row(("GRAYLOG_*",), "use an output of GELF, with `outputs.{}.hosts` and `outputs.{}.transport`"),
        Row(
            ("SYSLOG_HOST", "SYSLOG_PORT", "SYSLOG_FACILITY", "SYSLOG_SEVERITY"),
            "use an output to a syslog server, with `outputs.{}.hosts` and `outputs.{}.facility`",
        ),
        Row(("ALIYUNSLS_*", "SSL_VERIFY"), "there is no output to SLS"),
        Row(("PILOT_CREATE_SYMLINK",), "there are no links to volumes"),
        Row(("NODE_NAME",), "not needed: the member `host` of each document is the node; to set it, use `host`"),
    ),
    "logspout": (
        Row(
            ("ROUTE_URIS", "ROUTESPATH"),
            "counts only where no `outputs` are configured; add the destination to `outputs`",
        ),
        Row(("BACKLOG",), "use `inputs.{}.backlog`: `all`, which is the default, or `new`"),
        Row(("TAIL",), "use `inputs.{}.backlog` with a time, such as `24h`, in place of a number of lines"),
        Row(
            ("ALLOW_TTY",),
            "not needed: containers with a terminal are followed, and `\\r` at the end of a line removed",
        ),
        Row(
            ("INACTIVITY_TIMEOUT", "RETRY_COUNT"),
            "not needed: files have no connection that times out, and the agent retries without limit",
        ),
        Row(("HTTP_BIND_ADDRESS", "PORT", "HTTP_PORT"), "use `http.listen`, by default loopback alone"),
        Row(("DEBUG",), "use `log.level: debug`"),
        Row(
            ("RAW_FORMAT", "SYSLOG_*"),
            "use `outputs.{}.template` of an output that writes lines, or the options of one to a syslog server: "
            "`outputs.{}.format`, `outputs.{}.framing`, `outputs.{}.app_name`",
        ),
        Row(
            ("MULTILINE_*",),
            "use `multiline` and its patterns in a rule in `containers`, or in the label `pilotfish.multiline`",
        ),
        Row(
            ("LOGSPOUT_TLS_*",),
            "use `outputs.{}.ca_file`, `outputs.{}.client_cert_file` and `outputs.{}.client_key_file`",
        ),
    ),
}


def warnings(environ: Mapping[str, str], used: Collection[str] = (), theirs: str = "") -> list[str]:
    """A line for each variable of theirs that has no effect here, but for those that were `used`.

    Of the program `theirs` it is known that variables are for it, however general their names are.
    """
    found = []
    for name in sorted(name for name, text in environ.items() if text and name not in used):
        is_general = _TOO_GENERAL.fullmatch(name) or _LINKED.fullmatch(name)
        if (row := next(_rows_of(name, theirs), None)) is not None:
            program, here = row
            if not is_general or (program == theirs and not _SERVICE.fullmatch(name)):
                found.append(f"{name}: a variable of {program}'s, ignored: {here.replace('{}', '<name>')}")
    return found


def _rows_of(name: str, first: str) -> Iterator[tuple[str, str]]:
    """What is known of a variable, by the program `first` before others."""
    for program in sorted(ROWS, key=lambda one: one != first):
        for row in ROWS[program]:
            if any(fnmatchcase(name, pattern) for pattern in row.names):
                yield program, row.here


def take_over(values: dict[str, Any], environ: Mapping[str, str]) -> _Names:
    """Fill in the keys that variables of theirs stand for, beside what is written; name the variables used."""
    return _prefixes(values, environ) | _exclusions(values, environ)


def _prefixes(values: dict[str, Any], environ: Mapping[str, str]) -> _Names:
    """Log-pilot's prefixes of labels."""
    labels = values.get("labels", {})
    found = [prefix for part in environ.get(_PREFIXES, "").split(",") if (prefix := part.strip())]
    if not found or not isinstance(labels, dict) or "prefixes" in labels:
        return {}
    values["labels"] = {**labels, "prefixes": found}
    return {("labels", "prefixes"): _PREFIXES}


def _exclusions(values: dict[str, Any], environ: Mapping[str, str]) -> _Names:
    """Logspout's labels of containers to leave out, `a;b:x`: a rule each, behind those of the operator."""
    name = next((name for name in _EXCLUDED if environ.get(name)), "")
    rules = values.get("containers", [])
    said = [part.strip().partition(":") for part in environ.get(name, "").split(";")]
    found = [{"labels": {label: _in_any_case(value or "true")}, "exclude": True} for label, _, value in said if label]
    if not found or not isinstance(rules, list):
        return {}
    values["containers"] = [*rules, *found]
    return {} if rules else {("containers",): name}


def _in_any_case(text: str) -> str:
    """A pattern for it, in upper or lower case."""
    return "".join(f"[{one.lower()}{one.upper()}]" if one.isalpha() else glob.escape(one) for one in text)
