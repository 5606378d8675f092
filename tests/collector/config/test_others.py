"""The environment of log-pilot and of logspout: what of it counts, and what is told of the rest."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.config.models import Configuration, Http, Log
from collector.config.others import ROWS
from collector.config.show import show

SECRET = "k9!Geheim-7"
NAMING = {"ROUTE_URIS", "LOGGING_OUTPUT", "FLUENTD_OUTPUT", "FILEBEAT_OUTPUT"}  # they name an output themselves
EXAMPLES = [
    (program, name.replace("*", "ANY"), row.here)
    for program, rows in ROWS.items()
    for row in rows
    for name in row.names
    if name not in NAMING
]
QUIET = {"NODE_NAME", "SSL_VERIFY", "DEBUG", "TAIL", "PORT", "HTTP_PORT", "ELASTICSEARCH_PORT", "SYSLOG_PORT"}
# As their programs read them: log-pilot's `assets/*/config.*` and `pilot/`, logspout's packages.
INVENTORY = """
PILOT_TYPE PILOT_LOG_PREFIX PILOT_CREATE_SYMLINK LOGGING_OUTPUT FLUENTD_OUTPUT FILEBEAT_OUTPUT NODE_NAME
FLUENTD_BUFFER_TYPE FLUENTD_BUFFER_CHUNK_LIMIT FLUENTD_BUFFER_QUEUE_LIMIT FLUENTD_BUFFER_CHUNK_LIMIT_SIZE
FLUENTD_BUFFER_TOTAL_LIMIT_SIZE FLUENTD_BUFFER_CHUNK_FULL_THRESHOLD FLUENTD_BUFFER_COMPRESS FLUENTD_FLUSH_INTERVAL
FLUENTD_FLUSH_MODE FLUENTD_FLUSH_THREAD_COUNT FLUENTD_FLUSH_AT_SHUTDOWN FLUENTD_DISABLE_RETRY_LIMIT FLUENTD_RETRY_LIMIT
FLUENTD_RETRY_WAIT FLUENTD_MAX_RETRY_WAIT FLUENTD_NUM_THREADS FLUENTD_LOG_LEVEL FLUENTD_WORKER FLUENTD_ENABLE_MONITOR
FILEBEAT_SHUTDOWN_TIMEOUT FILEBEAT_LOG_LEVEL FILEBEAT_METRICS_ENABLED FILEBEAT_LOG_MAX_SIZE FILEBEAT_LOG_MAX_FILE
FILEBEAT_LOG_PERMISSION FILEBEAT_MAX_PROCS FILEBEAT_INDEX ELASTICSEARCH_HOSTS ELASTICSEARCH_HOST ELASTICSEARCH_PORT
ELASTICSEARCH_USER ELASTICSEARCH_PASSWORD ELASTICSEARCH_PATH ELASTICSEARCH_SCHEME ELASTICSEARCH_SSL_VERIFY
ELASTICSEARCH_INDEX ELASTICSEARCH_WORKER ELASTICSEARCH_BULK_MAX_SIZE FILE_PATH FILE_APPEND FILE_COMPRESS FILE_FORMAT
FILE_BUFFER_TYPE FILE_BUFFER_TIME_KEY FILE_NAME FILE_ROTATE_SIZE FILE_NUMBER_OF_FILES FILE_PERMISSIONS CONSOLE_PRETTY
GRAYLOG_HOST GRAYLOG_PORT GRAYLOG_PROTOCOL ALIYUNSLS_PROJECT ALIYUNSLS_ACCESS_KEY_SECRET SSL_VERIFY SYSLOG_HOST
SYSLOG_PORT SYSLOG_FACILITY SYSLOG_SEVERITY SYSLOG_TAG KAFKA_BROKERS KAFKA_DEFAULT_TOPIC KAFKA_COMPRESSION_CODEC
KAFKA_VERSION
KAFKA_PASSWORD LOGSTASH_HOST LOGSTASH_PORT LOGSTASH_LOADBALANCE REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_DATATYPE
ROUTE_URIS ROUTESPATH DOCKER_HOST DOCKER_TLS_VERIFY DOCKER_CERT_PATH BACKLOG TAIL ALLOW_TTY INACTIVITY_TIMEOUT
EXCLUDE_LABEL EXCLUDE_LABELS HTTP_BIND_ADDRESS PORT HTTP_PORT DEBUG RETRY_COUNT RAW_FORMAT SYSLOG_FORMAT SYSLOG_PRIORITY
SYSLOG_TIMESTAMP SYSLOG_HOSTNAME SYSLOG_PID SYSLOG_STRUCTURED_DATA SYSLOG_DATA SYSLOG_TCP_FRAMING
MULTILINE_ENABLE_DEFAULT MULTILINE_PATTERN MULTILINE_MATCH MULTILINE_FLUSH_AFTER MULTILINE_SEPARATOR
LOGSPOUT_TLS_DISABLE_SYSTEM_ROOTS LOGSPOUT_TLS_CA_CERTS LOGSPOUT_TLS_CLIENT_CERT LOGSPOUT_TLS_CLIENT_KEY
LOGSPOUT_TLS_HARDENING
"""
TAKEN_OVER = {
    *("PILOT_LOG_PREFIX", "EXCLUDE_LABEL", "EXCLUDE_LABELS", "DOCKER_HOST", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH")
}
KEY = re.compile(r"`([\w.{}]+)(?:`|: )")
WORDS = {"all", "new", "24h", "multiline", "pilotfish.multiline"}  # values, and settings of containers


def loaded(environ: dict[str, str], text: str = "", *, directory: Path | None = None) -> Configuration:
    path = None
    if directory is not None:
        path = directory / "pilotfish.yml"
        path.write_text(text)
    return load(path, installed_types(), environ)


@pytest.mark.parametrize(("program", "name", "here"), EXAMPLES, ids=lambda one: one if one.isupper() else "")
def test_each_of_their_variables_is_told_with_what_to_use_here(program: str, name: str, here: str) -> None:
    warnings = loaded({name: SECRET}).warnings
    if name in QUIET:
        assert warnings == []
    else:
        assert warnings == [f"{name}: a variable of {program}'s, ignored: {here.replace('{}', '<name>')}"]


def test_every_variable_that_they_read_is_known() -> None:
    patterns = [name for rows in ROWS.values() for row in rows for name in row.names]
    unknown = {name for name in INVENTORY.split() if not any(fnmatchcase(name, pattern) for pattern in patterns)}
    assert unknown == TAKEN_OVER
    idle = [pattern for pattern in patterns if not any(fnmatchcase(name, pattern) for name in INVENTORY.split())]
    assert idle == []


@pytest.mark.parametrize("here", [row.here for rows in ROWS.values() for row in rows])
def test_what_to_use_here_is_there(here: str) -> None:
    """Each key that a row names is one of the configuration."""
    types = installed_types()
    options = {f"inputs.{{}}.{key}" for kind in types.inputs.values() for key in kind.model_fields}
    options |= {f"outputs.{{}}.{key}" for kind in types.outputs.values() for key in kind.model_fields}
    options |= {f"http.{key}" for key in Http.model_fields} | {f"log.{key}" for key in Log.model_fields}
    options |= {"outputs.{}.type"} | set(Configuration.model_fields)
    named = set(KEY.findall(here)) - WORDS
    assert named <= options
    assert named or here.startswith(("not needed", "there is no", "there are no"))


def test_what_kubernetes_sets_for_its_services_and_empty_variables_are_passed_over() -> None:
    names = [
        "KAFKA_SERVICE_HOST",
        "KAFKA_SERVICE_PORT",
        "KAFKA_PORT",
        "KAFKA_PORT_9092_TCP_ADDR",
        "REDIS_SERVICE_PORT_X",
    ]
    assert loaded(dict.fromkeys(names, "tcp://10.0.0.1:9092") | {"KAFKA_BROKERS": ""}).warnings == []


def test_what_is_set_for_pilotfish_or_for_nobody_known_is_no_warning() -> None:
    assert loaded({"PILOT_LOG_PREFIX": "a", "EXCLUDE_LABEL": "b", "HOME": "/", "BACKLOGS": "1"}).warnings == []


def test_log_pilots_prefixes_are_read_unless_the_configuration_has_some(tmp_path: Path) -> None:
    environ = {"PILOT_LOG_PREFIX": " aliyun, custom,,"}
    assert loaded(environ).labels.prefixes == ("aliyun", "custom")
    assert loaded(environ, "labels: {prefixes: [mine]}", directory=tmp_path).labels.prefixes == ("mine",)
    assert loaded({"PILOT_LOG_PREFIX": " ,"}).labels.prefixes == ("aliyun",)


@pytest.mark.parametrize(
    ("text", "labels", "is_left_out"),
    [
        ("a", {"a": "true"}, True),
        ("a", {"a": "True"}, True),
        ("a", {"a": "1"}, False),
        ("a", {}, False),
        ("a;b:x", {"a": "true"}, True),
        ("a;b:x", {"b": "X"}, True),
        ("a; b:x;", {"b": "x"}, True),
        ("b:*", {"b": "anything"}, False),
        ("b:*", {"b": "*"}, True),
        ("com.shop/x:y:z", {"com.shop/x": "y:z"}, True),
    ],
)
@pytest.mark.parametrize("name", ["EXCLUDE_LABEL", "EXCLUDE_LABELS"])
def test_logspouts_labels_leave_containers_out(name: str, text: str, labels: dict[str, str], is_left_out: bool) -> None:
    rules = loaded({name: text}).containers
    assert any(rule.exclude and rule.matches("any", "any", labels) for rule in rules) == is_left_out


def test_rules_of_the_operator_come_before_logspouts_labels(tmp_path: Path) -> None:
    text = "containers: [{name: web, exclude: false}]"
    first, second = loaded({"EXCLUDE_LABELS": "a", "EXCLUDE_LABEL": "b"}, text, directory=tmp_path).containers
    assert (first.name, first.exclude) == ("web", False)
    assert (list(second.labels), second.exclude) == (["a"], True)


def test_it_is_shown_which_variable_a_rule_comes_from() -> None:
    assert re.search(
        r"^containers: +# environment, EXCLUDE_LABELS$",
        show(loaded({"EXCLUDE_LABELS": "a"}), origin=True),
        re.MULTILINE,
    )
