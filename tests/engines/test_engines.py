"""The harness keeps its word: the servers are real, survive a restart with their data, and refuse strangers."""

import base64
import http.client
import json
import ssl
from itertools import chain

import pytest
import trustme

from tests.engines.dockerd import Dockerd
from tests.engines.process import wait_until
from tests.engines.search_server import SearchServer


def _create(server: SearchServer, index: str, identity: str) -> int:
    action = {"_index": index, "_id": identity} | ({"_type": "_doc"} if server.generation == 6 else {})
    answer = server.bulk({"create": action}, {"message": "hello"})
    assert answer.status == 200, answer
    status: int = answer.json()["items"][0]["create"]["status"]
    return status


def test_a_second_create_conflicts(search_server: SearchServer) -> None:
    assert _create(search_server, "twice", "1") == 201
    assert _create(search_server, "twice", "1") == 409
    assert [hit["_id"] for hit in search_server.refresh_and_fetch("twice")] == ["1"]


def test_every_page_is_fetched(search_server: SearchServer) -> None:
    kind = {"_type": "_doc"} if search_server.generation == 6 else {}
    count = 11_000
    actions = [{"create": {"_index": "many", "_id": str(number), **kind}} for number in range(count)]
    documents = [{"n": number} for number in range(count)]
    answer = search_server.bulk(*chain.from_iterable(zip(actions, documents, strict=True)))
    assert not answer.json()["errors"]
    assert sorted(hit["_source"]["n"] for hit in search_server.refresh_and_fetch("man*")) == list(range(count))


def test_the_version_is_the_one_asked_for(search_server: SearchServer) -> None:
    nodes = search_server.get("/_nodes/_local?filter_path=nodes.*.version").json()["nodes"]
    assert [node["version"] for node in nodes.values()] == [search_server.version]


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_documents_survive_a_restart(search_server: SearchServer, end: str) -> None:
    index = f"kept-after-{end}"
    assert _create(search_server, index, "1") == 201
    {"stop": search_server.stop, "kill": search_server.kill}[end]()
    with pytest.raises(ConnectionRefusedError):
        search_server.get("/")
    search_server.start()
    assert [hit["_id"] for hit in search_server.refresh_and_fetch(index)] == ["1"]


def test_a_stranger_authority_is_refused(elasticsearch_7: SearchServer) -> None:
    context = ssl.create_default_context()
    trustme.CA().configure_trust(context)
    stranger = http.client.HTTPSConnection("127.0.0.1", elasticsearch_7.port, context=context)
    with pytest.raises(ssl.SSLCertVerificationError):
        stranger.request("GET", "/")
    stranger.close()


def test_a_wrong_password_is_refused(elasticsearch_7: SearchServer) -> None:
    context = ssl.create_default_context(cafile=elasticsearch_7.ca_file)
    stranger = http.client.HTTPSConnection("127.0.0.1", elasticsearch_7.port, context=context)
    pair = base64.b64encode(f"{elasticsearch_7.username}:wrong".encode()).decode()
    stranger.request("GET", "/", headers={"authorization": f"Basic {pair}"})
    assert stranger.getresponse().status == 401
    stranger.close()


def test_a_container_logs_to_a_json_file(dockerd: Dockerd) -> None:
    container = dockerd.run("echo", "hello")
    assert container.wait()["StatusCode"] == 0
    entry = json.loads(dockerd.log_file(container).read_text())
    assert (entry["log"], entry["stream"]) == ("hello\n", "stdout")
    container.remove()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_the_daemon_restarts_with_its_containers(dockerd: Dockerd, end: str) -> None:
    container = dockerd.run("sh", "-c", "echo ready; sleep 1000")
    log = dockerd.log_file(container)
    assert wait_until(lambda: log.exists() and b"ready" in log.read_bytes(), within_seconds=10)
    {"stop": dockerd.stop, "kill": dockerd.kill}[end]()
    assert not dockerd.process.running
    dockerd.start()
    again = dockerd.client().containers.get(str(container.id))
    assert again.status == "exited"
    again.start()
    again.remove(force=True)
