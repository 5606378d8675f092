"""`workers: N`: several processes are one agent to whoever looks on, stops it, kills it, or changes their number."""

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

CONTAINERS = 6
LINES = 2000


def configuration(tree: LogTree, server: SearchServer, workers: int, **more: Any) -> dict[str, Any]:
    elastic = {"type": "elasticsearch", "hosts": [server.url], "linger_seconds": 0.1, **more}
    return {"inputs": {"directory": {"path": str(tree.root)}}, "outputs": {"elastic": elastic}, "workers": workers}


class Traffic:
    """Containers named after the test, and what was written to each of them."""

    def __init__(self, directory: Path, name: str) -> None:
        self.tree = LogTree(directory / "tree")
        self.target = name
        labels = {f"aliyun.logs.{name}": "stdout"}
        self.logs = [self.tree.container(f"{name}-{number}", labels=labels) for number in range(CONTAINERS)]
        self.written = 0

    def write(self, lines: int = LINES) -> None:
        for number, log in enumerate(self.logs):
            first = self.written
            with log.open("ab") as file:
                file.writelines(envelope(f'{{"n":{first + one},"c":{number}}}\n', one % 600) for one in range(lines))
        self.written += lines

    @property
    def total(self) -> int:
        return self.written * CONTAINERS

    def arrived(self, server: SearchServer) -> int:
        """How many lines are there."""
        return len(server.refresh_and_fetch(f"{self.target}-*"))

    def expect(self, server: SearchServer) -> None:
        """Each line is there once."""
        found = [hit["_source"]["log"] for hit in server.refresh_and_fetch(f"{self.target}-*")]
        assert sorted((one["c"], one["n"]) for one in found) == [
            (number, line) for number in range(CONTAINERS) for line in range(self.written)
        ]


def settled(agent: AgentProcess) -> float:
    name = "pilotfish_documents_settled_total"
    return sum(agent.metric(name, output="elastic", result=result) for result in ("acknowledged", "duplicate"))


def workers_of(agent: AgentProcess) -> list[int]:
    children = Path(f"/proc/{agent.pid}/task/{agent.pid}/children").read_text().split()
    return [int(pid) for pid in children]


def _found(agent: AgentProcess, traffic: Traffic) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(agent.api(f"/api/search?target={traffic.target}&limit=1&facet=container"))
    return found


