"""A host of twenty containers under a real Prometheus with our rules: what should fire does, and nothing else.

With `--full` ten minutes with every time and size of the rules divided by ten, else a minute and a half, by sixty. The
values are held against what the daemon itself says.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from tests.dashboards import grafana
from tests.engines.prometheus import Alert, check_metrics
from tests.integration.agent import wait_until
from tests.integration.host_of_twenty import ALERTS, ALLOWED
from tests.integration.monitoring import POLL_SECONDS, Pace, Stage, staged
from tests.needs import marks

pytestmark = pytest.mark.timeout(1200)  # ten minutes of looking on belong to the first test

# By sixty, one half second in which the machine stood still is more than a hundredth of the timers of a range, and a
# document that takes longer than one second is late.
HASTY = {Alert("PilotfishEventLoopLag", ""), Alert("PilotfishDeliverySlow", "file")}
# Likewise a check that is looked at each 15 s, as in any world.
HASTY |= {Alert("ContainerHealthCheckStale", name) for name in ("healthy", "unhealthy", "starting", "stopped")}
NOT_HERE = {  # panels that stay empty: nothing is behind
    "containers": set[str](),
    "docker-host": set[str](),
    "pilotfish": {"Backlog by container", "Spool"},
}


@pytest.fixture(scope="module")
@marks("engines")
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    pace = Pace(10, 600, 5) if request.config.getoption("--full") else Pace(60, 90, 2)
    with staged(tmp_path_factory.mktemp("monitoring"), pace) as found:
        yield found


def test_each_alert_that_should_fire_does_and_no_other(stage: Stage) -> None:
    try:
        wait_until(lambda: stage.prometheus.ever_fired() >= ALERTS, "all have fired that should", seconds=60)
    finally:
        print("not fired", sorted(ALERTS - stage.prometheus.ever_fired()))
    others = stage.prometheus.ever_fired() - ALLOWED - (HASTY if stage.pace.factor > 10 else set())
    assert sorted(others) == []
    assert stage.prometheus.faults() == []


def test_both_formats_are_clean(stage: Stage) -> None:
    assert check_metrics(stage.agent.get("/metrics")) == ""
    answer = stage.agent.get("/metrics", accept="application/openmetrics-text; version=1.0.0")
    families = list(text_string_to_metric_families(answer.decode()))  # type: ignore[no-untyped-call]
    assert {family.name for family in families} >= {"docker_container_state", "container_cpu_usage_seconds"}


def test_states_are_those_that_inspect_tells(stage: Stage) -> None:
    restless = {"crash-looping"}  # in another state whenever one looks
    for name, container in stage.host.containers.items():
        container.reload()
        state = container.attrs["State"]
        is_running = state["Status"] == "running"
        row = {
            "state": (_one_hot(stage, "docker_container_state", "state", name), state["Status"]),
            "health": (
                _one_hot(stage, "docker_container_health_status", "status", name),
                state.get("Health", {}).get("Status", "none") if is_running else "none",
            ),
            "exit code": (
                stage.agent.metric("docker_container_last_exit_code", name=name),
                0 if state["FinishedAt"].startswith("0001") else state["ExitCode"],
            ),
            "oom killed": (stage.agent.metric("docker_container_oom_killed", name=name), state["OOMKilled"]),
            "limit": (
                stage.agent.metric("docker_container_log_limit_bytes", name=name),
                {"rotating": 30_000, "local-driver": 5 * (20 << 20)}.get(name, float("inf")),
            ),
        }
        print(f"{name:14}", row, "" if is_running else state.get("Health", {}).get("Status", ""))
        if name not in restless:
            assert [what for what, (told, real) in row.items() if told != real] == [], (name, row)


def test_counts_are_those_that_inspect_tells(stage: Stage) -> None:
    streak = stage.host.containers["unhealthy"]
    looping = stage.host.containers["crash-looping"]
    before = _restarts(looping), _streak(streak)
    wait_until(
        lambda: stage.agent.metric("docker_container_health_failing_streak", name="unhealthy") >= before[1],
        "the streak is seen: it is asked for at each poll",
        seconds=2 * POLL_SECONDS,
    )
    told = (
        stage.agent.metric("docker_container_restarts_total", name="crash-looping"),
        stage.agent.metric("docker_container_health_failing_streak", name="unhealthy"),
    )
    after = _restarts(looping), _streak(streak)
    print("restarts and streak", before, told, after)
    assert before[0] <= told[0] <= after[0]
    assert before[1] <= told[1] <= after[1]
    exits = {
        name: {kind for kind in ("ok", "error", "signal", "oom") if _exits(stage, name, kind)}
        for name in ("crash-looping", "oom-killed", "failed", "done", "stopped", "quiet")
    }
    assert exits == {
        "crash-looping": {"error"},
        "oom-killed": {"oom"},
        "failed": {"error"},
        "done": {"ok"},
        "stopped": {"signal"},
        "quiet": set(),
    }


def test_use_is_that_which_docker_stats_shows(stage: Stage) -> None:
    names = ("near-limit", "limited", "throttled", "chatty", "quiet")  # a check is a process that comes and goes
    earlier = {name: _stats(stage, name) for name in names}
    since = time.time()
    for name in names:
        before = earlier[name]
        identity = {"id": f"/docker/{stage.host.containers[name].id}", "name": name, "image": "busybox:latest"}

        def told(series: str, identity: dict[str, str] = identity, **labels: str) -> float:
            return stage.agent.metric(series, **identity, **labels)

        wait_until(
            lambda told=told: told("container_last_seen") > since,  # type: ignore[misc]
            "it is looked at once more",
            seconds=3 * POLL_SECONDS,
        )
        after = _stats(stage, name)
        cpu = [one["cpu_stats"]["cpu_usage"]["total_usage"] / 1e9 for one in (before, after)]
        memory = [_working_set(one["memory_stats"]) for one in (before, after)]
        limit = stage.host.containers[name].attrs["HostConfig"]["Memory"]
        shown = told("container_cpu_usage_seconds_total", cpu="total"), told("container_memory_working_set_bytes")
        print(f"{name:12} cpu {cpu[0]:.3f} <= {shown[0]:.3f} <= {cpu[1]:.3f} s; memory {memory} {shown[1]:.0f}")
        assert cpu[0] <= shown[0] <= cpu[1]
        assert abs(shown[1] - memory[1]) <= max(1 << 20, 0.05 * memory[1])
        assert told("container_spec_memory_limit_bytes") == limit


@pytest.mark.parametrize("name", ["starting", "compose"])
def test_the_network_s_numbers_are_those_that_docker_stats_shows(stage: Stage, name: str) -> None:
    def told(what: str) -> float:
        return _used(stage, f"container_network_{what}_total", name, interface="eth0")

    members = {
        "receive_bytes": "rx_bytes",
        "receive_packets": "rx_packets",
        "receive_errors": "rx_errors",
        "receive_packets_dropped": "rx_dropped",
        "transmit_bytes": "tx_bytes",
        "transmit_packets": "tx_packets",
    }
    before = _stats(stage, name)["networks"]["eth0"]
    _seen_once_more(stage, name)
    shown = {what: told(what) for what in members}
    after = _stats(stage, name)["networks"]["eth0"]
    print(name, before, shown, after)
    for what, member in members.items():
        assert before[member] <= shown[what] <= after[member], what
    assert min(shown["receive_bytes"], shown["transmit_bytes"]) > 0


def test_block_io_is_that_which_docker_stats_shows(stage: Stage) -> None:
    if not stage.host.disk:
        pytest.skip("this machine's files are on no disk that has a name")
    before = _transferred(stage, "local-driver")
    _seen_once_more(stage, "local-driver")
    shown = {
        way: _used(stage, f"container_fs_{way}s_bytes_total", "local-driver", device=stage.host.disk)
        for way in ("read", "write")
    }
    after = _transferred(stage, "local-driver")
    print(before, shown, after)
    for way, number in shown.items():
        assert 1 << 20 <= before[way] <= number <= after[way]


def test_the_disk_s_numbers_are_those_of_docker_system_df(stage: Stage) -> None:
    told = stage.dockerd.client().df()
    assert stage.agent.metric("docker_disk_usage_bytes", type="images") == told["LayersSize"]


def test_the_size_of_a_log_is_that_on_disk(stage: Stage) -> None:
    path = stage.dockerd.log_file(stage.host.containers["storm"])
    before = path.stat().st_size
    wait_until(lambda: stage.agent.metric("docker_container_log_file_bytes", name="storm") >= before, "it is seen")
    assert stage.agent.metric("docker_container_log_file_bytes", name="storm") <= path.stat().st_size


def test_what_happened_is_searchable_once_each(stage: Stage) -> None:
    names = {"failed": "die", "oom-killed": "oom", "unhealthy": "health_status"}

    def documents() -> list[dict[str, Any]]:
        with stage.events.open("rb") as lines:
            return [json.loads(line) for line in lines if b'"docker-events"' in line and line.endswith(b"}\n")]

    wait_until(
        lambda: {(one["docker_container"], one["log"]["event"]) for one in documents()} >= set(names.items()),
        "each is there",
    )
    found = documents()
    assert max(Counter(one["_id"] for one in found).values()) == 1
    (failed,) = [one for one in found if one["docker_container"] == "failed" and one["log"]["event"] == "die"]
    assert (failed["log"]["exit_code"], failed["log"]["kind"], failed["@target"]) == (1, "error", "docker-events")


def test_a_container_that_fails_before_anybody_has_seen_it_is_alerted(stage: Stage) -> None:
    """Its first sample has the end already, and no step follows."""
    container = stage.dockerd.run("sh", "-c", "exit 3", name="failed-at-once")
    told = Alert("ContainerExitedWithError", "failed-at-once")
    wait_until(lambda: told in stage.prometheus.ever_fired(), "it is told")
    assert stage.prometheus.query('max_over_time(docker_container_exits_total{name="failed-at-once"}[1h]) > 1') == []
    container.remove()


@pytest.mark.parametrize("board", grafana.BOARDS, ids=lambda path: path.stem)
def test_panels_have_data(stage: Stage, board: Path) -> None:
    """All but those that tell of what is not here."""
    variables = {"instance": stage.agent.address, "name": ".*", "__rate_interval": "1m", "__range": "1m"}
    targets = grafana.targets(board, variables)
    empty = {one.panel for one in targets if not stage.prometheus.query(one.expression)}
    assert empty <= NOT_HERE[board.stem]


def test_a_daemon_that_goes_and_comes_back_is_told_and_nothing_stays_behind(stage: Stage) -> None:
    """Last: the daemon is restarted. Its containers live on without it."""
    prometheus, agent = stage.prometheus, stage.agent
    documents = agent.metric("pilotfish_container_documents_read_total", output="file", name="chatty")
    before = prometheus.ever_fired()
    stage.dockerd.stop()
    wait_until(lambda: prometheus.value("docker_up") == 0, "Prometheus sees that the daemon is away")
    wait_until(lambda: not prometheus.query("docker_container_state"), "its containers are unknown")
    assert prometheus.query('{__name__=~"container_.*|docker_container_.*|docker_info"}') == []
    wait_until(lambda: Alert("DockerDown", "") in prometheus.firing(), "it is alerted")
    assert prometheus.ever_fired() - before <= {Alert("DockerDown", "")}
    assert not json.loads(agent.get("/readyz"))["ready"]
    assert agent.get("/healthz") == b"ok\n"
    stage.dockerd.start()
    wait_until(lambda: prometheus.value("docker_up") == 1, "Prometheus sees that it is back")
    alive = 'docker_container_state{name="chatty",state="running"}'
    wait_until(lambda: prometheus.value(alive) == 1, "its containers are seen again")
    use = 'container_memory_usage_bytes{name="chatty"}'
    wait_until(lambda: prometheus.value(use) is not None, "what they use is seen again", seconds=3 * POLL_SECONDS)
    wait_until(
        lambda: agent.metric("pilotfish_container_documents_read_total", output="file", name="chatty") > documents,
        "lines go on",
    )
    stage.host.containers["quiet"].remove(force=True)
    wait_until(lambda: not prometheus.query('{name="quiet"}'), "a container that is removed takes its series with it")
    assert prometheus.faults() == []
    assert "Traceback" not in agent.log.read_text()


def _one_hot(stage: Stage, series: str, label: str, name: str) -> str:
    """The value of `label` that is chosen for a container."""
    chosen = [
        dict(labels)[label]
        for (found, labels), value in stage.agent.metrics().items()
        if found == series and ("name", name) in labels and value == 1
    ]
    assert len(chosen) == 1
    return chosen[0]


def _exits(stage: Stage, name: str, kind: str) -> float:
    return stage.agent.metric("docker_container_exits_total", name=name, kind=kind)


def _used(stage: Stage, series: str, name: str, **labels: str) -> float:
    """What a container uses, under cAdvisor's names."""
    own = {"id": f"/docker/{stage.host.containers[name].id}", "name": name, "image": "busybox:latest"}
    return stage.agent.metric(series, **own, **labels)


def _seen_once_more(stage: Stage, name: str) -> None:
    since = time.time()
    wait_until(
        lambda: _used(stage, "container_last_seen", name) > since, "it is looked at once more", seconds=3 * POLL_SECONDS
    )


def _transferred(stage: Stage, name: str) -> dict[str, int]:
    found = _stats(stage, name)["blkio_stats"]["io_service_bytes_recursive"]
    return {one["op"].lower(): one["value"] for one in found}


def _stats(stage: Stage, name: str) -> dict[str, Any]:
    found = stage.host.containers[name].stats(stream=False)
    assert isinstance(found, dict)
    return found


def _restarts(container: Any) -> int:
    container.reload()
    return int(container.attrs["RestartCount"])


def _streak(container: Any) -> int:
    container.reload()
    return int(container.attrs["State"]["Health"]["FailingStreak"])


def _working_set(memory: dict[str, Any]) -> float:
    inactive = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return float(memory["usage"] - inactive)
