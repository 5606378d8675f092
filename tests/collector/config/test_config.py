"""`collector.config`: what is said where, and what a mistake looks like to the user."""

import os
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from collector.app.plugins import installed_types
from collector.config.environment import SECTIONS, Types
from collector.config.loading import load
from collector.config.models import Configuration
from collector.config.show import schema, show
from collector.errors import ConfigurationError
from collector.inputs.directory import Settings as DirectoryInput
from collector.inputs.docker import Settings as DockerInput
from collector.intake.input import InputSettings
from collector.ports import ShipperSettings
from shippers.elasticsearch import Settings as Elasticsearch
from shippers.stdout import Settings as Stdout
from shippers.store import Settings as Store

INPUTS: dict[str, type[InputSettings]] = {"docker": DockerInput, "directory": DirectoryInput}
OUTPUTS: dict[str, type[ShipperSettings]] = {"elasticsearch": Elasticsearch, "stdout": Stdout, "store": Store}
TYPES = Types(INPUTS, OUTPUTS, installed_types().defaults)
SECRET = "k9!Geheim-7"
KNOWN = "elasticsearch, stdout, store"
ELSE = "If not, use one of"
IN = "directory, docker"
DOCKER_KEYS = ("type", "select", "backlog", "host_root", "url", "tls", "logs_root", "events", "metrics_url")
OR_INSTALL = ", or install the package that brings it"
IF_NOT = "If not, install the package that brings it"
NO_INPUT = "not a valid input name: start with a letter, then use lower-case letters, digits and _"
NO_NAME = "not a valid output name: start with a letter, then use lower-case letters, digits and _"
LISTEN = "the option means: address to listen on, as host:port; off: no HTTP server"
PATH = "the option means: directory that contains <id>/<id>-json.log"


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return tmp_path / "pilotfish.yml"


def read(path: Path, text: str, environ: Mapping[str, str] | None = None) -> Configuration:
    path.write_text(text)
    return load(path, TYPES, environ or {})


