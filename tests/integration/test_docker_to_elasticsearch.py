"""The main job on a real dockerd and a real Elasticsearch: every line is there once, in the documented form."""

import json
import signal
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from docker.models.containers import Container

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until

FIELDS = {
    "Date": "2017-11-27 10:13:00",
    "IP": "10.0.0.7",
    "Cost": 12.5,
    "Params": "uid=1&p=2",
    "Resp": '{"code":0}',
    "level": "info",
    "message": "request <done>",
}
# Busybox' shell writes the original's fields; every hundredth line is plain text, every thousandth is not ASCII.
SCRIPT = """
i=0
while [ $i -lt $LINES ]; do
  i=$((i+1))
  if [ $((i % 1000)) = 0 ]; then echo "订单 $i: Größe überschritten 🚀"
  elif [ $((i % 100)) = 0 ]; then echo "plain text line $i"
  else printf '%s%s}\\n' "$FIELDS" "$i"
  fi
  if [ $((i % $BURST)) = 0 ]; then sleep 0.1; fi
done
"""


def write_lines(dockerd: Dockerd, lines: int, *, burst: int = 10**9, **options: Any) -> Container:
    fields = json.dumps(FIELDS)[:-1] + ', "seq": '
    environment = {"LINES": str(lines), "BURST": str(burst), "FIELDS": fields, **options.pop("environment", {})}
    return dockerd.run("sh", "-c", SCRIPT, environment=environment, **options)


def configuration(dockerd: Dockerd, server: SearchServer, *, events: bool = False) -> dict[str, Any]:
    """Without `events`, all documents are lines and can be counted."""
    elastic: dict[str, Any] = {"type": "elasticsearch", "hosts": [server.url]}
    return {
        "inputs": {"docker": {"url": dockerd.url, "logs_root": str(dockerd.logs_root), "events": events}},
        "outputs": {"elastic": elastic},
    }


def seq(document: dict[str, Any]) -> int:
    """The number of the line that a document stands for."""
    log = document["log"]
    words = str(log["message"]).replace(":", "").split()
    return int(log["seq"]) if "seq" in log else next(int(word) for word in words if word.isdigit())


def counts(server: SearchServer, target: str) -> Counter[int]:
    """How often each line is in the target's indices."""
    return Counter(seq(hit["_source"]) for hit in server.refresh_and_fetch(f"{target}-*"))


def all_once(lines: int) -> Counter[int]:
    return Counter(range(1, lines + 1))


@pytest.fixture
def target() -> str:
    return f"it-{uuid4().hex[:8]}"


@pytest.fixture
def settled(elasticsearch_8: SearchServer) -> Callable[[AgentProcess, int], None]:
    """Waits until so many documents are acknowledged or were there before."""

    def wait(agent: AgentProcess, documents: int) -> None:
        def done() -> bool:
            results = ("acknowledged", "duplicate", "dead_lettered")
            name = "pilotfish_documents_settled_total"
            return sum(agent.metric(name, output="elastic", result=result) for result in results) >= documents

        wait_until(done, f"{documents} documents are settled", seconds=90)

    return wait


def test_every_line_of_a_container_is_found_once_in_the_documented_form(
    tmp_path: Path,
    dockerd: Dockerd,
    elasticsearch_8: SearchServer,
    target: str,
    settled: Callable[[AgentProcess, int], None],
) -> None:
    lines = 10_000
    labels = {"aliyun.logs.usercenter-go": "stdout", "aliyun.logs.usercenter-go.target": target}
    name = f"r-baseService-usercenter-go-3-{uuid4().hex[:8]}"
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        container = write_lines(dockerd, lines, labels=labels, name=name)
        settled(agent, lines)
        assert counts(elasticsearch_8, target) == all_once(lines)
        assert agent.stop() == 0
    hits = elasticsearch_8.refresh_and_fetch(f"{target}-*")
    raw = [json.loads(line) for line in dockerd.log_file(container).read_text().splitlines()]
    host = dockerd.client().info()["Name"]
    by_time = {line["time"]: line for line in raw}
    for hit in hits:
        document = hit["_source"]
        line = by_time[document["@timestamp"]]
        text = line["log"].removesuffix("\n")
        expected = {
            "log": json.loads(text) if text.startswith("{") else {"message": text},
            "stream": line["stream"],
            "@timestamp": line["time"],
            "host": host,
            "@target": target,
            "docker_container": name,
        }
        assert document == expected
        assert hit["_index"] == f"{target}-{line['time'][:10].replace('-', '.')}"
    example = next(hit for hit in hits if hit["_source"]["log"].get("seq") == 1)
    print(json.dumps(example, ensure_ascii=False))


