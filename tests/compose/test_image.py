"""The image that the Dockerfile makes: small, stamped, with no rights but one, and obedient to signals."""

import json
import shlex
import time
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container
from docker.models.images import Image

from tests.compose import images
from tests.engines.dockerd import Dockerd
from tests.integration.agent import wait_until
from tests.reference import ROOT

pytestmark = pytest.mark.timeout(600)  # the first test builds the image

MEGABYTE = 10**6
DAC_READ_SEARCH = 1 << 2  # capabilities(7)
NOWHERE = {
    "PILOTFISH_OUTPUTS__ELASTIC__TYPE": "elasticsearch",
    "PILOTFISH_OUTPUTS__ELASTIC__HOSTS": "http://127.0.0.1:9",
}
LEAST: dict[str, Any] = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
Start = Callable[..., Container]


@pytest.fixture
def start(dockerd: Dockerd, image: Image) -> Iterator[Start]:
    """Starts a container of the image as the compose file does: no rights but one, socket and logs mounted."""
    started: list[Container] = []

    def start(*command: str, **options: Any) -> Container:
        volumes = [f"{dockerd.socket}:/var/run/docker.sock:ro", f"{dockerd.logs_root}:/var/lib/docker/containers:ro"]
        options = LEAST | {"cap_add": ["DAC_READ_SEARCH"], "volumes": volumes} | options
        started.append(dockerd.client().containers.run(image, list(command), detach=True, **options))
        return started[-1]

    yield start
    for container in started:
        container.remove(force=True, v=True)


def run(container: Container, *command: str) -> str:
    """What a command in it writes; it has to end well."""
    code, output = container.exec_run(list(command))
    assert code == 0, output
    assert isinstance(output, bytes)
    return output.decode()


def searched(container: Container, *arguments: str) -> str:
    """What a search in it writes; it ends with 1 while nothing is found."""
    return run(container, "sh", "-c", f"{shlex.join(['pilotfish', 'search', *arguments])} || [ $? = 1 ]")


def status(container: Container) -> dict[str, str]:
    """What the kernel says of the agent, not of its init."""
    agent = run(container, "sh", "-c", "grep -l ^Name:.pilotfish /proc/[0-9]*/status | head -1 | xargs cat")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in agent.splitlines())}


def listens(container: Container) -> None:
    wait_until(lambda: b"listening" in container.logs(), "the agent listens")


def ended(container: Container, within_seconds: float) -> int:
    """Its exit code."""
    began = time.monotonic()
    code: int = container.wait(timeout=within_seconds + 30)["StatusCode"]
    assert time.monotonic() - began < within_seconds
    return code


def test_it_adds_less_than_220_megabytes_to_its_base(dockerd: Dockerd, image: Image, told: list[str]) -> None:
    base = dockerd.client().images.get(images.BASE)
    added = (image.attrs["Size"] - base.attrs["Size"]) / MEGABYTE
    told.append(f"image: {image.attrs['Size'] / MEGABYTE:.0f} MB, {added:.0f} MB of them above its base")
    assert 20 < added < 220  # 126 without numpy, which the store's columns need


def test_it_is_stamped_with_the_version_of_the_package(start: Start, image: Image) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert image.labels["org.opencontainers.image.version"] == version
    container = start("version", volumes=[])
    assert container.wait()["StatusCode"] == 0
    assert f"pilotfish {version}," in container.logs().decode()


def test_it_holds_no_tool_that_only_the_build_needs(start: Start) -> None:
    container = start()
    absent = "! command -v pip && ! command -v gcc && ! ls /src /opt/pilotfish/lib/python3*/site-packages/pip"
    run(container, "sh", "-c", absent)


def test_it_keeps_its_state_in_data_and_nothing_else_can_be_written(start: Start) -> None:
    container = start()
    listens(container)
    assert set(run(container, "ls", "/data").split()) >= {"http_token", "positions"}
    assert "Read-only" in run(container, "sh", "-c", "! touch /opt/pilotfish/new 2>&1")


def test_it_has_one_capability_and_can_gain_none(start: Start, told: list[str]) -> None:
    container = start()
    listens(container)
    found = status(container)
    assert found["Uid"].split() == ["0"] * 4
    assert {int(found[kind], 16) for kind in ("CapPrm", "CapEff", "CapBnd")} == {DAC_READ_SEARCH}
    assert found["NoNewPrivs"] == "1"
    told.append(f"agent: uid {found['Uid'].split()[0]}, CapEff {found['CapEff']}, NoNewPrivs {found['NoNewPrivs']}")


def test_it_follows_the_daemon_s_containers_and_is_healthy(start: Start, dockerd: Dockerd) -> None:
    container = start(healthcheck={"interval": 10**9})
    listens(container)
    dockerd.run("echo", "hello from a neighbour", labels={"aliyun.logs.neighbour": "stdout"}).wait()

    def found() -> bool:
        return "hello from a neighbour" in searched(container, "neighbour", "--target", "neighbour", "-o", "json")

    wait_until(found, "its line is found")

    def is_healthy() -> bool:
        container.reload()
        return bool(container.attrs["State"]["Health"]["Status"] == "healthy")

    wait_until(is_healthy, "the image's own health check says so")


def test_docker_stop_waits_for_the_drain_and_ends_well(start: Start, dockerd: Dockerd) -> None:
    dockerd.run("echo", "a line that nobody takes").wait()
    container = start(environment=NOWHERE)
    wait_until(lambda: b"http://127.0.0.1:9" in container.logs(), "the output is away")
    began = time.monotonic()
    container.stop(timeout=10)
    assert time.monotonic() - began < 10
    assert container.wait()["StatusCode"] == 0
    assert b'"event":"stopped"' in container.logs().replace(b" ", b"")


@pytest.mark.parametrize("number", ["SIGTERM", "SIGINT"])
def test_a_signal_reaches_the_agent(start: Start, number: str) -> None:
    container = start()
    listens(container)
    container.kill(number)
    assert ended(container, 10) == 0


def test_a_stop_while_it_still_loads_needs_no_kill(start: Start) -> None:
    container = start()
    container.kill("SIGTERM")
    assert ended(container, 5) in (0, 128 + 15)


def test_any_other_user_will_do_where_the_mounts_allow_it(start: Start, tmp_path: Path) -> None:
    identity = "ab" * 32
    directory = tmp_path / "logs" / identity
    directory.mkdir(parents=True)
    (directory / "config.v2.json").write_text(json.dumps({"ID": identity, "Name": "/elsewhere", "Config": {}}))
    line = {"log": "read without any right\n", "stream": "stdout", "time": "2026-01-01T00:00:00.000000001Z"}
    (directory / f"{identity}-json.log").write_text(json.dumps(line) + "\n")
    for path in (tmp_path.parent.parent, tmp_path.parent, tmp_path):
        path.chmod(0o755)
    container = start(
        user="10001:0",
        cap_add=[],
        volumes=[f"{tmp_path}/logs:/logs:ro"],
        environment={"PILOTFISH_INPUTS__DIRECTORY__PATH": "/logs"},
    )
    listens(container)
    wait_until(lambda: "without any right" in searched(container, "right"), "the line is found")
    found = status(container)
    assert found["Uid"].split() == ["10001"] * 4
    assert int(found["CapEff"], 16) == 0
