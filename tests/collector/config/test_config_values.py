"""Every value that is accepted runs: all keys, each with values that nobody should write and somebody does."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from inspect import get_annotations
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from collector.app.agent import Agent
from collector.app.plugins import installed_types
from collector.config.environment import SECTIONS, kinds
from collector.config.loading import load
from collector.config.models import Configuration
from collector.config.show import show
from collector.errors import ConfigurationError, PilotfishError
from collector.files import paths
from collector.inputs.docker import Settings as DockerInput
from collector.net.options import HostList
from collector.ports import OutputContext
from shippers.elasticsearch.settings import Settings as Elasticsearch
from tests.collector.docker_lines import raw

TYPES = installed_types()
AT_WORK_SECONDS = 0.05
CONTAINER = "c" * 64
NASTY: dict[str, Any] = {
    "huge": 10**30,
    "just too long for a clock": 1e300,
    "larger than any disk": 1 << 62,
    "tiny": 1e-300,
    "negative": -1,
    "negative and huge": -(10**30),
    "zero": 0,
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
    "no number": float("nan"),
    "a NUL": "a\0b",
    "a NUL in a path": "/tmp/a\0b",
    "a NUL in a URL": "http://a\0b:80",
    "very long": "x" * 20_000,
    "a name too long": "x" * 300,
    "a path too long": "/" + "x/" * 3000,
    "empty": "",
    "blank": " ",
    "half a surrogate pair": "\ud800",
    "a byte that is not UTF-8": "\udcff",
    "several lines": "a\nb\r\nc",
    "a terminal's escape": "\x1b[2J",
    "yes": True,
    "no": False,
    "off": "off",
    "null": None,
    "a list": [1],
    "a deep list": [[[[[[[["x"]]]]]]]],
    "a section": {"a": "b"},
    "a home": "~",
    "nobody's home": "~nobody-of-that-name/x",
    "a long duration": "999999w",
    "a long duration of days": "999999d",
    "a port of many digits": "127.0.0.1:" + "9" * 5000,
    "a host that is none": "a..b:0",
    "a URL without a port": "http://127.0.0.1:",
    "a URL with a port that is none": "http://127.0.0.1:99999/x",
    "a URL with half an address": "http://[::1/x",
    "a daemon with a port that is none": "tcp://127.0.0.1:99999",
    "Unicode": "ünï",
}
DUMPED = {what: yaml.safe_dump([value], default_flow_style=True, width=1 << 20)[1:-2] for what, value in NASTY.items()}
OUTPUTS: dict[str, dict[str, Any]] = {
    "elasticsearch": {"hosts": ["http://127.0.0.1:1"], "template": "off", "username": "u", "password": "p"},
    "redis": {"hosts": ["redis://127.0.0.1:1"]},
}
NEEDED = {"bucket": "logs", "brokers": ["127.0.0.1:1"]}
INPUTS: dict[str, dict[str, Any]] = {
    "docker": {"url": "unix:///nowhere.sock"},
    "directory": {"path": "tree"},
    "files": {"paths": ["/nowhere/*.log"]},
    "kafka": {"brokers": ["127.0.0.1:1"]},
}


def keys_of(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Every key that a section has, and those of the sections in it."""
    for key, field in model.model_fields.items():
        yield (*above, key)
        for kind in kinds(field.annotation):
            if isinstance(kind, type) and issubclass(kind, BaseModel) and key not in SECTIONS:
                yield from keys_of(kind, (*above, key))


def output_of(kind: str) -> dict[str, Any]:
    """The least that an output of this type needs."""
    model = TYPES.outputs[kind]
    hosts = ["http://127.0.0.1:1" if issubclass(model, HostList) else "127.0.0.1:1"]
    needed = [name for name, field in model.model_fields.items() if field.is_required() and name != "type"]
    return OUTPUTS.get(kind) or {name: ({"hosts": hosts} | NEEDED)[name] for name in needed}


def is_of_its_own(key: tuple[str, ...]) -> bool:
    """Whether no other output has the key from the same place: `elasticsearch` stands for all that share one."""
    if key[0] != "outputs" or key[1] == "elasticsearch":
        return True
    owners = (one for one in TYPES.outputs[key[1]].__mro__ if key[2] in get_annotations(one))
    return next(owners).__module__.startswith(f"shippers.{key[1]}")


KEYS = sorted(
    {
        *keys_of(Configuration, ()),
        *(
            key
            for section in SECTIONS
            for kind in getattr(TYPES, section)
            for key in keys_of(getattr(TYPES, section)[kind], (section, kind))
            if is_of_its_own(key)
        ),
    }
)