def test_two_workers_are_one_agent_to_who_looks_on(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    traffic = Traffic(tmp_path, "onlookers")
    traffic.write()
    with running(tmp_path, configuration(traffic.tree, elasticsearch_8, 2)) as agent:
        wait_until(lambda: settled(agent) == traffic.total, "all lines are settled")
        assert len(workers_of(agent)) == 2
        assert agent.metric("pilotfish_documents_read_total", output="elastic") == traffic.total
        assert agent.metric("docker_containers", state="running") == CONTAINERS
        assert agent.metric("pilotfish_output_up", output="elastic") == 1
        assert agent.metric("pilotfish_request_duration_seconds_count", output="elastic") >= 2
        names = [line.split()[2] for line in agent.get("/metrics").decode().splitlines() if line.startswith("# TYPE")]
        assert len(names) == len(set(names))
        assert agent.ready() == {"ready": True, "reasons": []}
        assert agent.get("/healthz") == b"ok\n"
        status = json.loads(agent.api("/api/status"))
        assert status["containers"] == status["streams"] == CONTAINERS
        assert len(status["following"]) == CONTAINERS
        assert status["outputs"]["elastic"]["acknowledged"] == traffic.total
        found: dict[str, Any] = {}
        wait_until(lambda: found.update(_found(agent, traffic)) or found["total"] == traffic.total, "all are found")
        assert [value["count"] for value in found["facets"]["container"]] == [LINES] * CONTAINERS
        assert agent.stop() == 0
    traffic.expect(elasticsearch_8)
    shares = [path for path in (agent.state / "workers").iterdir() if any((path / "positions").iterdir())]
    assert sorted(path.name for path in shares) == ["0of2", "1of2"]


def test_what_the_agent_costs_is_that_of_all_its_processes(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    traffic = Traffic(tmp_path, "costs")
    traffic.write()
    with running(tmp_path, configuration(traffic.tree, elasticsearch_8, 2)) as agent:
        wait_until(lambda: settled(agent) == traffic.total, "all lines are settled")
        parent, *workers = [
            int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
            for pid in (agent.pid, *workers_of(agent))
        ]
        told = agent.metric("process_resident_memory_bytes")
        assert sum(workers) + parent / 2 < told < sum(workers) + parent * 2
        wait_until(
            lambda: (
                agent.metric("pilotfish_log_messages_total", level="info")
                == agent.log.read_text().count('"level": "info"')
            ),
            "each line of the log is counted",
        )
        assert agent.stop() == 0


def test_a_tail_shows_the_lines_of_all_workers(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    traffic = Traffic(tmp_path, "tailed")
    with running(tmp_path, configuration(traffic.tree, elasticsearch_8, 2)) as agent:
        wait_until(lambda: json.loads(agent.api("/api/status"))["streams"] == CONTAINERS, "all are followed")
        with agent.open("/api/tail?name=tailed") as stream:
            traffic.write(1)
            seen = [json.loads(stream.readline())["docker_container"] for _ in range(CONTAINERS)]
        assert sorted(seen) == [f"tailed-{number}" for number in range(CONTAINERS)]


@pytest.mark.parametrize("victim", ["agent", "worker"])
def test_a_kill_9_loses_and_doubles_nothing(tmp_path: Path, elasticsearch_8: SearchServer, victim: str) -> None:
    traffic = Traffic(tmp_path, f"killed-{victim}")
    wanted = configuration(traffic.tree, elasticsearch_8, 2, batch_bytes=20_000)
    for _ in range(3):
        traffic.write()
        with running(tmp_path, wanted) as agent:
            wait_until(lambda agent=agent: settled(agent) > 0, "it delivers")  # type: ignore[misc]
            children = workers_of(agent)
            if victim == "agent":
                agent.kill()
            else:
                os.kill(children[0], signal.SIGKILL)
                assert agent.wait() == 1
                assert "worker 0 exited (killed by signal 9)" in agent.log.read_text()
            wait_until(lambda children=children: not any(map(is_alive, children)), "its workers are gone")  # type: ignore[misc]
    with running(tmp_path, wanted) as agent:
        wait_until(lambda: traffic.arrived(elasticsearch_8) >= traffic.total, "all is delivered")
        assert agent.stop() == 0
    traffic.expect(elasticsearch_8)


def is_alive(pid: int) -> bool:
    try:
        return "Z" not in re.split(r"\) ", Path(f"/proc/{pid}/stat").read_text())[1].split()[0]
    except FileNotFoundError:
        return False


def test_another_number_of_workers_goes_on_where_the_others_were(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    traffic = Traffic(tmp_path, "renumbered")
    for workers in (1, 2, 3, 1):
        traffic.write(500)
        with running(tmp_path, configuration(traffic.tree, elasticsearch_8, workers)) as agent:
            new = 500 * CONTAINERS
            wait_until(lambda agent=agent, new=new: settled(agent) == new, "the new lines are settled, no older one")  # type: ignore[misc]
            assert agent.stop() == 0
    assert not (agent.state / "workers").exists()
    traffic.expect(elasticsearch_8)


def test_what_one_worker_cannot_start_for_is_the_agents_error(tmp_path: Path, elasticsearch_8: SearchServer) -> None:
    traffic = Traffic(tmp_path, "unstartable")
    wanted = configuration(traffic.tree, elasticsearch_8, 2, password_file=str(tmp_path / "none"), username="x")
    agent = AgentProcess(tmp_path, wanted)
    ended = subprocess.run(agent.command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 78
    assert "password_file" in ended.stderr
    assert len({line for line in ended.stderr.splitlines() if "password_file" in line}) == 1
