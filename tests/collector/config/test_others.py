"""The environment of log-pilot and of logspout: what of it counts, and what is told of the rest."""

import re
from pathlib import Path

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.config.models import Configuration, Http, Log
from collector.config.others import ROWS
from collector.config.show import show

SECRET = "k9!Geheim-7"
EXAMPLES = [
    (program, name.replace("*", "ANY"), row.here)
    for program, rows in ROWS.items()
    for row in rows
    for name in row.names
]
QUIET = {"NODE_NAME", "SSL_VERIFY", "DEBUG", "TAIL", "PORT", "HTTP_PORT", "ELASTICSEARCH_PORT", "SYSLOG_PORT"}
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
