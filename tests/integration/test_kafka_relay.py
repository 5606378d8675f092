"""Behind a relay: each output has of the documents of other agents what its options say."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.integration.agent import AgentProcess, wait_until
from tests.integration.log_tree import LogTree, envelope
from tests.needs import marks
from tests.receivers.kafka import Receiver

SECRET = "AKIAIOSFODNN7EXAMPLE"
NAMES = ("web", "db")
LINES = 40
OPTIONS: dict[str, dict[str, Any]] = {
    "all": {},
    "web": {"containers": ["web"]},
    "id": {"container_ids": []},  # filled in by the test
    "target": {"targets": ["shop-*", "!shop-db", "pilotfish-limits"]},
    "stderr": {"of_stream": "stderr"},
    "warn": {"level": "warn", "document": "ecs"},
    "clean": {"redact": ["secrets"]},
}


@pytest.fixture
@marks("engines")
def kafka(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path / "kafka", {"num.partitions": "2"}) as receiver:
        yield receiver


class Logs:
    """Two containers that write by turns in two levels and to two streams."""

    def __init__(self, root: Path) -> None:
        self.tree = LogTree(root)
        self.paths = {name: self.tree.container(name, labels={"pilotfish.target": f"shop-{name}"}) for name in NAMES}
        self.lines = 0  # of each

    def write(self, count: int) -> None:
        for name, path in self.paths.items():
            with path.open("ab") as file:
                for number in range(self.lines, self.lines + count):
                    level, stream = ("error", "stderr") if number % 2 else ("info", "stdout")
                    line = json.dumps({"level": level, "message": f"{name} {number} {SECRET}"})
                    file.write(envelope(f"{line}\n", number, stream=stream))
        self.lines += count


class Far:
    """What the relay's outputs have written."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def read(self, output: str) -> list[dict[str, Any]]:
        path = self.directory / f"{output}.ndjson"
        lines = path.read_text().splitlines() if path.exists() else []
        return [one for one in map(json.loads, lines) if one.get("@target") != "pilotfish-limits"]

    def count(self, output: str) -> int:
        return len(self.read(output))


def settled(relay: AgentProcess, output: str) -> dict[str, float]:
    """The terms of the accounting equation that this test has."""
    numbers = relay.metrics()
    found: Counter[str] = Counter()
    for (series, labels), value in numbers.items():
        told = dict(labels)
        if told.get("output") == output:
            if series == "pilotfish_documents_filtered_total":
                found[told["rule"]] += int(value)
            if series == "pilotfish_documents_read_total":
                found["read"] += int(value)
    return {name: value for name, value in found.items() if value}


@pytest.mark.timeout(180)
@pytest.mark.parametrize("record", ["document", "bundle"])
def test_each_output_gets_what_it_wants_of_the_documents_and_the_group_goes_on_behind_them(
    kafka: Receiver, tmp_path: Path, record: str
) -> None:
    logs = Logs(tmp_path / "tree")
    far = Far(tmp_path / "far")
    far.directory.mkdir()
    outputs = {
        name: {"type": "ndjson_file", "path": str(far.directory / f"{name}.ndjson"), "linger_seconds": 0.1, **options}
        for name, options in OPTIONS.items()
    }
    outputs["id"]["container_ids"] = [logs.paths["db"].parent.name[:12]]
    agent = {"inputs": {"directory": {"path": str(logs.tree.root)}},
             "outputs": {"kafka": {**kafka.options(), "topic": "logs-{target}", "record": record}}}  # fmt: skip
    reads = {"kafka": {"brokers": kafka.options()["brokers"], "topics": ["logs-*"], "refresh_seconds": 1,
                       "session_timeout_seconds": 6}}  # fmt: skip
    with ExitStack() as stack:
        processes = []
        for name, values in (("agent", agent), ("relay", {"inputs": reads, "outputs": outputs})):
            (tmp_path / name).mkdir()
            processes.append(AgentProcess(tmp_path / name, values))
            stack.callback(processes[-1].kill)
            processes[-1].start()
        relay = processes[1]
        logs.write(LINES)
        expected = {"all": 2, "web": 1, "id": 1, "target": 1, "stderr": 1, "warn": 1, "clean": 2}
        wait_until(lambda: all(far.count(name) == LINES * part for name, part in expected.items()), "all is there",
                   seconds=60)  # fmt: skip
        both = 2.0 * LINES
        assert {name: settled(relay, name) for name in OPTIONS} == {
            "all": {"read": both},
            "web": {"read": both, "container": LINES},
            "id": {"read": both, "container_id": LINES},
            "target": {"read": both, "target": LINES},
            "stderr": {"read": both, "stream": LINES},
            "warn": {"read": both, "level": LINES},
            "clean": {"read": both},
        }
        assert {one["docker_container"] for one in far.read("web")} == {"web"}
        assert {one["docker_container"] for one in far.read("id")} == {"db"}
        assert {one["@target"] for one in far.read("target")} == {"shop-web"}
        assert {one["stream"] for one in far.read("stderr")} == {"stderr"}
        assert {one["log"]["level"] for one in far.read("clean")} == {"error", "info"}
        assert SECRET not in (far.directory / "clean.ndjson").read_text()
        assert SECRET in (far.directory / "all.ndjson").read_text()
        assert all(one["message"].split()[1] for one in far.read("warn"))

        config = json.loads(relay.config.read_text())
        relay.config.write_text(json.dumps({**config, "redact": {"sets": ["secrets"]}}))
        before = far.count("all")
        relay.signal(signal.SIGHUP)
        wait_until(lambda: "configuration reloaded" in relay.log.read_text(), "the rules are read again")
        wait_until(lambda: _shows_no_secret(logs, far, before), "what comes from now on is redacted", seconds=30)

        def all_is_there() -> bool:
            return far.count("all") == 2 * logs.lines

        wait_until(all_is_there, "all is there")
        assert relay.stop() == 0
        relay.start()
        wait_until(lambda: json.loads(relay.get("/readyz"))["ready"], "the relay reads again")
        logs.write(2)
        wait_until(all_is_there, "the relay goes on")
        assert settled(relay, "web") == {"read": 4.0, "container": 2.0}


def _shows_no_secret(logs: Logs, far: Far, before: int) -> bool:
    """Whether the last lines of an output that redacts nothing by itself show none, once more were written."""
    found = far.read("all")[before:]
    logs.write(1)
    return bool(found) and all(SECRET not in json.dumps(one) for one in found[-2:])
