"""Documents in other forms on real servers: there once, under their ids, with the types that the templates tell."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.documents.document import is_text
from collector.documents.forms import FORMS as ALL
from collector.documents.forms import form_of
from collector.documents.refused import as_original, as_text
from collector.model import Segment
from collector.ports import OutputContext, Setup
from shippers.elasticsearch.cluster import Server
from shippers.elasticsearch.profiles import USUAL
from shippers.elasticsearch.templates import component, unserved
from tests.collector.desk import Desk
from tests.collector.recording_shipper import Relay
from tests.contract.segments import batch, by_id, document, log_stream, segment
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import emptied, settings_for
from tests.shippers.test_elasticsearch_cluster import plain_templates
from tests.shippers.test_elasticsearch_setup import set_up

STREAM = log_stream()
FIELDS: dict[str, object] = {
    "docker_container_id": "c0ffee", "docker_image": "shop/web:1.2", "docker_app": "shop", "docker_service": "web",
    "docker_task": "shop_web.1.x8s", "k8s_pod": "web-0", "k8s_pod_namespace": "shop", "k8s_container_name": "web",
    "team": "2026-11-23", "docker_label_a_b": "true",
    "took": 12, "target": 1.5, "is_last": True,
}  # fmt: skip
LOGS: list[object] = [
    {"message": "plain words", "level": "INFO", "status": 200, "trace_id": "4bf92f35", "span_id": "00f067aa"},
    {"msg": "other words", "status": "none", "error": {"code": 5}},
    {"message": {"user": "u1"}, "error": "flat"},
    {"message": 5, "when": "2026-11-23"},
    b'{"message":"2026-11-23"}',
    b'{"message":"gr\xc3\xb6\xc3\x9fe \\"quoted\\""}',
    {},
]


def documents() -> Segment:
    """One of each kind of line, with each member that a document can have, in the order of the specification."""
    time = "2026-11-23T02:13:00.500Z"
    lines: list[dict[str, object]] = [
        {"level": "info", "severity_number": 9, "line": number, "sampled": 10, "docker_time": time}
        for number in range(len(LOGS))
    ]
    lines[1] = {"truncated": True, **lines[1]}
    lines[3] = {"repeated": 3, "first": time, "last": time}
    found = []
    for log, members in zip(LOGS, lines, strict=True):
        before, stamp, rest = document(log, STREAM).rpartition(b'.768123456Z"')
        behind = {**FIELDS, "docker_attrs": ["a=b", "c=d"]}
        found.append(b"%b%b,%b%b,%b" % (before, stamp, _members(members), rest[:-1], _members(behind) + b"}"))
    return segment(found, STREAM)


def _members(members: Mapping[str, object]) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()[1:-1]


ECS = {
    "@timestamp": "date", "message": "text", "stream": "keyword", "host.name": "keyword", "container.name": "keyword",
    "container.id": "keyword", "container.image.name": "keyword", "service.name": "keyword",
    "service.namespace": "keyword", "service.node.name": "keyword", "kubernetes.pod.name": "keyword",
    "log.level": "keyword", "log.offset": "long", "event.dataset": "keyword", "event.severity": "long",
    "event.created": "date",
    "labels.team": "keyword", "labels.took": "long", "labels.docker_label_a_b": "keyword", "trace.id": "keyword",
    "pilotfish.target": "keyword", "pilotfish.truncated": "boolean", "pilotfish.docker_attrs": "keyword",
    "pilotfish.repeated": "long", "pilotfish.first": "date", "pilotfish.last": "date",
    "ecs.version": "keyword", "app.message": "text", "app.msg": "text",
}  # fmt: skip
OTEL = {
    "@timestamp": "date", "body.text": "text", "body.flattened": "flattened", "severity_text": "keyword",
    "severity_number": "long", "trace_id": "keyword", "span_id": "keyword", "attributes.log.iostream": "keyword",
    "attributes.pilotfish.line": "long", "attributes.pilotfish.sampled": "long",
    "attributes.pilotfish.truncated": "boolean",
    "resource.attributes.host.name": "keyword", "resource.attributes.container.name": "keyword",
    "resource.attributes.labels.team": "keyword", "resource.attributes.labels.took": "long",
    "resource.attributes.pilotfish.target": "keyword",
}  # fmt: skip


def types_of(server: SearchServer, index: str) -> dict[str, str]:
    """The type of each field, by its whole name."""
    (found,) = server.get(f"/{index}/_mapping").json().values()
    mappings = found["mappings"].get("_doc", found["mappings"])
    return dict(_types(mappings["properties"]))


def _types(properties: Mapping[str, Any], start: str = "") -> list[tuple[str, str]]:
    found = []
    for name, each in properties.items():
        if "type" in each and each["type"] not in ("object", "passthrough"):
            found.append((f"{start}{name}", each["type"]))
        found += _types(each.get("properties", {}), f"{start}{name}.")
    return found


FORMS = {"ecs": ECS, "otel": OTEL}


@pytest.fixture
def server(search_server: SearchServer) -> Iterator[SearchServer]:
    """Each of the four, emptied."""
    yield from emptied(search_server)


async def sent(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str, part: Segment, **options: object
) -> Counter[str]:
    """Each document when the one before it is settled; what became of them."""
    shipper = settings_for(server, document=form, **options).open(site)
    found: Counter[str] = Counter()
    for number in range(part.count):
        desk = Desk(tmp_path / str(number), Relay(shipper))
        async with desk.open(workers=1):
            await desk.put(part.part([number]))
        found += Counter(new=desk.ledger.acknowledged, duplicate=desk.ledger.duplicate, dead=len(desk.letters))
    await shipper.aclose()
    return found


def stored(server: SearchServer, index: str = "shop-2026.11.23") -> dict[str, dict[str, Any]]:
    hits = server.refresh_and_fetch(index)
    assert len({hit["_id"] for hit in hits}) == len(hits)
    return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.mark.parametrize("prepared", ["run", "setup"])
@pytest.mark.parametrize("form", FORMS)
async def test_documents_are_there_once_in_their_form_under_their_ids_with_the_types_that_are_told(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str, prepared: str
) -> None:
    if form == "otel" and server.generation == 6:
        pytest.skip("it has no type for the body: see the test of that")
    if prepared == "setup":
        steps = await set_up(server, site, Setup(targets=("*",)), document=form)
        dashboard = steps.pop("dashboard for Kibana")
        assert (dashboard.outcome, form in dashboard.text) == ("skipped", True)
        assert {step.outcome for step in steps.values()} == {"created"}
    part = documents()
    assert await sent(server, site, tmp_path / "1", form, part) == {"new": part.count}
    assert await sent(server, site, tmp_path / "2", form, part) == {"duplicate": part.count}
    found, expected = stored(server), by_id([batch(part)])
    assert found.keys() == expected.keys()
    made, texts = form_of(form), []
    for name, body in expected.items():
        read = made.read(json.dumps(found[name]).encode())
        if is_text(read):
            texts.append(name)
            read = as_original(read)
        else:
            assert found[name] == json.loads(made.written([body])[0])
        assert json.loads(read) == json.loads(body)
    is_lenient = server.generation == 8 or form == "otel"
    assert texts == ([] if is_lenient else [part.ids[2]])  # an object as its message
    types = FORMS[form]
    if server.generation == "opensearch":
        types = {name: kind.replace("flattened", "flat_object") for name, kind in types.items()}
    told = types_of(server, "shop-2026.11.23")
    assert {name: told.get(name) for name in types} == types


@pytest.mark.parametrize("form", FORMS)
async def test_what_is_refused_is_text_under_the_same_id_and_is_found(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str
) -> None:
    """A mapping of somebody else's that refuses an object, so that each server refuses in each form."""
    name = {"ecs": "app", "otel": "body"}[form]
    properties: object = {name: {"properties": {"flattened": {"type": "long"}, "status": {"type": "date"}}}}
    mappings = {"_doc": {"properties": properties}} if server.generation == 6 else {"properties": properties}
    assert server.request("PUT", "/shop-2026.11.23", json={"mappings": mappings}).status == 200
    part = segment([document(log, STREAM) for log in ({"status": "no date"}, {"message": "plain words"})], STREAM)
    part.documents[1] = document(b'{"message":"plain words"}', STREAM)
    assert await sent(server, site, tmp_path, form, part) == {"new": 2}
    found = stored(server)
    assert found.keys() == {*part.ids}
    first, second = (form_of(form).read(json.dumps(found[name]).encode()) for name in part.ids)
    assert (is_text(first), json.loads(as_original(first))) == (True, json.loads(part.documents[0]))
    assert second == part.documents[1]
    error = form_of(form).field("delivery_error", is_trusted=True)
    asked = {"query": {"bool": {"filter": [{"exists": {"field": error}}, {"match": {form_of(form).words[0]: "date"}}]}}}
    hits = server.request("POST", "/shop-2026.11.23/_search", json=asked).json()["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == part.ids[:1]


async def test_a_server_without_the_types_of_a_form_is_told_and_takes_its_documents(
    elasticsearch_6: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    for server in emptied(elasticsearch_6):
        steps = await set_up(server, site, Setup(targets=("*",)), document="otel")
        (step,) = steps.values()
        assert (step.outcome, step.remedy) == ("failed", "set document: ecs or document: pilotfish")
        assert step.text == "Elasticsearch 6.8.23 has no type `flattened`, which `document: otel` needs"
        part = segment([document({"message": "plain words"}, STREAM)], STREAM)
        with capture_logs() as logged:
            assert await sent(server, site, tmp_path, "otel", part) == {"new": 1}
        assert [each["reason"] for each in logged if each["log_level"] == "warning"] == [step.text]


@pytest.mark.parametrize("form", FORMS)
async def test_with_another_form_the_template_of_run_is_another_and_with_the_former_one_the_former(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str
) -> None:
    if form == "otel" and server.generation == 6:
        pytest.skip("it has no template for it")
    part, there = segment([document({"message": "x"}, STREAM)], STREAM), []
    for number, each in enumerate(("pilotfish", form, "pilotfish")):
        server.request("DELETE", "/shop-*")
        await sent(server, site, tmp_path / str(number), each, part)
        there.append(plain_templates(server))
    assert there[0] == there[2]
    assert there[0].keys() == there[1].keys()
    assert all(there[0][kind] != there[1][kind] for kind in there[0])


async def test_an_index_of_the_default_form_takes_no_document_in_ecs_form_and_is_named(
    server: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    """Why docs/elasticsearch.md says to choose another `index` with another form. All waits, and nothing is lost."""
    assert await sent(server, site, tmp_path, "pilotfish", documents().part([0])) == {"new": 1}
    shipper = settings_for(server, document="ecs").open(site)
    (refused,) = (await shipper.ship(batch(documents().part([1])))).rejected
    receipt = await shipper.ship(batch(as_text(refused)))
    await shipper.aclose()
    assert receipt.retry.count == 1
    assert "the index shop-2026.11.23 rejects every document" in receipt.waits["shop"]
    assert "host" in receipt.waits["shop"]


async def test_fields_of_opentelemetry_are_found_as_if_they_stood_at_the_root(
    elasticsearch_8: SearchServer, site: OutputContext, tmp_path: Path
) -> None:
    for server in emptied(elasticsearch_8):
        await set_up(server, site, Setup(targets=("*",)), document="otel")
        await sent(server, site, tmp_path, "otel", documents())
        for query, count in (("host.name:moby", len(LOGS)), ("log.iostream:stdout", len(LOGS)), ("message:words", 2)):
            asked = {"query": {"query_string": {"query": query}}}
            server.request("POST", "/shop-*/_refresh")
            assert server.request("POST", "/shop-*/_count", json=asked).json()["count"] == count, query


def test_each_form_has_a_mapping_and_each_mapping_a_form() -> None:
    assert {Path(file.name).stem for file in files("shippers.elasticsearch").joinpath("mappings").iterdir()} == {*ALL}


@pytest.mark.parametrize(
    ("server", "flattened", "attributes"),
    [
        (Server("9.2.0", opensearch=False), "flattened", {"type": "passthrough", "priority": 20}),
        (Server("8.17.0", opensearch=False), "flattened", {"type": "passthrough", "priority": 20}),
        (Server("8.16.6", opensearch=False), "flattened", {"type": "object", "subobjects": False}),
        (Server("7.3.0", opensearch=False), "flattened", {"type": "object"}),
        (Server("2.7.0", opensearch=True), "flat_object", {"type": "object"}),
        (None, "flattened", {"type": "object"}),
    ],
)
def test_a_server_is_given_no_type_that_it_does_not_know(
    server: Server | None, flattened: str, attributes: dict[str, object]
) -> None:
    properties = component(server, "otel", USUAL)["template"]["mappings"]["properties"]
    assert properties["body"]["properties"]["flattened"]["type"] == flattened
    told = properties["attributes"]
    assert {name: told[name] for name in told.keys() - {"properties", "dynamic"}} == attributes
    assert unserved("otel", server) == ""


@pytest.mark.parametrize("server", [Server("7.2.1", opensearch=False), Server("2.6.0", opensearch=True)])
def test_a_server_without_such_a_type_has_no_template_for_the_form(server: Server) -> None:
    assert "has no type `flattened`" in unserved("otel", server)
    assert [unserved(form, server) for form in ("ecs", "pilotfish")] == ["", ""]
