"""The saved objects hold together, and name nothing but what documents hold, mapped so that it can be asked for."""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from collector.discovery.enrich import Described, Enricher
from collector.discovery.registry import Container
from collector.model import Chunk, FileId, LogStream, Position, Segment
from collector.ports import OutputContext
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from shippers.elasticsearch.bulk import DEFAULT_INDEX
from shippers.elasticsearch.templates import patterns_of
from tests.collector.docker_lines import raw
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.dashboards.kibana import (
    DATA_VIEW,
    EVENT_FIELDS,
    NEW,
    NO_VALUE,
    OLD,
    Question,
    SavedObject,
    body,
    fields,
    leaves,
    load,
    mapping,
    panels,
    parse,
    queried,
    questions,
    reference_names,
    referred,
)
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for

FILES = (NEW, OLD)
COLUMNS = 48
META = "kibanaSavedObjectMeta"
# The newest form that Kibana 8.8 knows of each type: one that says it is newer is refused by it.
NEWEST_VERSIONS = {DATA_VIEW: "8.0.0", "search": "8.0.0", "lens": "8.6.0", "dashboard": "8.7.0"}
# Attributes that Kibana (`schema/v1` of each type) and OpenSearch Dashboards (strict mappings) take; others fail.
ATTRIBUTES = {
    NEW: {
        DATA_VIEW: "title name timeFieldName allowNoIndex"
        " fieldAttrs fieldFormatMap fields runtimeFieldMap sourceFilters",
        "search": f"title description columns sort grid hideChart isTextBasedQuery timeRestore {META}",
        "lens": "title description visualizationType state",
        "dashboard": f"title description version timeRestore controlGroupInput optionsJSON panelsJSON {META}",
    },
    OLD: {
        DATA_VIEW: "title timeFieldName",
        "search": f"title description hits columns sort version {META}",
        "visualization": f"title description uiStateJSON version visState {META}",
        "dashboard": f"title description hits version timeRestore optionsJSON panelsJSON {META}",
    },
}
LABELS = {
    "com.docker.stack.namespace": "shop",
    "com.docker.swarm.service.name": "shop_web",
    "io.kubernetes.pod.name": "web-0",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.container.name": "web",
}
PUBLISHED = {"Date": "2017-11-27 10:13:00", "level": "info", "message": "no error here"}
ERRORS = (
    {"level": "error", "message": "lower"},
    {"level": "ERROR", "message": "upper"},
    {"level": "Fatal", "message": "capital"},
    {"level": "critical", "message": "long"},
)
PLAIN = "a line that is no JSON, and so has no level: error"
EVENTS = (
    EVENT_FIELDS,
    {**EVENT_FIELDS, "event": "health_status", "level": "warning", "message": "web is unhealthy"},
)


@pytest.fixture(params=FILES)
def objects(request: pytest.FixtureRequest) -> list[SavedObject]:
    return load(request.param)


# ------------------------------------------------------------------ documents


def stream_of(name: str, **labels: str) -> LogStream:
    container = Container(id=name, name=name, state="running")
    described = Described(container=container, labels=labels, environment=[], path="")
    (stream,) = Enricher("moby", "all", "", lambda _: None).container(described).streams
    return stream


def written(stream: LogStream, *texts: str) -> list[Segment]:
    """What the agent makes of the lines of one container."""
    lines = b"".join(raw(f"{text}\n", stream="stderr") for text in texts)
    file = FileId(stream.container_id, "0badcafe", 0)
    chunk = Chunk(stream=stream, data=lines, start=Position(file, 0, 0), end=Position(file, len(lines), len(texts)))
    return DockerJson(Stamps()).segments(chunk)


def everything() -> list[Segment]:
    """Lines of an application and of one that numbers its levels, and events."""
    application = [json.dumps(log) for log in (PUBLISHED, *ERRORS)]
    events = log_stream("docker-events", container_id="web")
    return [
        *written(stream_of("web", **LABELS), *application, PLAIN),
        *written(stream_of("pino"), '{"level":50,"msg":"numbered"}'),
        segment([document(dict(log), events, output="events") for log in EVENTS], events),
    ]