def written(path: tuple[str, ...], value: object, state: Path) -> dict[str, Any]:
    """A good configuration with this one value in it."""
    kind = path[1] if path[0] == "outputs" and len(path) > 1 else "null"
    source = path[1] if path[0] == "inputs" and len(path) > 1 else "directory"
    values: dict[str, Any] = {
        "state_dir": str(state),
        "drain_seconds": 0.01,
        "http": {"listen": "127.0.0.1:0"},
        "inputs": {source: dict(INPUTS[source])},
        "outputs": {kind: {"type": kind, **output_of(kind)}},
    }
    here = values
    for key in path[:-1]:
        here = here.setdefault(key, {})
    if path[0] == "outputs" and len(path) > 1:
        here.setdefault("linger_seconds", 0)
    here[path[-1]] = value
    return values


def loaded(file: Path, environ: Mapping[str, str]) -> tuple[Configuration | None, str]:
    """The configuration, or what is wrong with it."""
    try:
        return load(file, TYPES, environ), ""
    except ConfigurationError as error:
        return None, str(error)


async def starts(configuration: Configuration) -> None:
    """Run an agent until a line has gone through it, or would have, and stop it."""
    agent = Agent(configuration)
    loop = asyncio.get_running_loop()
    end = loop.time() + AT_WORK_SECONDS

    def look() -> None:
        if loop.time() > end or any(one.ledger.acknowledged for one in agent.pipelines):
            agent.stop()
        else:
            loop.call_later(AT_WORK_SECONDS / 20, look)

    async with asyncio.timeout(20):
        await agent.run(on_ready=look)


TRIED = [  # those of inputs and outputs, half a second each, in the whole suite alone
    pytest.param(key, marks=[pytest.mark.slow] if key[0] in SECTIONS and len(key) == 3 else []) for key in KEYS
]


@pytest.mark.parametrize("path", TRIED, ids=".".join)
async def test_a_value_is_refused_with_its_key_or_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    log = tmp_path / "tree" / CONTAINER / f"{CONTAINER}-json.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(raw("hello\n", time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000000000Z"))
    (log.parent / "config.v2.json").write_text(json.dumps({"ID": CONTAINER, "Name": "/web", "Config": {"Labels": {}}}))
    file = tmp_path / "pilotfish.yml"
    text = yaml.safe_dump(written(path, "THIS", tmp_path / "stateNUMBER"))  # once: it takes longer than to load it
    for number, (what, value) in enumerate(NASTY.items()):
        file.write_text(text.replace("NUMBER", str(number)).replace("THIS", DUMPED[what]))
        configuration, told = loaded(file, {"HOME": str(tmp_path)})
        if configuration is None:
            assert path[0] in told, what
            continue
        show(configuration).encode("utf-8", "replace")
        if path[0] == "state_dir" and configuration.state_dir == tmp_path / "home":
            continue  # a home is no state directory of ours, and nothing is to be made in it
        try:
            await starts(configuration)
        except PilotfishError:
            assert not isinstance(value, int | float), f"{what}: accepted, and refused at the start"


@pytest.mark.parametrize("path", [each for each in KEYS if len(each) == 3], ids=".".join)
def test_the_same_in_the_environment(tmp_path: Path, path: tuple[str, ...]) -> None:
    values = written(path, "", tmp_path)
    values[path[0]][path[1]].pop(path[2])
    file = tmp_path / "pilotfish.yml"
    file.write_text(yaml.safe_dump(values))
    deep = {"deep": "[" * 100_000, "deep and whole": '{"a":' * 900 + "1" + "}" * 900}
    for value in [*NASTY.values(), *deep.values(), "9" * 5000, "nan", "inf", "1e999"]:
        text = str(value)
        if "\0" in text or "\ud800" in text:
            continue  # no environment holds these
        environ = {f"PILOTFISH_{'__'.join(path).upper()}": text}
        configuration, told = loaded(file, environ)
        assert configuration is None or show(configuration)
        assert configuration or told


def test_every_number_has_an_end() -> None:
    """What has none is a clock's or a disk's overflow that somebody finds."""
    for path in KEYS:
        model: Any = Configuration
        if path[0] in SECTIONS and len(path) == 3:
            model = getattr(TYPES, path[0])[path[1]]
        elif len(path) == 2:
            model = next(iter(kinds(Configuration.model_fields[path[0]].annotation)))
        field = getattr(model, "model_fields", {}).get(path[-1])
        if field is not None and set(kinds(field.annotation)) & {int, float}:
            described = model.model_json_schema()["properties"][path[-1]]
            assert {"maximum"} <= described.keys(), path


# ---------------------------------------------------------------- the file


