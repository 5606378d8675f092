"""Documents that a real server refuses → dead letters → mended → replayed: each is there once, as it was."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.engines.search_server import SearchServer
from tests.integration.agent import AgentProcess, running, wait_until
from tests.integration.log_tree import LogTree, envelope

LINES = 300
INDEX = "shop-2026.11.23"
NUMBER = {"type": "integer"}  # what no message of ours is, neither as it was nor as the text of the line


def mapping(message: dict[str, Any]) -> dict[str, Any]:
    return {"properties": {"log": {"properties": {"message": message}}}}


def refusing(server: SearchServer) -> None:
    """An index that takes documents without a message alone: one that takes none would let its target wait."""
    server.request("DELETE", "/*")
    assert server.request("PUT", f"/{INDEX}", json={"mappings": mapping(NUMBER)}).status == 200


def mend(server: SearchServer) -> None:
    mended = mapping(NUMBER | {"ignore_malformed": True})
    assert server.request("PUT", f"/{INDEX}/_mapping", json=mended).status == 200


def command(agent: AgentProcess, *arguments: str) -> "subprocess.CompletedProcess[str]":
    asked = [sys.executable, "-m", "collector", "dead-letters", *arguments, "-c", str(agent.config)]
    return subprocess.run(asked, capture_output=True, text=True, timeout=120, check=False)


def letters(agent: AgentProcess) -> int:
    return sum(path.read_bytes().count(b"\n") for path in (agent.state / "dead_letters" / "elastic").glob("*.ndjson"))


def sources(server: SearchServer) -> list[dict[str, Any]]:
    return [log for hit in server.refresh_and_fetch(INDEX) if "message" in (log := hit["_source"]["log"])]


@pytest.mark.parametrize("way", ["running", "alone"])
def test_refused_documents_are_there_once_and_as_they_were_after_a_replay(
    elasticsearch_8: SearchServer, tmp_path: Path, way: str
) -> None:
    refusing(elasticsearch_8)
    tree = LogTree(tmp_path / "logs")
    log = tree.container("shop")
    bad = [envelope(json.dumps({"n": n, "message": "word"}) + "\n", n) for n in range(LINES)]
    log.write_bytes(b"".join([envelope(json.dumps({"n": -1}) + "\n", LINES), *bad]))
    configuration = {
        "inputs": {"directory": {"path": str(tree.root)}},
        "outputs": {"elastic": {"type": "elasticsearch", "hosts": [elasticsearch_8.url]}},
    }
    with running(tmp_path, configuration) as agent:
        wait_until(lambda: letters(agent) == LINES, "all are dead letters")
        again = command(agent, "replay")
        assert f"{LINES} dead letters sent, 0 delivered, {LINES} refused again" in again.stdout
        assert letters(agent) == LINES
        mend(elasticsearch_8)
        if way == "alone":
            assert agent.stop() == 0
        mended = command(agent, "replay")
        assert f"{LINES} dead letters sent, {LINES} delivered, 0 refused again" in mended.stdout, mended
        assert ("running agent" in mended.stderr) is (way == "running")
        if way == "running":
            taken = agent.metric("pilotfish_documents_settled_total", output="elastic", result="acknowledged")
            assert taken == LINES + 1
    assert sorted(found["n"] for found in sources(elasticsearch_8)) == list(range(LINES))
    assert letters(agent) == 0