@pytest.mark.parametrize("end", [AgentProcess.stop, AgentProcess.kill])
def test_an_end_and_a_start_in_the_middle_lose_and_double_nothing(
    tmp_path: Path,
    dockerd: Dockerd,
    elasticsearch_8: SearchServer,
    target: str,
    settled: Callable[[AgentProcess, int], None],
    end: Callable[[AgentProcess], int | None],
) -> None:
    lines = 10_000
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        write_lines(dockerd, lines, burst=500, labels={f"aliyun.logs.{target}": "stdout"})
        settled(agent, 2_000)
        assert not end(agent)
        agent.start()
        wait_until(lambda: sum(counts(elasticsearch_8, target).values()) >= lines, "all lines are there")
        assert counts(elasticsearch_8, target) == all_once(lines)


def test_a_second_signal_exits_at_once(tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer) -> None:
    unreachable = {"type": "elasticsearch", "hosts": ["http://127.0.0.1:9"]}
    config = configuration(dockerd, elasticsearch_8) | {"outputs": {"elastic": unreachable}, "drain_seconds": 60}
    write_lines(dockerd, 10)
    with running(tmp_path, config) as agent:
        wait_until(lambda: agent.metric("pilotfish_documents_in_flight", output="elastic") > 0, "lines are read")
        agent.signal(signal.SIGINT)
        wait_until(lambda: b"stopping" in agent.log.read_bytes(), "the first signal is taken")
        assert agent.stop() == 1


def test_an_absence_of_elasticsearch_loses_and_doubles_nothing(
    tmp_path: Path,
    dockerd: Dockerd,
    elasticsearch_8: SearchServer,
    target: str,
    settled: Callable[[AgentProcess, int], None],
) -> None:
    lines = 10_000
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        write_lines(dockerd, lines, burst=300, labels={f"aliyun.logs.{target}": "stdout"})
        settled(agent, 1_000)
        elasticsearch_8.stop()
        back = threading.Timer(30, elasticsearch_8.start)
        back.start()
        try:
            wait_until(lambda: not agent.ready()["ready"], "the agent says that it is not ready")
            (reason,) = agent.ready()["reasons"]
            assert reason.startswith("output elastic: ")
            assert elasticsearch_8.url in reason
            assert agent.metric("pilotfish_output_up", output="elastic") == 0
        finally:
            back.join()
        wait_until(lambda: agent.ready()["ready"], "the agent is ready again")
        wait_until(lambda: sum(counts(elasticsearch_8, target).values()) >= lines, "all lines are there")
        assert counts(elasticsearch_8, target) == all_once(lines)
        assert agent.stop() == 0


def test_a_restart_of_the_daemon_is_survived_and_new_containers_are_found(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str
) -> None:
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is known")
        dockerd.stop()
        wait_until(lambda: agent.metric("docker_up") == 0, "the daemon's absence is seen")
        assert any(reason.startswith("input docker: ") for reason in agent.ready()["reasons"])
        dockerd.start()
        write_lines(dockerd, 50, labels={f"aliyun.logs.{target}": "stdout"})
        wait_until(lambda: counts(elasticsearch_8, target) == all_once(50), "the new container's lines are there")


def test_rotation_by_docker_loses_and_doubles_nothing(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str
) -> None:
    lines = 10_000
    options = {"type": "json-file", "config": {"max-size": "100k", "max-file": "4"}}
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        labels = {f"aliyun.logs.{target}": "stdout"}
        write_lines(dockerd, lines, burst=200, labels=labels, log_config=options)
        wait_until(lambda: sum(counts(elasticsearch_8, target).values()) >= lines, "all lines are there")
        assert counts(elasticsearch_8, target) == all_once(lines)
        assert agent.metric("pilotfish_files_rotated_total", output="elastic") > 5


