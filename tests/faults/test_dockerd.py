"""A real dockerd under the agent: scenarios 13, 16, 26 and 32. What it wrote is read from its own files."""

import gzip
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from docker.models.containers import Container as DockerContainer

from tests.engines.dockerd import Dockerd
from tests.faults.relay import Relay
from tests.faults.rig import Rig
from tests.faults.verifier import accepted_in
from tests.faults.versions import Versions
from tests.faults.written import Container, File, Line, Written, digest
from tests.integration.agent import wait_until
from tests.needs import marks

_BURST = 'i=0; while [ $i -lt $LINES ]; do i=$((i+1)); echo "$NAME line $i"; done; '


@pytest.fixture
@marks("engines")
def daemon() -> Iterator[Dockerd]:
    """Of this test alone: it is restarted. Its containers live on without it."""
    with closing(Dockerd(arguments=["--live-restore"])) as one:
        one.start()
        yield one


def start(rig: Rig, daemon: Dockerd, **docker: Any) -> None:
    inputs = {"docker": {"url": daemon.url, "logs_root": str(daemon.logs_root), "events": False} | docker}
    rig.start(inputs=inputs)


def burst(daemon: Dockerd, name: str, lines: int, then: str = "", **options: Any) -> DockerContainer:
    environment = {"LINES": str(lines), "NAME": name}
    return daemon.run("sh", "-c", _BURST + then, name=name, environment=environment, **options)


def written_by(daemon: Dockerd, containers: list[DockerContainer]) -> Written:
    """The lines in the daemon's own files, which are short enough that none is in pieces."""
    written = Written()
    for each in containers:
        name = str(each.name)
        written.containers.append(Container(name, name, [File(0)]))
        folder = daemon.logs_root / str(each.id)
        entries = [orjson.loads(line) for path in folder.glob("*-json.log*") for line in _content(path).splitlines()]
        written.lines[name] = [
            Line(entry["time"], entry["stream"], digest(entry["log"].removesuffix("\n")), 0, 0, len(entry["log"]))
            for entry in entries
        ]
    return written


def _content(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def texts_of(rig: Rig, name: str) -> list[str]:
    """The lines of a container that have arrived."""
    rig.endpoint.told()
    return [
        str(document.source["log"]["message"])
        for document in accepted_in(rig.endpoint.accepted)
        if document.source["docker_container"] == name
    ]


@pytest.mark.scenario(13, "--rm seconds after a burst (real dockerd)", seeds=2)
def test_scenario_13_a_container_that_removes_itself_is_read_or_told(rig: Rig, dockerd: Dockerd) -> None:
    lines = 3_000
    start(rig, dockerd)
    names = [f"gone-{rig.seed}-{number}" for number in range(5)]
    for number, name in enumerate(names):
        burst(dockerd, name, lines, f"sleep {number * 0.3}", auto_remove=True)
    running = dockerd.client().containers
    wait_until(lambda: not [each for each in running.list() if each.name in names], "they are gone", seconds=60)
    rig.settle(patiently=True)
    silent = []
    for name in names:
        texts = texts_of(rig, name)
        assert len(set(texts)) == len(texts)
        rig.outcome.written += lines
        rig.outcome.lost += lines - len(texts)
        silent += [name] if len(texts) < lines else []
    gaps = rig.looks.over_lives("pilotfish_rotation_gaps_total")
    missed = rig.agent.metric("docker_containers_missed_total")
    assert len(silent) <= gaps + missed, f"{silent} are not whole, {gaps} gaps and {missed} missed are counted"
    assert not _held_without_name(rig.agent.pid)
    rig.check_bounds()
    rig.outcome.passed = True


def _held_without_name(pid: int) -> list[str]:
    links = [str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()]
    return [link for link in links if link.endswith("-json.log (deleted)")]


@pytest.mark.scenario(16, "no newline at exit, started again", seeds=2)
def test_scenario_16_a_real_container_that_ends_without_a_newline_starts_a_new_line(rig: Rig, dockerd: Dockerd) -> None:
    name = f"unended-{rig.seed}"
    start(rig, dockerd)
    container = dockerd.run("sh", "-c", "echo first; printf 'no end'", name=name)
    container.wait()
    container.start()
    container.wait()
    container.start()
    container.wait()
    wait_until(lambda: len(texts_of(rig, name)) == 6, "six lines are there", seconds=20)
    rig.settle(patiently=True)
    assert sorted(texts_of(rig, name)) == ["first"] * 3 + ["no end"] * 3
    rig.written.merge(written_by(dockerd, [container]))
    rig.verdict()
    container.remove()


@pytest.mark.scenario(26, "dockerd restarts, events cut, agent first (real dockerd)", seeds=1)
def test_scenario_26_an_agent_finds_every_container_whatever_events_it_missed(rig: Rig, daemon: Dockerd) -> None:
    count = 120 if rig.full else 60  # five events each: the daemon remembers 256
    daemon.stop()
    relay = Relay(daemon.directory / "relay.sock", daemon.socket)
    rig.defer(relay.cut)
    start(rig, daemon, url=relay.url)
    daemon.start()
    steady = burst(daemon, "steady", 10, "while true; do echo tick; sleep 0.01; done")
    wait_until(lambda: len(texts_of(rig, "steady")) > 100, "the first container is followed", seconds=30)
    relay.cut()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda number: burst(daemon, f"unseen-{number}", 50), range(count)))
        list(pool.map(lambda each: each.wait(), found))
    relay.mend()
    wait_until(lambda: len(texts_of(rig, f"unseen-{count - 1}")) == 50, "the last one is there", seconds=60)
    daemon.stop()  # live-restore: `steady` writes on into a pipe that nobody empties
    daemon.start()
    after = burst(daemon, "after", 50)
    after.wait()
    wait_until(lambda: len(texts_of(rig, "after")) == 50, "a later one is there", seconds=60)
    steady = daemon.client().containers.get("steady")
    steady.kill()
    rig.settle(patiently=True)
    rig.written.merge(written_by(daemon, [steady, after, *found]))
    rig.verdict()


@pytest.mark.scenario(32, "engine up- and downgraded: API 1.41, 1.44 to 1.52, 1.41 (real dockerd)", seeds=1)
def test_scenario_32_an_engine_of_another_version_is_followed_without_a_restart(rig: Rig, daemon: Dockerd) -> None:
    front = Versions(daemon.directory / "front.sock", daemon.socket)
    rig.defer(front.close)
    start(rig, daemon, url=front.url)
    found: list[DockerContainer] = []
    for least, newest in ((12, 41), (44, 52), (12, 41)):
        front.change(least, newest)
        name = f"under-1-{newest}-{len(found)}"
        found.append(burst(daemon, name, 50))
        wait_until(lambda name=name: len(texts_of(rig, name)) == 50, f"{name} is followed", seconds=30)  # type: ignore[misc]
        wait_until(lambda: rig.agent.metric("docker_events_connected") == 1, "events are heard", seconds=30)
        assert rig.agent.ready() == {"ready": True, "reasons": []}
    assert front.refused <= 2 * 3  # discovery and metrics find out, and agree anew
    rig.settle(patiently=True)
    rig.written.merge(written_by(daemon, found))
    rig.verdict()
