"""The agent behind a proxy that passes on its questions alone: it misses nothing, and nobody can ask for more."""

import http.client
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.collector.cli.pilotfish import pilotfish
from tests.engines.dockerd import Dockerd
from tests.engines.haproxy import Haproxy
from tests.engines.host_image import host_image
from tests.engines.process import accepts
from tests.faults.relay import Relay
from tests.integration.agent import running, wait_until
from tests.reference import ROOT

CONFIGURATION = ROOT / "deploy/compose/haproxy.cfg"
FILES = ("-f", "compose-elk.yml", "-f", "deploy/compose/socket-proxy.yml")
ID = "0123456789abcdef" * 4

PATIENT = """\
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
frontend all
    bind {bind}
    """


def shipped(socket: str) -> str:
    """The shipped configuration before this socket, and with a minute's patience cut to a second."""
    text = CONFIGURATION.read_text()
    for there, here in (("bind :2375", "bind {bind}"), ("/var/run/docker.sock", socket), ("60s", "1s")):
        assert there in text
        text = text.replace(there, here)
    return text


@pytest.fixture
def proxy(dockerd: Dockerd) -> Iterator[Haproxy]:
    with closing(Haproxy(shipped(str(dockerd.socket)))) as proxy:
        yield proxy.start()


def configuration(dockerd: Dockerd, url: str, directory: Path) -> dict[str, Any]:
    return {
        "inputs": {"docker": {"url": url, "logs_root": str(dockerd.logs_root)}},
        "outputs": {"file": {"type": "ndjson_file", "path": str(directory / "documents.ndjson")}},
        "metrics": {"disk_usage": True},
        "state_dir": str(directory / "state"),
        "http": {"listen": "127.0.0.1:0"},
    }


def answer(host: str, port: int, method: str, path: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection(host, port, timeout=10)) as connection:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()


def test_all_that_the_agent_asks_is_passed_on(tmp_path: Path, dockerd: Dockerd, proxy: Haproxy) -> None:
    documents = tmp_path / "documents.ndjson"
    url = f"tcp://{proxy.host}:{proxy.port}"
    running_on = dockerd.run("sleep", "1000")
    with running(tmp_path, configuration(dockerd, url, tmp_path)) as agent:
        wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is known")
        # quiet for longer than the proxy is patient with anything but the event stream
        script = "echo first; sleep 4; echo last; exit 3"
        container = dockerd.run("sh", "-c", script, labels={"aliyun.logs.proxied": "stdout"})
        name = str(container.name)
        wait_until(lambda: documents.exists() and f"{name} ended with exit code 3" in documents.read_text(), "its end")
        found = [json.loads(line) for line in documents.read_text().splitlines()]
        lines = [one["log"]["message"] for one in found if one["@target"] == "proxied"]
        assert lines == ["first", "last"]
        assert agent.metric("docker_events_reconnects_total") == 0
        for operation in ("list", "inspect", "info", "version", "disk_usage", "stats"):
            labels = {"operation": operation, "code": "200"}
            wait_until(lambda labels=labels: agent.metric("docker_api_requests_total", **labels), operation)  # type: ignore[misc]
        assert agent.ready() == {"ready": True, "reasons": []}
        checked = pilotfish(tmp_path, "check", "-c", str(agent.config))
        assert f"ok    docker: {url}" in checked.out
    for each in (container, running_on):
        each.remove(force=True)


