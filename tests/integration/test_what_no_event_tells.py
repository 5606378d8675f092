"""A real daemon whose checks stop and whose starts fail, and a swarm that crashes: what is told, and alerted."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import docker.errors
import pytest
from docker.types import RestartPolicy

from tests.dashboards.scaled import scaled
from tests.engines.dockerd import Dockerd
from tests.engines.prometheus import Alert, Prometheus
from tests.engines.swarm import Swarm
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.monitoring import RULES
from tests.needs import marks

SECOND = 1_000_000_000
# Many retries: a check that outlasts a second, or that the daemon's end cuts off, does not make it unhealthy.
CHECK = {"test": ["CMD-SHELL", "true"], "interval": SECOND, "timeout": SECOND, "retries": 100}
FOR_EVER = ("sh", "-c", "while :; do sleep 1; done")
LOOK_SECONDS = 40  # at each container that may have changed: 15 s, and what a slow machine adds


class Stage(NamedTuple):
    dockerd: Dockerd
    agent: AgentProcess

    def value(self, series: str, name: str, **labels: str) -> float:
        return self.agent.metric(series, name=name, **labels)


@pytest.fixture(scope="module")
@marks("engines")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    directory = tmp_path_factory.mktemp("events")
    with closing(Dockerd(arguments=["--live-restore"])) as dockerd:
        dockerd.start()
        with running(directory, configuration(dockerd, directory)) as agent:
            yield Stage(dockerd, agent)


def configuration(dockerd: Dockerd, directory: Path) -> dict[str, Any]:
    return {
        "inputs": {"docker": {"url": dockerd.url, "logs_root": str(dockerd.logs_root)}},
        "outputs": {"file": {"type": "ndjson_file", "path": str(directory / "documents.ndjson")}},
    }


@pytest.mark.parametrize(("command", "code"), [("/nosuch", 127), ("/etc", 126)])
def test_a_start_that_failed_is_told_with_its_code_and_its_reason(stage: Stage, command: str, code: int) -> None:
    name = f"fails-{code}"
    with pytest.raises(docker.errors.APIError):
        stage.dockerd.run(command, name=name)
    wait_until(lambda: stage.value("docker_container_start_failed", name) == 1, "it is seen", seconds=LOOK_SECONDS)
    assert stage.value("docker_container_last_exit_code", name) == code
    told = [line for line in stage.agent.log.read_text().splitlines() if name in line and "failed to start" in line]
    assert len(told) == 1
    assert command in told[0]
    stage.dockerd.client().containers.get(name).remove()


def test_one_that_ran_and_cannot_be_started_again_is_told_until_it_can(stage: Stage, tmp_path: Path) -> None:
    mounted = tmp_path / "mounted"
    mounted.touch()
    container = stage.dockerd.run("true", name="later", volumes=[f"{mounted}:/mounted:ro"])
    container.wait()
    mounted.unlink()
    mounted.mkdir()
    with pytest.raises(docker.errors.APIError):
        container.start()
    wait_until(lambda: stage.value("docker_container_start_failed", "later") == 1, "it is seen", seconds=LOOK_SECONDS)
    assert stage.value("docker_container_last_exit_code", "later") == 127
    mounted.rmdir()
    mounted.touch()
    container.start()
    wait_until(lambda: stage.value("docker_container_start_failed", "later") == 0, "it could be started")


def test_each_start_of_one_with_a_check_is_a_health_that_becomes_starting(stage: Stage) -> None:
    container = stage.dockerd.run(*FOR_EVER, name="checked", healthcheck=CHECK)

    def became(status: str) -> float:
        return stage.value("docker_container_health_transitions_total", "checked", status=status)

    wait_until(lambda: became("healthy") == 1, "it is healthy")
    assert became("starting") == 1
    container.restart(timeout=0)
    wait_until(lambda: became("healthy") == 2, "it is healthy again")
    assert (became("starting"), became("unhealthy")) == (2, 0)
    container.remove(force=True)


def test_a_check_that_runs_is_due_later_and_one_that_the_daemon_has_forgotten_is_overdue(stage: Stage) -> None:
    """As with `live-restore` of engines with moby 41871: it stays healthy, whatever happens in it."""
    container = stage.dockerd.run(*FOR_EVER, name="forgotten", healthcheck=CHECK)

    def due() -> float:
        return stage.value("docker_container_health_check_due_timestamp_seconds", "forgotten")

    def last() -> float:
        return stage.value("docker_container_health_last_check_timestamp_seconds", "forgotten")

    wait_until(lambda: last() > 0, "its check ran", seconds=LOOK_SECONDS)
    before = last()
    wait_until(lambda: last() > before, "it is seen that it goes on", seconds=LOOK_SECONDS)
    assert due() == pytest.approx(last() + 3)
    stage.dockerd.stop()
    stage.dockerd.start()
    wait_until(lambda: stage.agent.metric("docker_up") == 1, "the daemon is back", seconds=LOOK_SECONDS)
    time.sleep(LOOK_SECONDS)
    container.reload()
    health = container.attrs["State"]["Health"]
    print(health["Status"], health["Log"][-1]["End"], time.time() - due())
    assert health["Status"] == "healthy"
    assert last() <= time.time()
    is_forgotten = time.time() - last() > LOOK_SECONDS - 5
    assert (time.time() - due() > LOOK_SECONDS / 2) == is_forgotten


@pytest.mark.engines
def test_a_swarm_s_service_that_crash_loops_is_one_alert(tmp_path: Path) -> None:
    """All times of the rules divided by thirty."""
    with closing(Dockerd()) as dockerd, closing(Swarm(dockerd)) as swarm:
        dockerd.start()
        swarm.start()
        with running(tmp_path, configuration(dockerd, tmp_path)) as agent:
            prometheus = Prometheus({"pilotfish": f"{agent.address}/metrics"}, every_seconds=1)
            with closing(prometheus):
                prometheus.start()
                prometheus.load({path.name: scaled(path.read_text(), 30) for path in RULES})
                dockerd.client().services.create(  # type: ignore[no-untyped-call]
                    Dockerd.image,
                    ["sh", "-c", "sleep 1; exit 1"],
                    name="loop",
                    restart_policy=RestartPolicy(condition="any", delay=SECOND // 10),
                )
                loop = Alert("ServiceCrashLooping", "loop")
                wait_until(lambda: loop in prometheus.firing(), "it is told", seconds=120)
                found = prometheus.query('docker_container_info{service="loop"}')
                assert {labels["task"].rsplit(".", 1)[0] for labels, _ in found} == {"loop.1"}
                of_containers = ("Service", "Container")

                def told() -> set[Alert]:
                    return {one for one in prometheus.firing() if one.name.startswith(of_containers)}

                try:
                    wait_until(lambda: told() == {loop}, "it takes the place of the first word", seconds=60)
                finally:
                    print(sorted(prometheus.firing()), sorted(prometheus.ever_fired()))
                ever = {one for one in prometheus.ever_fired() if one.name.startswith(of_containers)}
                assert ever <= {loop, Alert("ServiceTaskFailed", "loop")}
                assert len(prometheus.query('ALERTS{alertname="ServiceCrashLooping", alertstate="firing"}')) == 1
                assert prometheus.faults() == []
