"""Lines of which some are left out, and members that are found in them: a real daemon, a real server."""

from collections import Counter
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from tests.engines.dockerd import Dockerd
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.test_docker_to_elasticsearch import configuration

pytestmark = pytest.mark.engines

LINES = """
for n in $(seq 3); do echo "{\\"level\\":\\"error\\",\\"n\\":$n,\\"ts\\":$(date +%s)}"; done
for n in $(seq 200); do echo "{\\"level\\":\\"debug\\",\\"n\\":$n}"; done
"""
LIMITED = {
    "pilotfish.fields.level": "true",
    "pilotfish.fields.line": "true",
    "pilotfish.time.key": "ts",
    "pilotfish.lines.exclude": '"n":7}',
    "pilotfish.limit": "100 lines/day",
    "pilotfish.on_excess": "store_only",
}
FOLDED = {"pilotfish.fold": "60s", "pilotfish.level": "info"}


def test_what_is_left_out_is_in_no_index_and_is_told_there(
    tmp_path: Path, dockerd: Dockerd, elasticsearch_8: SearchServer
) -> None:
    name, folded = f"it{uuid4().hex[:8]}", f"it{uuid4().hex[:8]}"
    told = configuration(dockerd, elasticsearch_8)
    told["outputs"] = {**told["outputs"], "local": {"type": "store"}}
    with running(tmp_path, told) as agent:
        dockerd.run("sh", "-c", LINES, name=name, labels=LIMITED)
        dockerd.run("sh", "-c", LINES, name=folded, labels=FOLDED)
        read = partial(agent.metric, "pilotfish_container_documents_read_total")
        left_out = partial(agent.metric, "pilotfish_container_documents_filtered_total", output="elastic")
        wait_until(lambda: read(output="local", name=name) == 202, "the store has all but what is excluded")
        wait_until(lambda: left_out(name=name, rule="limit") == 102, "the other output has what is within the limit")
        wait_until(lambda: left_out(name=folded, rule="level") == 200, "the second container is read")
        assert left_out(name=name, rule="exclude") == 1
        assert left_out(name=folded, rule="fold") == 1
        assert agent.stop() == 0
    found = [hit["_source"] for hit in elasticsearch_8.refresh_and_fetch(f"{name}*")]
    assert Counter(document["level"] for document in found) == {"error": 3, "debug": 97}
    assert sorted(document["line"] for document in found) == [*range(9), *range(10, 101)]
    for document in found:
        assert document["severity_number"] == {"debug": 5, "error": 17}[document["level"]]
        assert ("docker_time" in document) == (document["level"] == "error")
        assert document.get("docker_time", document["@timestamp"])[:10] == document["@timestamp"][:10]
    (first,) = elasticsearch_8.refresh_and_fetch(f"{folded}*")
    assert first["_source"]["log"]["n"] == 1
    limits = [hit["_source"] for hit in elasticsearch_8.refresh_and_fetch("pilotfish-limits-*")]
    rules = {document["docker_container"]: document["log"]["rules"] for document in limits}
    assert rules[name] == {"limit": 102, "exclude": 1}
    assert rules[folded] == {"level": 200, "fold": 1}
    (index,) = elasticsearch_8.get(f"/{name}*/_mapping").json().values()
    types = {member: told.get("type") for member, told in index["mappings"]["properties"].items()}
    assert [types[member] for member in ("line", "severity_number", "level", "docker_time")] == [
        *("long", "long", "keyword", "date"),
    ]
