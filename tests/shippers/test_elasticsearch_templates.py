"""What becomes of awkward documents under the templates of `setup`, on real servers and through the real delivery."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from collector.ports import OutputContext, Setup
from tests.collector.desk import Desk
from tests.collector.recording_shipper import Relay
from tests.contract.segments import document, log_stream, segment
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import emptied, settings_for
from tests.shippers.test_elasticsearch_cluster import INDEX
from tests.shippers.test_elasticsearch_setup import set_up

MANY = {f"field{n}": f"value {n}" for n in range(3000)}


@pytest.fixture
async def server(search_server: SearchServer, site: OutputContext) -> AsyncIterator[SearchServer]:
    """Each of the four, set up."""
    for each in emptied(search_server):
        told = await set_up(each, site, Setup(targets=("*",)))
        assert {step.outcome for step in told.values()} <= {"created", "unchanged"}
        yield each


async def deliver_each(server: SearchServer, tmp_path: Path, *logs: object) -> dict[str, dict[str, Any]]:
    """Each a batch by itself, in order; gives the stored documents by number, with none lost and none dead."""
    stream = log_stream()
    shipper = settings_for(server).open(OutputContext("elastic", tmp_path))
    for number, log in enumerate(logs):
        desk = Desk(tmp_path / str(number), Relay(shipper))
        async with desk.open(workers=1):
            await desk.put(segment([document(log, stream)], stream, first=number))
        assert (desk.ledger.acknowledged, desk.letters) == (1, [])
    await shipper.aclose()
    stored = {hit["_id"].rpartition("-")[2]: hit["_source"] for hit in server.refresh_and_fetch(INDEX)}
    assert len(stored) == len(logs)
    return stored


def found(server: SearchServer, query: str) -> list[str]:
    """Numbers of the documents that a query in Lucene's syntax finds."""
    asked = {"query": {"query_string": {"query": query}}, "size": 100}
    hits = server.request("POST", f"/{INDEX}/_search", json=asked).json()["hits"]["hits"]
    return sorted(hit["_id"].rpartition("-")[2] for hit in hits)


def terms(server: SearchServer, field: str) -> dict[str, int]:
    """How often each value of a field is there, as Kibana asks for it."""
    asked = {"size": 0, "aggs": {"values": {"terms": {"field": field}}}}
    answer = server.request("POST", f"/{INDEX}/_search", json=asked)
    assert answer.status == 200, answer
    return {each["key"]: each["doc_count"] for each in answer.json()["aggregations"]["values"]["buckets"]}


async def test_kibana_can_group_and_search(server: SearchServer, tmp_path: Path) -> None:
    await deliver_each(
        server,
        tmp_path,
        {"level": "ERROR", "message": "the quick brown fox", "user": "Ann Lee"},
        {"level": "info", "message": "slow"},
    )
    for field in ("host", "@target", "docker_container", "stream", "host.keyword", "log.level.keyword", "log.level"):
        assert sum(terms(server, field).values()) == 2, field
    assert found(server, 'log.message:"quick brown"') == ["0"]
    assert found(server, "log.user:lee") == ["0"]
    if server.generation != 6:  # it has no built-in normalizer
        assert set(terms(server, "log.level")) == {"error", "info"}
        assert found(server, "log.level:error") == ["0"]


async def test_kibana_can_group_by_each_member_with_the_profile_for_it(
    server: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    told = await set_up(server, site, Setup(targets=("*",), profile="search"))
    assert {step.outcome for step in told.values()} <= {"created", "unchanged", "updated"}
    await deliver_each(server, tmp_path, {"user": "Ann Lee"}, {"message": "slow"})
    assert terms(server, "log.user.keyword") == {"Ann Lee": 1}
    assert found(server, "log.user:lee") == ["0"]


async def test_values_of_another_kind_are_taken_and_kept(server: SearchServer, tmp_path: Path) -> None:
    logs: list[object] = [
        {"ok": True, "when": "2026-11-23", "level": 30, "took": 1},
        {"ok": "maybe", "when": "tomorrow", "level": "warn", "took": "long"},
        {"ok": False, "when": 5, "level": 1.5, "took": 2.5},
    ]
    stored = await deliver_each(server, tmp_path, *logs)
    assert [stored[number]["log"] for number in sorted(stored)] == logs
    assert found(server, "log.ok:true") == ["0"]
    assert found(server, "log.ok:maybe") == ["1"]
    assert found(server, "log.when:tomorrow") == ["1"]
    assert found(server, "log.took:[1 TO 2]") == ["0", "2"]  # 2.5 is a whole number there


async def test_an_object_where_a_word_was_is_searchable_as_fields_or_as_text(
    server: SearchServer, tmp_path: Path
) -> None:
    logs = [
        {"error": "refused"},
        {"error": {"code": "enoent", "path": "/x"}},
        {"error.code": "eperm"},
        {"message": {"a": "inner"}},
    ]
    stored = await deliver_each(server, tmp_path, *logs)
    assert found(server, "log.error:refused") == ["0"]
    if server.generation == 8:  # `subobjects: false`
        assert [name for name, one in stored.items() if "delivery_error" in one] == []
        assert found(server, "log.error.code:(enoent OR eperm)") == ["1", "2"]
        assert found(server, "log.message.a:inner") == ["3"]
    else:
        assert found(server, "log.message:(enoent OR eperm OR inner)") == ["1", "2", "3"]
        assert sum(terms(server, "delivery_error").values()) == 3


async def test_after_a_document_with_3000_fields_the_day_is_searchable(server: SearchServer, tmp_path: Path) -> None:
    stored = await deliver_each(server, tmp_path, MANY, {"level": "info", "message": "after it"})
    if server.generation == 8:
        assert stored["0"]["log"] == MANY
    else:
        assert json.loads(stored["0"]["log"]["message"]) == MANY
    assert found(server, "log.message:after") == ["1"]
    for field in ("host", "@target", "docker_container", "log.level.keyword"):
        assert "1" in found(server, f"_exists_:{field}".replace("@", "\\@")), field
    assert found(server, "@timestamp:[2026-11-23 TO 2026-11-24]".replace("@", "\\@")) == ["0", "1"]


async def test_a_deep_document_is_searchable(server: SearchServer, tmp_path: Path) -> None:
    deep: object = "treasure"
    for _ in range(40):
        deep = {"n": deep}
    stored = await deliver_each(server, tmp_path, deep)
    path = "log" + ".n" * 40 if server.generation == 8 else "log.message"
    assert found(server, f"{path}:treasure") == ["0"]
    assert ("delivery_error" in stored["0"]) is (server.generation != 8)


async def test_names_that_no_server_takes_are_searchable_as_text(server: SearchServer, tmp_path: Path) -> None:
    stored = await deliver_each(server, tmp_path, {"": "hollow"}, {" ": "blank"})
    assert found(server, "log.message:(hollow OR blank)") == ["0", "1"]
    assert [("delivery_error" in one) for one in stored.values()] == [True, True]
