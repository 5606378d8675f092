"""An output that cannot be reached, and the one that takes its documents: each line once, and the books hold."""

import json
from pathlib import Path

import pytest

from tests.faults.looks import Account
from tests.integration.agent import running, wait_until
from tests.integration.log_tree import LogTree, envelope

LINES = 500


def said(number: int) -> bytes:
    """A line that the fallback would not read for itself."""
    return envelope(json.dumps({"level": "info", "message": f"line {number}"}) + "\n", number)


@pytest.mark.slow
def test_a_fallback_takes_what_an_output_cannot(tmp_path: Path) -> None:
    log = LogTree(tmp_path / "containers").container("shop")
    log.write_bytes(b"".join(said(number) for number in range(LINES)))
    outputs = {
        "far": {
            "type": "elasticsearch",
            "hosts": "http://127.0.0.1:1",
            "fallback": "near",
            "fallback_after_seconds": 0,
        },
        "near": {"type": "ndjson_file", "level": "fatal"},
    }
    configuration = {"inputs": {"directory": {"path": str(tmp_path / "containers")}}, "outputs": outputs}
    with running(tmp_path, configuration) as agent:
        wait_until(
            lambda: agent.metric("pilotfish_documents_settled_total", output="far", result="fallback") == LINES,
            "the fallback has taken all of them",
        )
        with log.open("ab") as file:
            file.write(said(LINES))
        wait_until(
            lambda: agent.metric("pilotfish_documents_taken_over_total", output="near") == LINES + 1, "and one more"
        )
        assert Account(agent.get("/metrics").decode()).difference == 0
        assert agent.stop() == 0
    lines = (tmp_path / "state/outputs/near/near.ndjson").read_text().splitlines()
    texts = [json.loads(line)["log"]["message"] for line in lines if '"@target":"shop"' in line]
    assert sorted(texts) == sorted(f"line {number}" for number in range(LINES + 1))
    assert "using its fallback" in agent.log.read_text()