def refused(tmp_path: Path, text: str) -> str:
    file = tmp_path / "pilotfish.yml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as raised:
        load(file, TYPES, {})
    return str(raised.value)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 3000 + "]" * 3000,
        "host: " + "[" * 100_000,
        "\n".join(f"{' ' * n}a{n}:" for n in range(1000)),
        "outputs: " + "{a: " * 3000 + "1" + "}" * 3000,
        "".join(f"&a{n} [" for n in range(3000)),
    ],
    ids=["flow", "broken flow", "block", "mappings", "anchors"],
)
def test_a_file_of_very_many_levels_is_refused(tmp_path: Path, text: str) -> None:
    assert "more than 32 levels" in refused(tmp_path, text)


def test_a_file_whose_aliases_explode_is_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 20)]
    assert "use fewer aliases" in refused(tmp_path, "\n".join(lines))


@pytest.mark.parametrize("text", ["workers: " + "9" * 5000, "workers: !!int x", "host: !!timestamp x", "a: !!float ''"])
def test_a_value_that_is_no_value_is_told(tmp_path: Path, text: str) -> None:
    assert "put" in refused(tmp_path, text)


@pytest.mark.parametrize("word", ["off", "Off", "OFF", "'off'", "no", "No", "NO", "false", "False"])
def test_off_is_off_as_our_pages_write_it(tmp_path: Path, word: str) -> None:
    file = tmp_path / "pilotfish.yml"
    file.write_text(
        f"http: {word}\noutputs:\n  e:\n    type: elasticsearch\n    hosts: [http://es]\n"
        f"    template: {word}\n    verify: {word}\n    compress: {word}\n"
    )
    configuration = load(file, TYPES, {})
    output = configuration.outputs["e"]
    assert isinstance(output, Elasticsearch)
    assert (output.template, output.verify, output.compress) == ("off", False, False)
    assert configuration.http.address is None


def test_words_are_texts_though_old_yaml_has_other_ideas_of_them(tmp_path: Path) -> None:
    file = tmp_path / "pilotfish.yml"
    file.write_text("host: no\noutputs:\n  on: {type: stdout}\n  yes: {type: ndjson_file, path: 2026-11-20}\n")
    configuration = load(file, TYPES, {})
    assert configuration.host == "no"
    assert list(configuration.outputs) == ["on", "yes"]


# ---------------------------------------------------------------- paths


def test_a_home_is_meant_wherever_a_path_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    file = tmp_path / "pilotfish.yml"
    file.write_text(
        "state_dir: ~/state\ninputs: {docker: {url: tcp://d:1, tls: ~/certs, logs_root: '~'}}\noutputs:\n"
        "  f: {type: ndjson_file, path: ~/out}\n"
        "  e: {type: elasticsearch, hosts: [http://es], ca_file: ~/a, client_cert_file: ~/c, client_key_file: ~/k}\n"
    )
    environ = {"PILOTFISH_OUTPUTS__E__API_KEY_FILE": "~/key"}
    configuration = load(file, TYPES, environ)
    docker, output = configuration.inputs["docker"], configuration.outputs["e"]
    assert isinstance(docker, DockerInput)
    assert isinstance(output, Elasticsearch)
    assert configuration.state_dir == tmp_path / "state"
    assert (docker.tls, docker.logs_root) == (tmp_path / "certs", tmp_path)
    assert [output.ca_file, output.client_cert_file, output.client_key_file] == [tmp_path / name for name in "ack"]
    assert output.api_key_file == tmp_path / "key"
    assert str(tmp_path / "out") in configuration.outputs["f"].writes(OutputContext("f", tmp_path / "x"))


@pytest.mark.parametrize(
    "paths_of_two",
    [
        ("/same", "/same"),
        ("/a/../same", "/same"),
        ("/same", "/same.2"),
        ("{tmp}/link/x", "{tmp}/x"),
        ("../b/b.ndjson", None),
    ],
    ids=["one path", "one path in two ways", "a rotated name", "through a link", "the default of the other"],
)
def test_two_outputs_with_one_file_are_refused(tmp_path: Path, paths_of_two: tuple[str, str | None]) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    lines = [f"state_dir: {tmp_path}/state", "outputs:"]
    for name, path in zip("ab", paths_of_two, strict=True):
        where = f", path: {path.format(tmp=tmp_path)}" if path else ""
        lines.append(f"  {name}: {{type: ndjson_file{where}}}")
    assert "the outputs a and b both write" in refused(tmp_path, "\n".join(lines))


def test_two_outputs_to_standard_output_are_refused(tmp_path: Path) -> None:
    assert "both write to standard output" in refused(tmp_path, "outputs: {a: {type: stdout}, b: {type: stdout}}")