def mistakes(path: Path, text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The lines a user reads, without the path in front."""
    with pytest.raises(ConfigurationError) as raised:
        read(path, text, environ)
    lines = str(raised.value).split("\n")
    return [line.removeprefix(f"{path}:") for line in lines]


def docker_of(configuration: Configuration) -> DockerInput:
    found = configuration.inputs["docker"]
    assert isinstance(found, DockerInput)
    return found


# ---------------------------------------------------------------- defaults


def test_nothing_configured_reads_docker_into_the_store() -> None:
    configuration = load(None, TYPES, {})
    assert list(configuration.inputs) == ["docker"]
    assert docker_of(configuration).url == "unix:///var/run/docker.sock"
    assert list(configuration.outputs) == ["local"]
    assert isinstance(configuration.outputs["local"], Store)
    assert configuration.http.address == ("127.0.0.1", 9880)
    assert configuration.drain_seconds == 8
    assert configuration.warnings == []


def test_the_output_that_is_there_when_none_is_configured_comes_with_the_types() -> None:
    class Other(ShipperSettings):
        pass

    types = Types(INPUTS, {"stdout": Stdout, "other": Other}, {"outputs": {"here": {"type": "other"}}})
    for environ in ({}, {"PILOTFISH_OUTPUTS": "{}"}):
        outputs = load(None, types, environ).outputs
        assert {name: output.type for name, output in outputs.items()} == {"here": "other"}


def test_an_output_of_one_writer_with_workers_names_the_types_that_have_room_for_several(written: Path) -> None:
    (line,) = mistakes(written, "workers: 2\noutputs: {local: {type: store}}\n")
    assert line.endswith("the type store allows one writer: set workers to 1, or use an output of type elasticsearch")
    with pytest.raises(ValueError, match="or use an output that several processes may write to"):
        Configuration(workers=2, inputs={}, outputs={"local": Store()})


def test_an_empty_file_and_empty_sections_mean_the_defaults(written: Path) -> None:
    texts = ["inputs:\noutputs:\nhttp:\nlog:\n", "inputs: {}\noutputs: {}\n", "", "# nothing\n"]
    assert {show(read(written, text)) for text in texts} == {show(load(None, TYPES, {}))}


def test_a_named_docker_input_without_keys_is_used(written: Path) -> None:
    assert docker_of(read(written, "inputs:\n  docker:\n"))


def test_an_input_is_of_the_type_that_it_names_else_of_the_one_it_is_called_by(written: Path) -> None:
    text = "inputs:\n  docker:\n  old: {type: directory, path: /tree}\n  directory: {type: docker, url: 'tcp://d:1'}\n"
    environ = {"PILOTFISH_INPUTS__MORE__TYPE": "directory", "PILOTFISH_INPUTS__MORE__PATH": "/more"}
    environ |= {"PILOTFISH_INPUTS__OLD__SELECT": "labelled"}
    found = read(written, text, environ).inputs
    assert {name: type(one) for name, one in found.items()} == {
        "docker": DockerInput,
        "old": DirectoryInput,
        "directory": DockerInput,
        "more": DirectoryInput,
    }
    assert found["old"].model_dump(mode="json") == {
        "type": "directory",
        "path": "/tree",
        "select": "labelled",
        "backlog": "all",
        "host_root": None,
    }


def test_a_directory_alone_needs_no_docker(written: Path) -> None:
    configuration = read(written, "inputs: {directory: {path: /tree, backlog: 90m}}\n", {"DOCKER_HOST": "tcp://d:2375"})
    (found,) = configuration.inputs.values()
    assert isinstance(found, DirectoryInput)
    assert found.backlog == timedelta(minutes=90)


def test_the_state_of_a_user_follows_xdg_and_root_has_var_lib() -> None:
    found = load(None, TYPES, {"XDG_STATE_HOME": "/x", "HOME": "/h"}).state_dir
    assert found == (Path("/var/lib/pilotfish") if os.geteuid() == 0 else Path("/x/pilotfish"))


def test_http_is_this_machine_s_only_unless_told_otherwise() -> None:
    address = load(None, TYPES, {}).http.address
    assert address is not None
    assert address.host == "127.0.0.1"


@pytest.mark.parametrize(
    "text", ["http: off", "http: 'off'", "http: {listen: off}", "http: {listen: null}", "http: false"]
)
def test_http_can_be_switched_off(written: Path, text: str) -> None:
    assert read(written, text).http.address is None


def test_a_frozen_configuration_refuses_a_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load(None, TYPES, {}).log.level = "debug"  # type: ignore[misc]


@pytest.mark.parametrize(
    "inside", ["api_key_file: /key", "username: agent, password: x", "username: agent, password_file: /p"]
)
def test_credentials_in_the_environment_take_the_place_of_the_file_s(written: Path, inside: str) -> None:
    text = f"outputs: {{e: {{type: elasticsearch, hosts: ['http://es'], {inside}}}}}\n"
    user = {"PILOTFISH_OUTPUTS__E__USERNAME": "admin", "PILOTFISH_OUTPUTS__E__PASSWORD_FILE": "/admin"}
    configuration = read(written, text, user)
    found = configuration.outputs["e"]
    assert isinstance(found, Elasticsearch)
    assert (found.username, found.password_file, found.password, found.api_key_file) == (
        "admin",
        Path("/admin"),
        None,
        None,
    )
    assert "api_key_file: null" in show(configuration, origin=True)
    assert ("outputs", "e", "api_key_file") not in configuration.origins
    found = read(written, text, {"PILOTFISH_OUTPUTS__E__API_KEY": "k"}).outputs["e"]
    assert isinstance(found, Elasticsearch)
    assert (found.username, found.password_file, found.password, found.api_key_file) == (None, None, None, None)


def test_null_in_the_environment_takes_the_place_of_its_own_option_alone(written: Path) -> None:
    text = "outputs: {e: {type: elasticsearch, hosts: ['http://es'], username: agent, password_file: /p}}\n"
    found = read(written, text, {"PILOTFISH_OUTPUTS__E__API_KEY": "null"}).outputs["e"]
    assert isinstance(found, Elasticsearch)
    assert (found.username, found.password_file) == ("agent", Path("/p"))
    assert "go together" in mistakes(written, text, {"PILOTFISH_OUTPUTS__E__PASSWORD_FILE": "null"})[0]


def test_a_password_in_the_environment_leaves_the_file_its_user(written: Path) -> None:
    text = "outputs: {e: {type: elasticsearch, hosts: ['http://es'], username: agent, password_file: /p}}\n"
    found = read(written, text, {"PILOTFISH_OUTPUTS__E__PASSWORD": "x"}).outputs["e"]
    assert isinstance(found, Elasticsearch)
    assert (found.username, found.password_file) == ("agent", None)


def test_credentials_in_the_environment_take_the_place_of_those_that_an_alias_brings(written: Path) -> None:
    text = "outputs:\n  e: &e {type: elasticsearch, hosts: ['http://es'], api_key_file: /key}\n  f: {<<: *e}\n"
    user = {"PILOTFISH_OUTPUTS__F__USERNAME": "admin", "PILOTFISH_OUTPUTS__F__PASSWORD": "x"}
    outputs = read(written, text, user).outputs
    assert isinstance(e := outputs["e"], Elasticsearch)
    assert isinstance(f := outputs["f"], Elasticsearch)
    assert (e.api_key_file, e.username, f.api_key_file, f.username) == (Path("/key"), None, None, "admin")


def test_credentials_that_exclude_each_other_in_one_place_are_a_mistake(written: Path) -> None:
    text = "outputs: {e: {type: elasticsearch, hosts: ['http://es'], api_key: k, username: agent, password: x}}\n"
    assert "exclude each other" in mistakes(written, text)[0]


# ---------------------------------------------------------------- the environment


def test_every_key_may_come_from_the_environment_and_wins_over_the_file(written: Path) -> None:
    environ = {
        "PILOTFISH_HOST": "h1",
        "PILOTFISH_INPUTS__DOCKER__SELECT": "labelled",
        "PILOTFISH_OUTPUTS__ELASTIC__TYPE": "elasticsearch",
        "PILOTFISH_OUTPUTS__ELASTIC__HOSTS": "http://a:9200, http://b:9200",
        "PILOTFISH_OUTPUTS__ELASTIC__BATCH_BYTES": "1000",
        "PILOTFISH_HTTP__LISTEN": ":9881",
        "PILOTFISH_LOG__LEVEL": "debug",
        "PILOTFISH_DRAIN_SECONDS": "2.5",
    }
    configuration = read(written, "host: h0\nlog: {level: error, format: json}\nhttp: {listen: 'x:1'}\n", environ)
    elastic = configuration.outputs["elastic"]
    assert isinstance(elastic, Elasticsearch)
    assert (configuration.host, configuration.log.level, configuration.log.format) == ("h1", "debug", "json")
    assert docker_of(configuration).select == "labelled"
    assert elastic.hosts == ("http://a:9200", "http://b:9200")
    assert elastic.batch_bytes == 1000
    assert configuration.http.address == ("", 9881)
    assert configuration.drain_seconds == 2.5
    assert configuration.warnings == []


@pytest.mark.parametrize(
    "hosts", ['["http://a:1", "http://b:2"]', "http://a:1,http://b:2", " http://a:1 , http://b:2 ,"]
)
def test_a_list_in_the_environment_is_json_or_separated_by_commas(hosts: str) -> None:
    environ = {"PILOTFISH_OUTPUTS__E__TYPE": "elasticsearch", "PILOTFISH_OUTPUTS__E__HOSTS": hosts}
    elastic = load(None, TYPES, environ).outputs["e"]
    assert isinstance(elastic, Elasticsearch)
    assert elastic.hosts == ("http://a:1", "http://b:2")


def test_a_section_may_be_json_and_its_single_keys_win() -> None:
    environ = {
        "PILOTFISH_OUTPUTS": '{"local": {"type": "store"}, "e": {"type": "stdout", "concurrency": 3}}',
        "PILOTFISH_OUTPUTS__E__CONCURRENCY": "5",
    }
    configuration = load(None, TYPES, environ)
    assert {name: one.type for name, one in configuration.outputs.items()} == {"local": "store", "e": "stdout"}
    assert configuration.outputs["e"].concurrency == 5


def test_an_empty_variable_counts_as_not_set() -> None:
    assert show(load(None, TYPES, {"PILOTFISH_HTTP__LISTEN": "", "DOCKER_HOST": ""})) == show(load(None, TYPES, {}))


def test_null_in_the_environment_takes_a_value_away(written: Path) -> None:
    assert read(written, "host: h0", {"PILOTFISH_HOST": "null"}).host is None


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("PILOTFISH_HTP__LISTEN", "PILOTFISH_HTTP__LISTEN"),
        ("PILOTFISH_LISTEN", "PILOTFISH_HTTP__LISTEN"),
        ("PILOTFISH_OUTPUTS__E__HOST", "PILOTFISH_OUTPUTS__E__HOSTS"),
        ("PILOTFISH_TIMEZON", "PILOTFISH_TIMEZONE"),
        ("PILOTFISH_QWERTZ", "config schema"),
    ],
)
def test_an_unknown_variable_is_a_warning_that_names_the_nearest_key(written: Path, name: str, nearest: str) -> None:
    outputs = "outputs: {e: {type: elasticsearch, hosts: ['http://h']}}"
    [warning] = read(written, outputs, {name: SECRET}).warnings
    assert warning.startswith(f"{name}: ")
    assert nearest in warning
    assert SECRET not in warning


def test_variables_of_the_commands_and_of_a_kubernetes_service_are_no_warnings() -> None:
    names = [
        "PILOTFISH_DEBUG",
        "PILOTFISH_CONFIG",
        "PILOTFISH_SETUP_PASSWORD_FILE",
        "PILOTFISH_SERVICE_HOST",
        "PILOTFISH_PORT_9880_TCP_ADDR",
        "PILOTFISH_PORT",
    ]
    assert load(None, TYPES, dict.fromkeys(names, "x")).warnings == []


def test_docker_s_own_variables_are_honoured_and_the_file_wins(written: Path) -> None:
    environ = {"DOCKER_HOST": "tcp://d:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
    docker = docker_of(load(None, TYPES, environ))
    assert (docker.url, docker.tls) == ("tcp://d:2376", Path("/certs"))
    docker = docker_of(read(written, "inputs: {docker: {url: 'unix:///other.sock'}}", environ))
    assert (docker.url, docker.tls) == ("unix:///other.sock", None)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("htp: {}", "1: htp: unknown key: did you mean http?"),
        ("log:\n  levl: info", "2: log.levl: unknown key: did you mean level?"),
        ("outputs:\n e:\n  type: store\n  max_byte: 1", "4: outputs.e.max_byte: unknown key: did you mean max_bytes?"),
        ("outputs: {e: {type: elastic}}", f"1: outputs.e.type: unknown type: did you mean elasticsearch? {IF_NOT}"),
        ("outputs: {e: {type: xyz}}", f"1: outputs.e.type: unknown type: use one of {KNOWN}{OR_INSTALL}"),
        (
            "outputs: {e: {type: null}}",
            "1: outputs.e.type: is empty (YAML reads null without quotes as empty): "
            'write "null" in quotes for the output type null, or use one of ' + KNOWN,
        ),
        ("outputs: {e: {}}", "1: outputs.e.type: is missing: use one of " + KNOWN),
        ("outputs:\n  e:", "2: outputs.e: should be a section: write at least `type:` below it, one of " + KNOWN),
        ("outputs: {My-Es: {type: store}}", f"1: outputs.My-Es: {NO_NAME}"),
        ("outputs: []", "1: outputs: should be a section: write its keys below it"),
        ("timezone: Asia/Shanghia", "1: timezone: no such time zone: did you mean Asia/Shanghai?"),
        ("timezone: 8", "1: timezone: no such time zone: use a name such as Asia/Shanghai"),
        ("timezone: ../../etc/passwd", "1: timezone: no such time zone: use a name such as Asia/Shanghai"),
        ("http: {listen: 127.0.0.1}", f"1: http.listen: a port from 0 to 65535 is missing at the end: {LISTEN}"),
        ("http: {listen: '::1:80'}", f"1: http.listen: an IPv6 address needs brackets: [::1]:9880: {LISTEN}"),
        ("host: 5", "1: host: should be a string: put it in quotes"),
        ("log: 5", "1: log: should be a section: write its keys below it: level, format"),
        ("inputs: {dcker: {}}", f"1: inputs.dcker.type: is missing: did you mean inputs.docker? {ELSE} {IN}"),
        ("inputs: {x: {path: /}}", f"1: inputs.x.type: is missing: use one of {IN}"),
        ("inputs: {x: {type: dir}}", f"1: inputs.x.type: unknown type: use one of {IN}{OR_INSTALL}"),
        ("inputs: {docker: {path: /}}", "1: inputs.docker.path: unknown key: use one of " + ", ".join(DOCKER_KEYS)),
        ("inputs: {My-In: {type: docker}}", f"1: inputs.My-In: {NO_INPUT}"),
        ("inputs: {docker: 5}", f"1: inputs.docker: should be a section: write at least `type:` below it, one of {IN}"),
        ("inputs: docker", "1: inputs: should be a section: write its keys below it"),
        ("inputs: {directory: {}}", f"1: inputs.directory.path: is missing: {PATH}"),
        ("- a", "1: the top level is a list: write lines of `key: value`"),
        ("just words", "1: the top level is a string: write lines of `key: value`"),
        ("host: a\n---\nhost: b", "2: is not YAML: a second document begins: remove the line --- there"),
        ("a: [1\nb: 2", "2: is not YAML: expected ',' or ']', but got ':': check indentation, colons and quotes there"),
        ("host: a\nlog: {}\nhost: b", "3: the top level: host appears twice: it is on line 1 too"),
        ("5: {}", "1: the top level: a key is not a string: put the key in quotes"),
        ("a: &x {b: *x}", "1: a.b: contains itself: write it without the alias"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_with_place_key_cause_and_remedy(written: Path, text: str, line: str) -> None:
    assert mistakes(written, text) == [line]


def test_all_mistakes_are_told_at_once(written: Path) -> None:
    text = "htp: 1\nlog: {level: loud}\noutputs: {e: {type: nope}, s: {type: store, xx: 1}}\n"
    lines = mistakes(written, text, {"PILOTFISH_DRAIN_SECONDS": "soon"})
    assert sorted(line.split(": ")[1] for line in lines) == [
        "drain_seconds",
        "htp",
        "log.level",
        "outputs.e.type",
        "outputs.s.xx",
    ]
    assert any(line.startswith("PILOTFISH_DRAIN_SECONDS: drain_seconds: ") for line in lines)


def test_a_wrong_variable_of_docker_is_named(written: Path) -> None:
    [line] = mistakes(written, "", {"DOCKER_HOST": "ssh://somewhere"})
    assert line.startswith("DOCKER_HOST: inputs.docker.url: ")


@pytest.mark.parametrize(
    ("text", "variable", "words"),
    [
        ("inputs: {tree: {type: directory, path: /}}", "INPUTS__TREES__PATH", "inputs.trees.type: is missing: "
         "did you mean inputs.tree? If not, use one of directory, docker"),
        ("outputs: {elastic: {type: stdout}}", "OUTPUTS__ELASTICS__SPOOL", "outputs.elastics.type: is missing: "
         "did you mean outputs.elastic? If not, use one of elasticsearch, stdout, store"),
    ],
)  # fmt: skip
def test_a_variable_that_begins_a_section_by_mistake_is_named(
    written: Path, text: str, variable: str, words: str
) -> None:
    [line] = mistakes(written, text, {f"PILOTFISH_{variable}": "1"})
    assert line == f"PILOTFISH_{variable}: {words}"


def test_broken_json_in_the_environment_names_the_variable_only(written: Path) -> None:
    environ = {"PILOTFISH_OUTPUTS__E__TYPE": "elasticsearch", "PILOTFISH_OUTPUTS__E__HOSTS": f"[{SECRET}"}
    [line] = mistakes(written, "", environ)
    assert line == "PILOTFISH_OUTPUTS__E__HOSTS: begins like JSON but is not valid JSON: check quotes and brackets"


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nope\.yml: no such file: give -c the path"):
        load(tmp_path / "nope.yml", TYPES, {})
    with pytest.raises(ConfigurationError, match=r"cannot be read \(Is a directory\)"):
        load(tmp_path, TYPES, {})


def test_a_file_that_is_no_text_is_refused(written: Path) -> None:
    written.write_bytes(b"host: \xff\xfe")
    with pytest.raises(ConfigurationError, match="is not UTF-8 text"):
        load(written, TYPES, {})
    written.write_bytes(b"host: \x01")
    with pytest.raises(ConfigurationError, match="characters that YAML forbids"):
        load(written, TYPES, {})


@pytest.mark.parametrize(
    "text",
    [
        "outputs: {e: {type: elasticsearch, password: ['%s']}}",
        "outputs: {e: {type: elasticsearch, passwrd: '%s'}}",
        "outputs: {e: {type: elasticsearch, password: '%s', batch_bytes: no}}",
        "outputs: {e: {type: elasticsearch, hosts: ['ftp://user:%s@h:1']}}",
        "outputs: {e: {type: '%s'}}",
        "outputs: {e: '%s'}",
        "outputs: '%s'",
        "outputs: {e: {type: elasticsearch, password: *%s}}",
        "outputs: {e: {type: elasticsearch, password: !%s x}}",
        "outputs: {e: {type: elasticsearch, password: '%s}}",
        "outputs:\n  e:\n    type: elasticsearch\n    password: %s: x\n",
        "timezone: '%s'",
        "log: {level: '%s'}",
    ],
)
def test_no_value_stands_in_an_error(written: Path, text: str) -> None:
    assert SECRET not in "\n".join(mistakes(written, text % SECRET))


@given(st.text(max_size=200))
def test_any_text_is_a_configuration_or_a_mistake(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yml"
    path.write_text(text, "utf-8", "surrogatepass")
    try:
        load(path, TYPES, {})
    except ConfigurationError as error:
        assert str(error).startswith(f"{path}")  # noqa: PT017


# ---------------------------------------------------------------- show and schema


def test_show_masks_secrets_and_is_a_configuration_again(written: Path) -> None:
    text = f"outputs: {{e: {{type: elasticsearch, hosts: ['http://h'], username: u, password: {SECRET}}}}}"
    shown = show(read(written, text))
    assert SECRET not in shown
    assert yaml.safe_load(shown)["outputs"]["e"]["password"] == "**********"
    again = read(written, show(load(None, TYPES, {"PILOTFISH_INPUTS__DOCKER__BACKLOG": "36h"})))
    assert docker_of(again).backlog == timedelta(hours=36)


def test_show_with_origin_tells_file_environment_and_default(written: Path) -> None:
    configuration = read(written, "host: a\nhttp: off\nlog:\n  level: debug\n", {"PILOTFISH_LOG__FORMAT": "json"})
    rows = dict(line.split("# ") for line in show(configuration, origin=True).splitlines() if "# " in line)
    assert {key.strip(): value for key, value in rows.items() if not value.startswith("default")} == {
        "host: a": "file, line 1",
        "listen: null": "file, line 2",
        "level: debug": "file, line 4",
        "format: json": "environment, PILOTFISH_LOG__FORMAT",
    }
    assert rows[next(key for key in rows if key.startswith("drain_seconds"))] == "default"


@pytest.mark.parametrize("section", SECTIONS)
def test_the_schema_tells_inputs_and_outputs_apart_by_type(section: str) -> None:
    found = schema(TYPES)
    [options] = found["properties"][section]["patternProperties"].values()
    assert set(options["discriminator"]["mapping"]) == set(getattr(TYPES, section))
    assert options["required"] == ["type"]
    for kind, reference in options["discriminator"]["mapping"].items():
        definition = found["$defs"][reference.removeprefix("#/$defs/")]
        assert definition["properties"]["type"]["const"] == kind
        assert definition["additionalProperties"] is False
    assert found["properties"][section]["additionalProperties"] is False


def test_the_schema_takes_an_input_that_is_called_by_its_type(written: Path) -> None:
    """What the schema says of names and types is what `load` does."""
    inputs = schema(TYPES)["properties"]["inputs"]
    [(pattern, _)] = inputs["patternProperties"].items()
    assert {name: bool(re.search(pattern, name)) for name in ("docker", "directory", "dockers", "old", "My-In")} == {
        "docker": False,
        "directory": False,
        "dockers": True,
        "old": True,
        "My-In": False,
    }
    for kind in INPUTS:
        assert inputs["properties"][kind]["else"] == {"$ref": f"#/$defs/{references(inputs)[kind]}"}


def references(inputs: dict[str, Any]) -> dict[str, str]:
    [options] = inputs["patternProperties"].values()
    return {kind: one.removeprefix("#/$defs/") for kind, one in options["discriminator"]["mapping"].items()}


def test_the_schema_describes_each_section() -> None:
    found = schema(TYPES)
    assert found["additionalProperties"] is False
    assert found["properties"]["log"]["description"]


def test_a_destination_of_live_routes_that_cannot_be_meant_ends_the_start(written: Path) -> None:
    (told,) = mistakes(written, "http: {routes_allow: ['syslog+tls://*.example:6514', 'raw+tcp://10.1.2.3/8:5']}")
    assert "http.routes_allow" in told
    assert "raw+tcp://10.1.2.3/8:5 has the host" in told
    assert "write 10.0.0.0/8" in told


def test_what_an_output_gets_is_known_when_the_file_is_read(written: Path) -> None:
    text = """
        outputs:
          whole: {type: store}
          public: {type: stdout, containers: ["web-*", "!web-9"], targets: [shop], level: warn, redact: [pii]}
        containers: [{name: db, outputs: [whole]}]
    """
    found = read(written, text)
    public = found.outputs["public"]
    assert [public.has_container(name, "", {}) for name in ("web-1", "web-9", "db")] == [True, False, False]
    assert [public.has_target(name) for name in ("shop", "db")] == [True, False]
    assert public.redact == ("pii",)
    assert found.containers[0].outputs == ("whole",)
    (told,) = mistakes(written, text.replace("redact: [pii]", "redact: [pi]"))
    assert "outputs.public.redact: pi is unknown: use " in told
    (told,) = mistakes(written, text.replace("outputs: [whole]", "outputs: [hole]"))
    assert "containers.0.outputs: there is no output hole: use whole, public" in told
    (told,) = mistakes(written, text.replace('"!web-9"', '"!"'))
    assert "outputs.public.containers.1: " in told


def test_what_is_redacted_is_known_when_the_file_is_read(written: Path) -> None:
    text = """
        outputs: {local: {type: store}}
        redact:
          sets: [secrets]
          patterns: [{name: order, pattern: 'order-(?P<secret>[0-9]+)'}]
        containers:
          - {name: db, redact: [pii, order]}
          - {name: web, redact: []}
    """
    found = read(written, text)
    assert found.redact.names == ("secrets", "order")
    assert [rule.redact for rule in found.containers] == [("pii", "order"), ()]
    (told,) = mistakes(written, text.replace("pii, order", "pii, orders"))
    assert "containers.0.redact: orders is unknown: use authorization, " in told
    (told,) = mistakes(written, text.replace("[secrets]", "[secret]"))
    assert told.startswith("3: redact: secret is unknown: use authorization, ")
    assert read(written, "outputs: {local: {type: store}}\nredact:").redact.names == ()