def known() -> dict[str, str]:
    """The type of every field that documents have."""
    numbered = "pino"  # whose levels are mapped otherwise than all others'
    parts = [part for part in everything() if part.stream.container != numbered]
    return mapping(json.loads(one) for part in parts for one in part.documents)


# ------------------------------------------------------------------ the files hold together


def test_ids_are_unique_and_ours(objects: list[SavedObject]) -> None:
    ids = [(one.type, one.id) for one in objects]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith("pilotfish-") for _, name in ids)


def test_a_reference_has_a_use_and_a_use_has_a_reference(objects: list[SavedObject]) -> None:
    assert {one.id: set(one.references) for one in objects} == {one.id: reference_names(one) for one in objects}


def test_what_is_referred_to_is_in_the_file_and_nothing_else_is(objects: list[SavedObject]) -> None:
    needed = set().union(*map(referred, objects))
    dashboards = {(one.type, one.id) for one in objects if one.type == "dashboard"}
    assert needed | dashboards == {(one.type, one.id) for one in objects}
    assert len(dashboards) == 1


def test_all_that_asks_asks_the_data_view(objects: list[SavedObject]) -> None:
    (view,) = [one for one in objects if one.type == DATA_VIEW]
    asking = [one for one in objects if questions(one)]
    assert len(asking) >= 7
    assert all((DATA_VIEW, view.id) in referred(one) for one in asking)


def test_the_data_view_sees_every_index_that_is_written(objects: list[SavedObject]) -> None:
    (view,) = [one for one in objects if one.type == DATA_VIEW]
    assert view.attributes["title"] == "*-20*"
    assert {pattern.lstrip("abcdefghijklmnopqrstuvwxyz0123456789") for pattern in patterns_of(DEFAULT_INDEX)} == {
        "*-20*.*.*"
    }


def test_panels_lie_side_by_side(objects: list[SavedObject]) -> None:
    (dashboard,) = [one for one in objects if one.type == "dashboard"]
    grid = [panel["gridData"] for panel in panels(dashboard)]
    assert all(one["x"] >= 0 and one["w"] > 0 and one["x"] + one["w"] <= COLUMNS for one in grid)
    assert all(one["y"] >= 0 and one["h"] > 0 for one in grid)
    assert [panel["panelIndex"] for panel in panels(dashboard)] == [one["i"] for one in grid]
    assert len({one["i"] for one in grid}) == len(grid)
    assert not [(a["i"], b["i"]) for a, b in combinations(grid, 2) if _overlap(a, b)]


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return (
        a["x"] < b["x"] + b["w"] and b["x"] < a["x"] + a["w"] and a["y"] < b["y"] + b["h"] and b["y"] < a["y"] + a["h"]
    )


@pytest.mark.parametrize("name", FILES)
def test_attributes_are_those_that_the_oldest_server_takes(name: str) -> None:
    """Both refuse what they do not know."""
    taken = {kind: set(words.split()) for kind, words in ATTRIBUTES[name].items()}
    found = {kind: {key for one in load(name) if one.type == kind for key in one.attributes} for kind in taken}
    assert found == taken
    assert {one.type for one in load(name)} == set(taken)


def test_no_object_says_it_is_newer_than_the_oldest_server_it_is_for() -> None:
    for one in load(NEW):
        expected = {"coreMigrationVersion": "8.8.0", "typeMigrationVersion": NEWEST_VERSIONS[one.type]}
        assert one.versions == expected, one.id
    assert [one.id for one in load(OLD) if one.versions] == []


def test_both_files_show_the_same() -> None:
    shown = []
    for name in FILES:
        asked = [question for one in load(name) for question in questions(one)]
        shown.append({one.title: one._replace(buckets=tuple(sorted(one.buckets)), language="") for one in asked})
        assert len(shown[-1]) == len(asked)
    assert shown[0] == shown[1]


# ------------------------------------------------------------------ what they name exists


def test_every_field_is_one_of_a_document(objects: list[SavedObject]) -> None:
    missing = {one.id: fields(one) - set(known()) for one in objects}
    assert {name: found for name, found in missing.items() if found} == {}


