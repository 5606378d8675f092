"""Whatever the first document of a day is like, ours are found in the rest: with `run` alone, on real servers."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from collector.model import LogStream
from collector.ports import OutputContext
from tests.collector.desk import Desk
from tests.collector.recording_shipper import Relay
from tests.contract.segments import document, log_stream, segment
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for

FIRSTS: Mapping[str, object] = {
    "object": {"message": {"user": "u1"}},
    "empty-object": {"message": {}},
    "deep-object": {"message": {"a": {"b": {"c": [1]}}}},
    "objects": {"message": [{"user": "u1"}, {"user": "u2"}]},
    "mixed": {"message": ["word", {"user": "u1"}, None, 5]},
    "empty-array": {"message": []},
    "dotted": {"message.user": "u1"},
    "both": {"message": "word", "message.user": "u1"},
    "number": {"message": 5},
    "fraction": {"message": 1.5},
    "huge": {"message": 12345678901234567890123},
    "boolean": {"message": True},
    "date": {"message": "2026-11-23"},
    "moment": {"message": "2026-11-23T10:00:00.5Z"},
    "null": {"message": None},
    "none": {"user": "u1"},
    "message-of-msg": {"msg": {"user": "u1"}},
    "level": {"level": {"name": "warn"}},
    "empty": {},
}
SECOND: object = {"message": "plain words", "msg": "other words", "level": "info"}
REFUSED: object = {"message": "refused words", "": 1}  # by every server, for the empty name: its text form is taken


async def deliver_in_rounds(
    server: SearchServer, tmp_path: Path, logs_by_stream: Mapping[LogStream, list[object]]
) -> dict[str, list[dict[str, Any]]]:
    """The first documents of all streams, then their seconds and so on; those stored by target, none lost or dead."""
    shipper = settings_for(server).open(OutputContext("elastic", tmp_path))
    for number in range(max(map(len, logs_by_stream.values()))):
        desk = Desk(tmp_path / str(number), Relay(shipper))
        async with desk.open(workers=1):
            for stream, logs in logs_by_stream.items():
                if number < len(logs):
                    await desk.put(segment([document(logs[number], stream)], stream, first=number))
        assert desk.letters == []
    await shipper.aclose()
    stored: dict[str, list[dict[str, Any]]] = {stream.target: [] for stream in logs_by_stream}
    hits = server.refresh_and_fetch("*-2026.11.23")
    for hit in sorted(hits, key=lambda each: int(each["_id"].rpartition("-")[2])):
        stored[hit["_source"]["@target"]].append(hit["_source"])
    assert {target: len(each) for target, each in stored.items()} == {
        stream.target: len(logs) for stream, logs in logs_by_stream.items()
    }
    return stored


def targets_found(server: SearchServer, query: str) -> set[str]:
    """Targets in which a query in Lucene's syntax finds something."""
    asked = {"query": {"query_string": {"query": query}}, "size": 1000}
    hits = server.request("POST", "/*-2026.11.23/_search", json=asked).json()["hits"]["hits"]
    return {hit["_source"]["@target"] for hit in hits}


async def test_whatever_type_the_first_message_has_the_next_ones_are_found_and_their_text_form_is_taken(
    search_server: SearchServer, tmp_path: Path
) -> None:
    empty(search_server)
    streams = {log_stream(name): [first, SECOND, REFUSED, first] for name, first in FIRSTS.items()}
    stored = await deliver_in_rounds(search_server, tmp_path, streams)
    for query in ("log.message:words", "log.msg:other", "log.level:info", "log.message:refused", "delivery_error:*"):
        assert targets_found(search_server, query) == set(FIRSTS), query
    assert targets_found(search_server, "log.message:(5 OR true OR 1.5)") == {"number", "fraction", "boolean", "mixed"}
    for name, (first, second, _, again) in stored.items():
        assert second["log"] == SECOND, name
        assert first["log"] == again["log"]
        whole = FIRSTS[name]
        assert first["log"] == whole or json.loads(first["log"]["message"]) == whole, name
        if search_server.generation == 8:  # objects are flattened
            assert first["log"] == whole, name


OPTIONAL = (
    "docker_app",
    "docker_attrs",
    "docker_service",
    "docker_task",
    "k8s_pod",
    "k8s_pod_namespace",
    "k8s_container_name",
)
MANY = {f"first{n}": n for n in range(1992)}


def named(value: str, *members: str) -> LogStream:
    """A stream into one index whose trusted members are all `value`, those of `members` beside the usual ones."""
    trusted = {"host": value, "@target": "all", "docker_container": value, **dict.fromkeys(members, value)}
    return msgspec.structs.replace(log_stream("all"), fields=trusted)


async def deliver_to_one_index(
    server: SearchServer, tmp_path: Path, documents: list[tuple[LogStream, object]]
) -> list[dict[str, Any]]:
    """Each a batch by itself; gives those stored, in their order, with none lost and none dead."""
    shipper = settings_for(server).open(OutputContext("elastic", tmp_path))
    for number, (stream, log) in enumerate(documents):
        desk = Desk(tmp_path / str(number), Relay(shipper))
        async with desk.open(workers=1):
            await desk.put(segment([document(log, stream)], stream, first=number))
        assert (desk.letters, desk.ledger.acknowledged) == ([], 1)
    await shipper.aclose()
    hits = server.refresh_and_fetch("all-2026.11.23")
    assert len(hits) == len(documents)
    return [hit["_source"] for hit in sorted(hits, key=lambda each: int(each["_id"].rpartition("-")[2]))]


async def test_names_of_ours_that_look_like_dates_forbid_no_others(search_server: SearchServer, tmp_path: Path) -> None:
    """The first container's project, pod and host are called 2026-11-23."""
    empty(search_server)
    values = ("2026-11-23", "2026/11/23 10:00:00", "moby")
    stored = await deliver_to_one_index(
        search_server, tmp_path, [(named(value, *OPTIONAL), {"message": "m"}) for value in values]
    )
    assert [one for one in stored if "delivery_error" in one] == []
    for name in ("host", "docker_container", *OPTIONAL):
        assert targets_found(search_server, f"{name}:moby") == {"all"}, name


@pytest.mark.parametrize("first", [MANY, {}], ids=["one-line", "many-lines"])
async def test_room_is_left_for_our_own_members_and_the_text_form_when_lines_fill_the_limit_of_fields(
    search_server: SearchServer, tmp_path: Path, first: object
) -> None:
    empty(search_server)
    sizes = [2**power for power in range(10, -1, -1)] + [1]  # what is refused of them fitted not: none is left at last
    filling = [{f"size{size}-{place}-{n}": n for n in range(size)} for place, size in enumerate(sizes)]
    plain, whole = named("moby"), named("moby", *OPTIONAL)
    after: list[tuple[LogStream, object]] = [(plain, REFUSED), (whole, {"message": "plain words", "level": "info"})]
    stored = await deliver_to_one_index(
        search_server, tmp_path, [(plain, first), *((plain, log) for log in filling), *after]
    )
    assert stored[-1]["log"] == {"message": "plain words", "level": "info"}
    for query in ("log.message:refused", "log.message:plain", "log.level:info", "delivery_error:*"):
        assert targets_found(search_server, query) == {"all"}, query
    for name in ("docker_container", *OPTIONAL):
        assert targets_found(search_server, f"{name}:moby") == {"all"}, name
    if search_server.generation != 8:  # which leaves what is too much unsearchable
        assert "delivery_error" in stored[-3]
