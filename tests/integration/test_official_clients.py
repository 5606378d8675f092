"""What was delivered is read back as users' own programs do: with the official client of the server's major."""

from pathlib import Path
from uuid import uuid4

import pytest

from tests.engines import clients
from tests.engines.search_server import SearchServer
from tests.integration.agent import running, wait_until
from tests.integration.log_tree import LogTree, envelope

TEXTS = ["GET /héllo \U0001f600 200", '{"level":"warn","message":"timeout of käse","n":1.5}', "", "timeout again"]


@pytest.mark.parametrize("server", ["elasticsearch_8", "elasticsearch_7"])
def test_the_official_client_finds_each_document_as_it_was_written(
    request: pytest.FixtureRequest, tmp_path: Path, server: str
) -> None:
    search_server: SearchServer = request.getfixturevalue(server)
    target = f"own-{uuid4().hex[:8]}"
    tree = LogTree(tmp_path / "tree")
    log = tree.container("shop", labels={"aliyun.logs.shop": "stdout", "aliyun.logs.shop.target": target})
    log.write_bytes(b"".join(envelope(f"{text}\n", second) for second, text in enumerate(TEXTS)))
    config = {
        "inputs": {"directory": {"path": str(tree.root)}},
        "outputs": {
            "elastic": {
                "type": "elasticsearch",
                "hosts": [search_server.url],
                "ca_file": search_server.ca_file and str(search_server.ca_file),
                "username": search_server.username,
                "password": search_server.password,
            }
        },
    }
    with running(tmp_path, config) as agent:
        settled = "pilotfish_documents_settled_total"
        wait_until(
            lambda: agent.metric(settled, output="elastic", result="acknowledged") == len(TEXTS), "all lines are there"
        )
    read = clients.read(search_server, f"{target}-*", "timeout")
    assert read["client"].split(".")[0] == search_server.version.split(".")[0]
    assert read["count"] == len(TEXTS)
    assert read["all"] == {hit["_id"]: hit["_source"] for hit in search_server.refresh_and_fetch(f"{target}-*")}
    by_time = sorted(read["all"].values(), key=lambda document: document["@timestamp"])
    assert [document["log"] for document in by_time] == [
        {"message": TEXTS[0]},
        {"level": "warn", "message": "timeout of käse", "n": 1.5},
        {"message": ""},
        {"message": "timeout again"},
    ]
    assert [read["all"][one]["log"]["message"] for one in read["found"]] == ["timeout of käse", "timeout again"]
    assert read["one"] == read["all"][read["found"][0]]
