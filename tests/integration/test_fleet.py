"""The two configurations of `compose-fleet.yml` together: logs → agent → Kafka → two relays → bulk requests."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bench import workload
from tests.faults.endpoint import FaultyEndpoint
from tests.integration.agent import AgentProcess, wait_until
from tests.needs import marks
from tests.receivers.kafka import Receiver
from tests.reference import ROOT

LINES = 5_000


@pytest.fixture
@marks("engines")
def kafka(tmp_path: Path) -> Iterator[Receiver]:
    """With the partitions that the example has."""
    with Receiver(tmp_path / "kafka", {"num.partitions": "6"}) as receiver:
        yield receiver


def configured(name: str) -> dict[str, Any]:
    """As the example has it, on a port that is free."""
    found: dict[str, Any] = yaml.safe_load((ROOT / f"deploy/compose/fleet-{name}.yml").read_text())
    return found | {"http": {"listen": "127.0.0.1:0"}}


def test_each_line_of_the_example_arrives_once(kafka: Receiver, tmp_path: Path) -> None:
    tree = workload.write_tree(tmp_path / "logs", lines=LINES, containers=3)
    brokers = kafka.options()["brokers"]
    agent, relay = configured("agent"), configured("relay")
    agent["inputs"] = {"directory": {"path": str(tree)}}
    agent["outputs"]["kafka"]["brokers"] = relay["inputs"]["kafka"]["brokers"] = brokers
    (password := tmp_path / "password").write_text(secrets.token_hex())
    with ExitStack() as stack:
        endpoint = FaultyEndpoint(tmp_path / "endpoint", seed=1)
        stack.callback(endpoint.close)
        relay["outputs"]["elastic"] |= {"hosts": endpoint.urls, "password_file": str(password)}
        processes = []
        for name, values in (("agent", agent), ("relay-1", relay), ("relay-2", relay)):
            (tmp_path / name).mkdir()
            processes.append(AgentProcess(tmp_path / name, values))
            stack.callback(processes[-1].kill)
            processes[-1].start()
        wait_until(lambda: endpoint.told().documents >= LINES, f"{LINES} documents are there")
        assert [process.stop() for process in processes] == [0, 0, 0]
        told = endpoint.told()
        assert (told.documents, told.refused, told.conflicting) == (LINES, 0, 0)