def test_what_divides_or_sorts_is_no_text(objects: list[SavedObject]) -> None:
    asked = [question for one in objects for question in questions(one)]
    used = {bucket.field for one in asked for bucket in one.buckets} | {name for one in asked for name in one.sort}
    assert len(used) >= 5
    assert [name for name in used if known()[name] == "text"] == []


def test_fields_are_found_wherever_they_stand() -> None:
    assert queried('a.b:(x OR y) AND NOT @c:"d:e" OR f>=3') == {"a.b", "@c", "f"}
    source = json.dumps({"query": {"query": "log.level:x", "language": "kuery"}, "indexRefName": "name"})
    attributes = {
        "title": "t",
        "columns": ["host"],
        "sort": [["@timestamp", "desc"]],
        META: {"searchSourceJSON": source},
    }
    line = {"type": "search", "id": "one", "attributes": attributes, "references": []}
    assert fields(parse(json.dumps(line))) == {"log.level", "host", "@timestamp"}
    assert reference_names(parse(json.dumps(line))) == {"name"}


# ------------------------------------------------------------------ real servers


@pytest.fixture
async def filled(search_server: SearchServer, tmp_path: Path) -> SearchServer:
    """The server with one document of each kind, shipped by the real shipper, which brings the template."""
    empty(search_server)
    sent = batch(*everything())
    shipper = settings_for(search_server).open(OutputContext("elastic", tmp_path))
    receipt = await deliver(shipper, sent)
    await shipper.aclose()
    assert receipt.delivered == sent.count
    search_server.request("POST", "/*-20*/_refresh")
    return search_server


def ask(server: SearchServer, question: Question) -> dict[str, Any]:
    request = body(question, interval="interval" if server.generation == 6 else "fixed_interval")
    answer = server.request("POST", "/*-20*/_search", json=request)
    assert answer.status == 200, (request, answer.body)
    found: dict[str, Any] = answer.json()
    assert found["_shards"]["failed"] == 0, (request, found["_shards"])
    return found


def keys(aggregations: dict[str, Any] | None) -> Iterator[set[str]]:
    """The keys of all buckets, level by level."""
    level = [aggregations] if aggregations else []
    while level := [one for one in level if "divided" in one]:
        buckets = [bucket for one in level for bucket in one["divided"]["buckets"]]
        yield {str(bucket["key"]) for bucket in buckets}
        level = buckets


def messages(found: dict[str, Any]) -> set[str]:
    return {hit["_source"]["log"]["message"] for hit in found["hits"]["hits"]}


async def test_every_object_shows_something(filled: SearchServer) -> None:
    for question in (question for name in FILES for one in load(name) for question in questions(one)):
        found = ask(filled, question)
        levels = list(keys(found.get("aggregations")))
        assert len(levels) == len(question.buckets), question
        for bucket, level in zip(question.buckets, levels, strict=True):
            assert level - {NO_VALUE}, (question, bucket)
            assert (NO_VALUE in level) == bucket.missing, (question, bucket)
        hits = [dict(leaves(hit["_source"])) for hit in found["hits"]["hits"]]
        assert question.buckets or hits, question
        assert set(question.columns) <= {name for hit in hits for name in hit}, question


async def test_errors_are_found_however_their_level_is_written_and_nothing_else(filled: SearchServer) -> None:
    for name in FILES:
        (asked,) = [each for one in load(name) for each in questions(one) if each.title == "Latest errors"]
        expected = {str(log["message"]) for log in (*ERRORS, EVENTS[0])}
        assert messages(ask(filled, asked)) == expected


async def test_health_events_are_the_events(filled: SearchServer) -> None:
    for name in FILES:
        (asked,) = [each for one in load(name) for each in questions(one) if each.title == "Health events"]
        assert messages(ask(filled, asked)) == {str(log["message"]) for log in EVENTS}


async def test_fields_are_mapped_as_these_tests_take_it(filled: SearchServer) -> None:
    answer = filled.get("/*-20*/_field_caps?fields=*")
    types = {name: set(caps) for name, caps in answer.json()["fields"].items()}
    assert {name: kind for name, kind in known().items() if kind not in types.get(name, set())} == {}
