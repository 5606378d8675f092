"""Laws of what Docker's own variables and contexts say of the daemon, where the configuration says nothing."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from collector.app.plugins import installed_types
from collector.config.loading import load
from collector.errors import ConfigurationError
from collector.inputs.docker import Settings as DockerInput

TYPES = installed_types()


def docker(environ: dict[str, str], **keys: Any) -> DockerInput:
    """The input with these keys of the configuration."""
    told = load(None, TYPES, {"PILOTFISH_INPUTS": json.dumps({"docker": keys})} | environ).inputs["docker"]
    assert isinstance(told, DockerInput)
    return told


def reached(environ: dict[str, str], **keys: Any) -> tuple[str, str | None]:
    told = docker(environ, **keys)
    return told.url, None if told.tls is None else str(told.tls)


def context(home: Path, name: str, endpoint: dict[str, Any], *, certificates: bool = False) -> Path:
    """As `docker context create` makes it; the directory of its certificates."""
    folder = hashlib.sha256(name.encode()).hexdigest()
    meta = home / ".docker/contexts/meta" / folder / "meta.json"
    meta.parent.mkdir(parents=True)
    meta.write_text(json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    tls = home / ".docker/contexts/tls" / folder / "docker"
    if certificates:
        tls.mkdir(parents=True)
    return tls


def use(home: Path, name: object) -> None:
    """As `docker context use` does."""
    (home / ".docker").mkdir(exist_ok=True)
    (home / ".docker/config.json").write_text(json.dumps({"auths": {}, "currentContext": name}))


@pytest.mark.parametrize(("value", "tls"), [("1", "/c"), ("0", "/c"), ("false", "/c"), ("", None), (None, None)])
def test_any_word_but_none_asks_for_tls_as_the_docker_command_has_it(value: str | None, tls: str | None) -> None:
    told = {} if value is None else {"DOCKER_TLS_VERIFY": value}
    for host in ("tcp://d", "d", "http://d:2376", "https://d"):
        assert reached({"DOCKER_HOST": host, "DOCKER_CERT_PATH": "/c"} | told)[1] == tls
    for host in ("unix://", "unix://docker.sock", ""):
        assert reached({"DOCKER_HOST": host, "DOCKER_CERT_PATH": "/c"} | told, url=host)[1] is None


def test_tls_alone_is_asked_for_where_the_docker_command_asks() -> None:
    assert reached({"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}) == ("tcp://localhost:2376", "/c")
    assert reached({"DOCKER_TLS_VERIFY": "1", "DOCKER_CONFIG": "/d"}, url="d:1") == ("tcp://d:1", "/d")


@pytest.mark.parametrize("host", ["", "  "])
def test_an_empty_host_is_the_socket(host: str) -> None:
    assert reached({"DOCKER_HOST": host}) == ("unix:///var/run/docker.sock", None)


@pytest.mark.parametrize("text", ["tcp://d", "d", "unix://", "http://d:1/x/", "[::1]:1"])
def test_an_address_is_taken_alike_from_variable_and_configuration(text: str) -> None:
    assert reached({"DOCKER_HOST": text}) == reached({}, url=text)


@pytest.mark.parametrize("text", ["ssh://d", "fd://", "npipe://x", "/var/run/docker.sock", "tcp://d:0"])
def test_what_is_no_address_is_told_with_what_named_it(text: str) -> None:
    for environ, keys, name in (({"DOCKER_HOST": text}, {}, "DOCKER_HOST"), ({}, {"url": text}, "PILOTFISH_INPUTS")):
        with pytest.raises(ConfigurationError, match=f"^{name}: inputs.docker.url: ") as told:
            docker(environ, **keys)
        assert "\n" not in str(told.value)


def test_the_context_in_use_is_followed_as_the_docker_command_does(tmp_path: Path) -> None:
    tls = context(tmp_path, "remote", {"Host": "tcp://d:2376"}, certificates=True)
    context(tmp_path, "rootless", {"Host": "unix:///run/user/1000/docker.sock"})
    home = {"HOME": str(tmp_path)}
    assert reached(home)[0] == "unix:///var/run/docker.sock"
    use(tmp_path, "remote")
    assert reached(home) == ("tcp://d:2376", str(tls))
    assert reached(home | {"DOCKER_CONTEXT": "rootless"}) == ("unix:///run/user/1000/docker.sock", None)
    assert reached(home | {"DOCKER_CONTEXT": "default"}) == ("unix:///var/run/docker.sock", None)
    assert reached(home | {"DOCKER_HOST": "tcp://e:1"}) == ("tcp://e:1", None)
    assert reached(home, url="tcp://e:1") == ("tcp://e:1", None)
    assert reached({"HOME": "/nowhere", "DOCKER_CONFIG": str(tmp_path / ".docker")}) == ("tcp://d:2376", str(tls))


def test_a_context_says_itself_whether_it_has_tls(tmp_path: Path) -> None:
    context(tmp_path, "plain", {"Host": "tcp://d"})
    environ = {"HOME": str(tmp_path), "DOCKER_CONTEXT": "plain", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"}
    assert reached(environ) == ("tcp://d", None)


@pytest.mark.parametrize("content", ["", "{", "[]", "\xff", '{"currentContext": 5}', '{"currentContext": ""}', "{}"])
def test_a_configuration_of_docker_that_names_no_context_names_the_socket(tmp_path: Path, content: str) -> None:
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker/config.json").write_text(content, encoding="latin-1")
    assert reached({"HOME": str(tmp_path)}) == ("unix:///var/run/docker.sock", None)


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        ({}, "the Docker context far cannot be read: `docker context ls` lists"),
        ({"Host": 5}, "the Docker context far cannot be read: `docker context ls` lists"),
        (
            {"Host": "ssh://d"},
            "inputs.docker.url: uses ssh, which is not supported: run the agent on the daemon's host",
        ),
        ({"Host": "tcp://d", "SkipTLSVerify": True}, "does not verify the daemon's certificate"),
    ],
)
def test_a_context_that_cannot_be_used_is_told_with_what_named_it(
    tmp_path: Path, endpoint: dict[str, Any], words: str
) -> None:
    context(tmp_path, "far", endpoint, certificates=True)
    with pytest.raises(ConfigurationError) as told:
        docker({"HOME": str(tmp_path), "DOCKER_CONTEXT": "far"})
    assert str(told.value).startswith("DOCKER_CONTEXT")
    assert words in str(told.value)
    use(tmp_path, "far")
    with pytest.raises(ConfigurationError) as told:
        docker({"HOME": str(tmp_path)})
    assert str(told.value).startswith(f"{tmp_path}/.docker/config.json")


@pytest.mark.parametrize("endpoint", [{}, {"Host": "tcp://d", "SkipTLSVerify": True}])
def test_a_context_that_cannot_be_used_is_told_with_the_options_of_the_input_that_needs_it(
    tmp_path: Path, endpoint: dict[str, Any]
) -> None:
    context(tmp_path, "far", endpoint, certificates=True)
    inputs = json.dumps({"left": {"type": "docker", "url": "tcp://d"}, "right": {"type": "docker"}})
    environ = {"HOME": str(tmp_path), "DOCKER_CONTEXT": "far", "PILOTFISH_INPUTS": inputs}
    with pytest.raises(ConfigurationError, match=r"set inputs\.right\.url"):
        load(None, TYPES, {**environ, "PILOTFISH_OUTPUTS__O__TYPE": "null"})


def test_a_context_that_is_not_there_is_told(tmp_path: Path) -> None:
    for environ in ({"DOCKER_CONTEXT": "none"}, {"DOCKER_CONTEXT": "../none", "HOME": str(tmp_path)}):
        with pytest.raises(ConfigurationError, match=r"^DOCKER_CONTEXT: the Docker context .*none cannot be read: "):
            docker(environ)