# ---------------------------------------------------------------- what a file holds


def opened(tmp_path: Path, option: str, file: Path) -> None:
    given = {"username": "u"} if option == "password_file" else {}
    settings = Elasticsearch.model_validate({"hosts": ["https://es"], option: str(file), **given})
    settings.open(OutputContext("e", tmp_path))


@pytest.mark.parametrize("option", ["password_file", "client_cert_file"])
def test_a_pipe_without_a_writer_is_told_and_not_waited_for(tmp_path: Path, option: str) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigurationError, match=f"{option}: cannot read .*pipe"):
        opened(tmp_path, option, pipe)


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full"])
@pytest.mark.parametrize("option", ["password_file", "api_key_file", "ca_file", "client_cert_file"])
def test_a_device_without_end_is_told(tmp_path: Path, option: str, device: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{option}: cannot read {device}"):
        opened(tmp_path, option, Path(device))


def test_a_configuration_that_never_ends_is_told() -> None:
    with pytest.raises(ConfigurationError, match="larger than 1024 KiB"):
        load(Path("/dev/zero"), TYPES, {})


def test_a_pipe_with_a_writer_is_read_as_shells_make_them(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=[b"\xef\xbb\xbfsecret\n"])
    writer.start()
    assert paths.content(pipe) == b"\xef\xbb\xbfsecret\n"
    writer.join()


def test_a_secret_has_no_byte_order_mark(tmp_path: Path) -> None:
    from collector.net import remote

    file = tmp_path / "secret"
    file.write_bytes(b"\xef\xbb\xbfgeheim\r\n")
    assert remote.secret(file, "x") == "geheim"
    assert remote.secret("\ufeffgeheim", "x") == "geheim"
    file.write_text("geheim\n", "utf-16")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        remote.secret(file, "x")


def test_the_variables_of_docker_name_homes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    environ: Mapping[str, str] = {"DOCKER_HOST": "tcp://d:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "~/c"}
    docker = load(None, TYPES, environ).inputs["docker"]
    assert isinstance(docker, DockerInput)
    assert docker.tls == tmp_path / "c"


# ------------------------------------------------------------------ an output in the stead of another


@pytest.mark.parametrize(
    ("fallbacks", "told"),
    [
        ({"a": "x"}, "outputs.a.fallback: there is no output 'x': use another of a, b, c"),
        ({"a": "a"}, "outputs.a.fallback: a → a is a circle: let one of them have no fallback"),
        ({"a": "b", "b": "c", "c": "a"}, "outputs.c.fallback: a → b → c → a is a circle"),
        ({"a": "b", "b": "c"}, ""),
    ],
)
def test_a_fallback_is_another_output_and_no_circle(tmp_path: Path, fallbacks: dict[str, str], told: str) -> None:
    path = tmp_path / "pilotfish.yml"
    outputs = {name: {"type": "ndjson_file", "fallback": fallbacks.get(name)} for name in ("a", "b", "c")}
    path.write_text(json.dumps({"outputs": outputs}))
    if told:
        with pytest.raises(ConfigurationError) as error:
            load(path, installed_types(), environ={})
        assert told in str(error.value)
    else:
        assert load(path, installed_types(), environ={}).outputs["b"].fallback == "c"


@pytest.mark.parametrize(("own", "is_fine"), [([], False), (["pii"], False), (["pii", "secrets"], True)])
def test_a_fallback_removes_nothing_more_from_lines_since_it_gets_them_as_they_are(
    tmp_path: Path, own: list[str], is_fine: bool
) -> None:
    path = tmp_path / "pilotfish.yml"
    first = {"type": "ndjson_file", "fallback": "b", "redact": own}
    path.write_text(json.dumps({"outputs": {"a": first, "b": {"type": "ndjson_file", "redact": ["secrets"]}}}))
    if is_fine:
        assert load(path, installed_types(), environ={}).outputs["a"].fallback == "b"
        return
    with pytest.raises(ConfigurationError, match="b has redact secrets, which a has not: add it"):
        load(path, installed_types(), environ={})


def test_an_output_of_a_relay_does_not_choose_by_labels_which_documents_do_not_tell(tmp_path: Path) -> None:
    path = tmp_path / "pilotfish.yml"
    outputs = {"a": {"type": "null", "container_labels": {"tier": "web"}}}
    path.write_text(json.dumps({"inputs": {"kafka": {"brokers": ["kafka:9092"]}}, "outputs": outputs}))
    with pytest.raises(ConfigurationError, match="container_labels has no effect on the documents of inputs"):
        load(path, installed_types(), environ={})
    path.write_text(json.dumps({"outputs": outputs}))
    load(path, installed_types(), environ={})