REFUSED = [
    ("POST", "/v1.41/containers/create"),
    ("POST", f"/v1.41/containers/{ID}/stop"),
    ("POST", f"/containers/{ID}/json"),
    ("DELETE", f"/v1.41/containers/{ID}"),
    ("PUT", f"/v1.41/containers/{ID}/archive?path=/"),
    ("GET", f"/v1.41/containers/{ID}/archive?path=/etc"),
    ("GET", f"/v1.41/containers/{ID}/export"),
    ("GET", f"/v1.41/containers/{ID}/logs?stdout=1"),
    ("GET", f"/v1.41/containers/{ID}/attach/ws?stdin=1&stream=1"),
    ("GET", "/v1.41/containers/web/json"),
    ("GET", "/v1.41/containers/../images/json"),
    ("GET", "/v1.41/containers/%2e%2e/secrets/json"),
    ("GET", f"/v1.41/containers/{ID}/json/../../../secrets"),
    ("GET", "/v1.41/secrets"),
    ("GET", "/v1.41/images/json"),
    ("GET", "/v1.41/swarm/unlockkey"),
    ("HEAD", "/v1.41/info"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED, ids=[" ".join(each) for each in REFUSED])
def test_nothing_else_is_passed_on(proxy: Haproxy, method: str, path: str) -> None:
    status, body = answer(proxy.host, proxy.port, method, path)
    assert status == 403
    assert method == "HEAD" or b"refused by the socket proxy" in body


def test_a_connection_cannot_become_another_protocol(dockerd: Dockerd) -> None:
    passed_on: list[bytes] = []
    socket = dockerd.directory / "seen.sock"
    relay = Relay(socket, dockerd.socket, seen=lambda _, content: passed_on.append(content))
    with closing(Haproxy(shipped(str(socket)))) as proxy:
        proxy.start()
        with closing(http.client.HTTPConnection(proxy.host, proxy.port, timeout=10)) as connection:
            connection.request("GET", "/v1.41/info", headers={"Connection": "Upgrade", "Upgrade": "h2c"})
            assert connection.getresponse().status == 200
    relay.cut()
    assert b"GET /v1.41/info" in b"".join(passed_on)
    assert b"upgrade" not in b"".join(passed_on).lower()


@pytest.mark.parametrize("body", ['{"message":"not allowed here"}', "<html><h1>403 Forbidden</h1></html>", "{}"])
def test_a_proxy_that_refuses_a_question_is_told(tmp_path: Path, dockerd: Dockerd, body: str) -> None:
    kind = "application/json" if body.startswith("{") else "text/html"
    refusing = f"{PATIENT}http-request return status 403 content-type {kind} string '{body}'\n"
    with closing(Haproxy(refusing)) as proxy:
        url = f"tcp://{proxy.host}:{proxy.start().port}"
        config = tmp_path / "pilotfish.yml"
        config.write_text(json.dumps(configuration(dockerd, url, tmp_path)))
        checked = pilotfish(tmp_path, "check", "-c", str(config))
    assert checked.code == 1
    (told,) = [line for line in checked.out.splitlines() if line.startswith("fail")]
    assert told.startswith(f"fail  docker: Docker at {url} does not answer (refused with ")
    assert "fix: a proxy in front of it must allow GET of " in checked.out


@pytest.mark.engines
def test_the_sidecar_of_the_override_has_no_socket_and_the_proxy_no_port() -> None:
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["docker-compose", *FILES, "config"], cwd=ROOT, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)
    agent, proxy = found["services"]["pilotfish"], found["services"]["socket-proxy"]
    assert not [one for one in agent["volumes"] if one.startswith("/var/run/docker.sock")]
    assert "/dev/null:/var/run/docker.sock:ro" in agent["volumes"]
    assert agent["environment"]["PILOTFISH_INPUTS__DOCKER__URL"] == "tcp://socket-proxy:2375"
    assert "bind :2375" in CONFIGURATION.read_text()
    assert set(agent["networks"]) == {"default", "socket-proxy"}
    assert "ports" not in proxy
    assert set(proxy["networks"]) == {"socket-proxy"}
    assert found["networks"]["socket-proxy"]["internal"] is True
    assert proxy["labels"]["pilotfish.exclude"] == "true"
    mounted = [one for one in proxy["volumes"] if str(CONFIGURATION) in one]
    assert mounted == [f"{CONFIGURATION}:/usr/local/etc/haproxy/haproxy.cfg:ro"]


@pytest.mark.engines
def test_the_proxy_of_the_override_works_with_the_rights_that_it_has_there(tmp_path: Path) -> None:
    """With this machine's haproxy in an image that stands in for the registry's."""
    with closing(Dockerd()) as dockerd:
        dockerd.start()
        dockerd.client().api.import_image_from_data(host_image(), repository="haproxy", tag="host")
        programs = [f"{path}:{path}:ro" for path in ("/usr/lib", "/usr/lib64", "/usr/sbin")]
        command = ["/usr/sbin/haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]
        here = tmp_path / "here.yml"
        here.write_text(json.dumps({"services": {"socket-proxy": {"entrypoint": command, "volumes": programs}}}))
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DOCKER_HOST": dockerd.url,
            "DOCKER_SOCKET": str(dockerd.socket),
            "SOCKET_PROXY_IMAGE": "haproxy:host",
            "COMPOSE_PROJECT_NAME": "proxied",
        }
        compose = ["docker-compose", *FILES, "-f", str(here)]
        try:
            subprocess.run([*compose, "up", "-d", "--no-deps", "socket-proxy"], cwd=ROOT, env=environ, check=True)
            (proxy,) = dockerd.client().containers.list(filters={"label": "com.docker.compose.service=socket-proxy"})
            rights = proxy.attrs["HostConfig"]
            assert rights["ReadonlyRootfs"]
            assert (rights["CapDrop"], rights["CapAdd"]) == (["ALL"], None)
            assert rights["SecurityOpt"] == ["no-new-privileges:true"]
            (network,) = proxy.attrs["NetworkSettings"]["Networks"].values()
            wait_until(lambda: accepts(network["IPAddress"], 2375), "it listens")
            status, body = answer(network["IPAddress"], 2375, "GET", "/version")
            assert (status, b"ApiVersion" in body) == (200, True)
            assert answer(network["IPAddress"], 2375, "GET", "/images/json")[0] == 403
        finally:
            subprocess.run([*compose, "down", "--volumes", "--timeout", "1"], cwd=ROOT, env=environ, check=True)