def test_health_and_containers_that_are_not_followed_are_told(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str
) -> None:
    suffix = uuid4().hex[:8]
    check = {"test": ["CMD", "false"], "interval": 10**9, "retries": 1}
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        write_lines(dockerd, 5, name=f"local-{suffix}", log_config={"type": "local"})
        write_lines(dockerd, 5, name=f"ignored-{suffix}", environment={"LOGSPOUT": "ignore"})
        write_lines(dockerd, 5, name=f"excluded-{suffix}", labels={"pilotfish.exclude": "true"})
        dockerd.run("sleep", "60", name=f"ill-{suffix}", healthcheck=check)
        write_lines(dockerd, 5, labels={"com.docker.compose.service": target})
        wait_until(lambda: counts(elasticsearch_8, target) == all_once(5), "the default target's lines are there")
        wait_until(
            lambda: agent.metric("docker_container_health_status", name=f"ill-{suffix}", status="unhealthy") == 1,
            "the unhealthy container is seen",
        )
        assert agent.metric("pilotfish_container_not_followed", name=f"local-{suffix}", reason="driver") == 1
        assert agent.metric("docker_containers", state="running") >= 1
        assert agent.log.read_text().count(f"local-{suffix}") == 1
        for name in ("local", "ignored", "excluded"):
            assert elasticsearch_8.refresh_and_fetch(f"{name}-{suffix}-*") == []


def test_a_renamed_container_goes_on_under_its_new_name_and_no_line_is_in_two_indices(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer
) -> None:
    first, second = f"first-{uuid4().hex[:8]}", f"second-{uuid4().hex[:8]}"

    def lines(target: str) -> Counter[str]:
        found = [hit["_source"] for hit in elasticsearch_8.refresh_and_fetch(f"{target}-*")]
        assert {one["@target"] for one in found} <= {target}
        return Counter(one["log"]["message"] for one in found)

    told = configuration(dockerd, elasticsearch_8)
    with running(tmp_path, told) as agent:
        script = "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); sleep 0.02; done"
        container = dockerd.run("sh", "-c", script, name=first)
        wait_until(lambda: lines(first), "the first lines are there")
        container.rename(second)
        wait_until(lambda: lines(second), "lines under the new name are there")
        agent.kill()
    with running(tmp_path, told):
        wait_until(lambda: (lines(first) + lines(second)).total() >= 1000, "all lines are there", seconds=60)
    assert lines(first) + lines(second) == Counter(f"line {number}" for number in range(1000))


def test_a_wrong_logs_root_is_told(tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer) -> None:
    config = configuration(dockerd, elasticsearch_8)
    config["inputs"]["docker"]["logs_root"] = str(tmp_path / "nowhere")
    container = dockerd.run("sleep", "60")
    name = str(container.name)
    with running(tmp_path, config) as agent:
        wait_until(
            lambda: agent.metric("pilotfish_container_not_followed", name=name, reason="unreadable") == 1,
            "the missing log is seen",
        )
        assert any("cannot be read" in reason for reason in agent.ready()["reasons"])
        assert "inputs.docker.logs_root" in agent.log.read_text()
    container.kill()


def test_lines_that_rotation_took_before_they_were_read_are_told(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str
) -> None:
    options = {"type": "json-file", "config": {"max-size": "10k", "max-file": "2"}}
    with running(tmp_path, configuration(dockerd, elasticsearch_8)) as agent:
        wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is known")
        write_lines(dockerd, 2_000, labels={f"aliyun.logs.{target}": "stdout"}, log_config=options)
        wait_until(lambda: 2_000 in counts(elasticsearch_8, target), "the last line is there")
        found = counts(elasticsearch_8, target)
        assert set(found.values()) == {1}
        assert len(found) == 2_000 or agent.metric("pilotfish_rotation_gaps_total", output="elastic") >= 1


def test_what_happened_to_containers_is_there_once_though_the_agent_was_away(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str
) -> None:
    def events() -> Counter[tuple[str, str, int]]:
        hits = [hit["_source"] for hit in elasticsearch_8.refresh_and_fetch("docker-events-*")]
        ends = [one for one in hits if one["log"]["event"] == "die" and one["docker_container"].startswith(target)]
        return Counter((one["docker_container"], one["log"]["kind"], one["log"]["exit_code"]) for one in ends)

    def end(number: int, code: int) -> tuple[str, str, int]:
        name = f"{target}-{number}"
        container = dockerd.run("sh", "-c", f"exit {code}", name=name)
        container.wait()
        return name, "error" if code else "ok", code

    with running(tmp_path, configuration(dockerd, elasticsearch_8, events=True)) as agent:
        wait_until(lambda: agent.metric("docker_up") == 1, "the daemon is followed")
        expected = {end(1, 3)}
        wait_until(lambda: set(events()) == expected, "the first is there")
        agent.kill()
        expected |= {end(2, 4), end(3, 0)}
        agent.start()
        wait_until(lambda: set(events()) == expected, "those that nobody saw are there")
        expected |= {end(4, 5)}
        wait_until(lambda: set(events()) == expected, "a later one is there")
        agent.stop()
    assert set(events().values()) == {1}
