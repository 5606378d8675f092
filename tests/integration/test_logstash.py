"""The original stack: the sample application → Pilotfish → Logstash, played by its protocols → Elasticsearch.

Logstash cannot be had: `tests/receivers/logstash.py` has its inputs, and the pipeline of docs/outputs/logstash.md.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.engines.camel import Camel
from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.log_tree import LogTree, envelope
from tests.integration.test_docker_to_elasticsearch import all_once, configuration, counts, seq, write_lines
from tests.needs import marks
from tests.receivers.framed_server import stored_in
from tests.receivers.logstash import Receiver

LINES = 10_000


@pytest.fixture
def target() -> str:
    return f"it-{uuid4().hex[:8]}"


@pytest.fixture
def logstash(tmp_path: Path, elasticsearch_8: SearchServer) -> Iterator[Receiver]:
    """It creates events under their ids in the index `<target>-logstash`."""
    with Receiver(tmp_path / "logstash", elasticsearch_8.url, "{target}-logstash") as server:
        yield server


@pytest.fixture
@marks("engines")
def camel(tmp_path: Path) -> Iterator[Camel]:
    directory = tmp_path / "camel"
    directory.mkdir()
    with closing(Camel(directory).start()) as server:
        yield server


def by_id(server: SearchServer, index: str) -> dict[str, Any]:
    return {hit["_id"]: hit["_source"] for hit in server.refresh_and_fetch(index)}


def arrived(logstash: Receiver, target: str) -> dict[str, list[Any]]:
    """What Logstash has of this target: the daemon has containers of other tests."""
    documents = {name: [json.loads(copy) for copy in copies] for name, copies in logstash.stored().items()}
    return {name: copies for name, copies in documents.items() if copies[0]["@target"] == target}


def test_a_line_is_in_logstash_and_in_elasticsearch_once_and_the_same(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str, logstash: Receiver
) -> None:
    """By the input that logspout's Logstash module sent to: lines of JSON over TCP."""
    config = configuration(dockerd, elasticsearch_8)
    config["outputs"]["logstash"] = {**logstash.options(), "protocol": "json_lines"}
    labels = {"aliyun.logs.usercenter-go": "stdout", "aliyun.logs.usercenter-go.target": target}
    with running(tmp_path, config) as agent:
        write_lines(dockerd, LINES, labels=labels)
        wait_until(lambda: len(arrived(logstash, target)) >= LINES, "Logstash has all lines")
        wait_until(lambda: len(by_id(elasticsearch_8, f"{target}-2*")) >= LINES, "Elasticsearch has all lines")
        assert agent.stop() == 0
    received = arrived(logstash, target)
    assert {len(copies) for copies in received.values()} == {1}
    documents = {name: copies[0] for name, copies in received.items()}
    assert sorted(map(seq, documents.values())) == [*range(1, LINES + 1)]
    assert documents == by_id(elasticsearch_8, f"{target}-2*")
    assert documents == by_id(elasticsearch_8, f"{target}-logstash")


def test_kills_of_agent_and_logstash_lose_and_double_nothing_in_elasticsearch_behind_logstash(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer, target: str, logstash: Receiver
) -> None:
    """By the recipe: with lumberjack, and the id of the document as that in Elasticsearch."""
    config = configuration(dockerd, elasticsearch_8)
    batches = {"batch_bytes": 64 << 10, "linger_seconds": 0.1, "window": 100}
    config["outputs"] = {"logstash": {**logstash.options(), **batches}}
    with running(tmp_path, config) as agent:
        write_lines(dockerd, LINES, burst=300, labels={f"aliyun.logs.{target}": "stdout"})

        def has(lines: int) -> Callable[[], bool]:
            return lambda: len(arrived(logstash, target)) >= lines

        for lines in (1_500, 4_500):
            wait_until(has(lines), f"{lines} lines are there")
            agent.kill()
            agent.start()
            wait_until(has(lines + 1_500), f"{lines + 1_500} lines are there")
            logstash.kill()
            logstash.start()
        wait_until(has(LINES), "all lines are there")
        assert counts(elasticsearch_8, target) == all_once(LINES)
        assert agent.stop() == 0


def test_kills_of_agent_and_a_server_that_others_wrote_lose_nothing(tmp_path: Path, camel: Camel) -> None:
    """That of Apache Camel; what it acknowledged is in its file."""
    tree = LogTree(tmp_path / "tree")
    log = tree.container("shop")
    log.write_bytes(b"".join(envelope(f"line {number}\n", number % 3600) for number in range(LINES)))
    output = {"type": "logstash", "hosts": [f"127.0.0.1:{camel.port}"], "window": 50, "batch_bytes": 64 << 10}
    config = {"inputs": {"directory": {"path": str(tree.root)}}, "outputs": {"logstash": output}}
    expected = {f"line {number}" for number in range(LINES)}

    def has(lines: int) -> Callable[[], bool]:
        return lambda: len(stored_in(camel.file)) >= lines

    with running(tmp_path, config) as agent:
        for lines in (500, 3_000):
            wait_until(has(lines), f"{lines} lines are there")
            camel.kill()
            agent.kill()
            camel.start()
            agent.start()
        wait_until(has(LINES), "all lines are there")
        assert agent.stop() == 0
    received = [json.loads(copies[0]) for copies in stored_in(camel.file).values()]
    assert len(received) == LINES
    assert {document["log"]["message"] for document in received} == expected
