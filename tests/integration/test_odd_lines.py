"""Lines that are not quite what Docker writes: from the file to every server, through the real agent."""

import json
from pathlib import Path
from typing import Any

from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.log_tree import LogTree, envelope

INDEX = "odd-shop-2026.11.23"
TORN = b'ed\\n","stream":"stdout","time":"2026-11-23T09:59:59.5Z"}\n'
HALF_IN_ENVELOPE = b'{"log":"half \\ud83d of it\\n","stream":"stderr","time":"2026-11-23T10:00:03.5Z"}\n'
WITH_ATTRS = (
    b'{"log":"x\\n","stream":"stdout","attrs":{"tag":"shop/1","a":"1","a.b":"2"},"time":"2026-11-23T10:00:04.5Z"}\n'
)
ELSEWHERE = b'{"log":"elsewhere\\n","time":"2026-11-23T18:00:05,25+08:00"}\n'
YEAR_ONE = b'{"log":"year one\\n","stream":"stderr","time":"0001-01-01T00:00:00Z"}\n'


def test_odd_lines_arrive_with_text_stream_time_and_attributes(tmp_path: Path, search_server: SearchServer) -> None:
    search_server.request("DELETE", "/odd-*")
    tree = LogTree(tmp_path / "tree")
    tree.container("shop").write_bytes(
        b"\0" * (5 << 20)
        + b"".join(
            (
                TORN,
                envelope('{"text":"cut \\ud83d","whole":"\\ud83d\\ude00"}\n', 2, stream="stderr"),
                HALF_IN_ENVELOPE,
                WITH_ATTRS,
                ELSEWHERE,
                YEAR_ONE,
            )
        )
    )
    config = {
        "inputs": {"directory": {"path": str(tree.root)}},
        "fields": {"attrs": True},
        "outputs": {
            "elastic": {
                "type": "elasticsearch",
                "hosts": [search_server.url],
                "ca_file": search_server.ca_file and str(search_server.ca_file),
                "index": "odd-{target}-%Y.%m.%d",
                "username": search_server.username,
                "password": search_server.password,
            }
        },
    }
    with running(tmp_path, config) as agent:
        wait_until(lambda: settled(agent) == 6, "all lines are there", seconds=60)
        assert agent.metric("pilotfish_torn_lines_total", output="elastic") == 1
        assert "NUL bytes left out of a log" in agent.log.read_text()
    found = [hit["_source"] for hit in search_server.refresh_and_fetch("odd-*")]
    assert {hit["_index"] for hit in search_server.refresh_and_fetch("odd-*")} == {INDEX}
    found.sort(key=lambda one: (one["@timestamp"], json.dumps(one["log"])))
    assert [(one["log"], one["stream"], one["@timestamp"][11:-1]) for one in found] == [
        ({"message": TORN.decode()[:-1]}, "stdout", "10:00:02.5"),
        ({"text": "cut \ufffd", "whole": "\U0001f600"}, "stderr", "10:00:02.5"),
        ({"message": "half \ufffd of it"}, "stderr", "10:00:03.5"),
        ({"message": "x"}, "stdout", "10:00:04.5"),
        ({"message": "elsewhere"}, "stdout", "10:00:05.25"),
        ({"message": "year one"}, "stderr", "10:00:05.25"),
    ]
    assert [one.get("docker_attrs") for one in found] == [None] * 3 + [["a=1", "a.b=2", "tag=shop/1"]] + [None] * 2


def settled(agent: Any) -> float:
    """Documents that the server took."""
    return float(agent.metric("pilotfish_documents_settled_total", output="elastic", result="acknowledged"))
