"""Documents in other forms in data streams, by Elasticsearch's own templates and by ours, on a real server."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from collector.documents.forms import form_of
from collector.documents.refused import as_original
from collector.ports import OutputContext, Setup
from tests.engines import servers
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch_forms import FORMS, documents, sent, stored, types_of
from tests.shippers.test_elasticsearch_setup import set_up

# Elasticsearch's own templates as 8.19 ships them (`logs@mappings`, `logs@settings`, `ecs@mappings`, `otel@mappings`,
# `logs-otel@mappings`), with the types that the small distribution lacks as those that are next to them: text for
# match_only_text, keyword for wildcard and constant_keyword.
_TEXTS: object = {"all": {"match_mapping_type": "string", "mapping": {"type": "keyword", "ignore_above": 1024}}}
STOCK: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "ecs": ("logs-MODE.{target}-default", "logs-MODE.*-default", {
        "date_detection": False,
        "dynamic_templates": [
            {"message": {"path_match": ["message", "*.message"], "mapping": {"type": "text"}}},
            {"ip": {"path_match": ["ip", "*.ip", "*_ip"], "match_mapping_type": "string", "mapping": {"type": "ip"}}},
            {"date": {"path_match": ["*.created", "*.timestamp", "*.start", "*.end"], "mapping": {"type": "date"}}},
            _TEXTS,
        ],
    }),
    "otel": ("logs-MODE.{target}.otel-default", "logs-MODE.*.otel-*", {
        "date_detection": False,
        "dynamic": False,
        "dynamic_templates": [
            {"complex": {"path_match": ["resource.attributes.*", "attributes.*"], "match_mapping_type": "object",
                         "mapping": {"type": "flattened"}}},
            _TEXTS,
        ],
        "properties": {
            "attributes": {"type": "passthrough", "dynamic": True, "priority": 20},
            "resource": {"properties": {"attributes": {"type": "passthrough", "dynamic": True, "priority": 40}}},
            "body": {"properties": {"text": {"type": "text"}, "flattened": {"type": "flattened"}}},
            "observed_timestamp": {"type": "date_nanos"}, "severity_number": {"type": "byte"},
            "severity_text": {"type": "keyword"}, "trace_id": {"type": "keyword"}, "span_id": {"type": "keyword"},
        },
    }),
}  # fmt: skip


@pytest.fixture(scope="module", params=["elasticsearch_8"])
def server(request: pytest.FixtureRequest) -> Iterator[SearchServer]:
    """A server of its own: it has no request that removes a data stream."""
    with closing(servers.SEARCH_SERVERS[request.param]()) as found:
        found.start()
        yield found


@pytest.mark.parametrize("form", STOCK)
@pytest.mark.parametrize("mode", ["standard", "logsdb"])
async def test_the_servers_own_templates_take_documents_of_the_form(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str, mode: str
) -> None:
    """In mode `logsdb` it makes documents anew of its fields: numbers of the body become texts, times milliseconds."""
    index, pattern, mappings = STOCK[form]
    index = index.replace("MODE", mode)
    template = {"settings": {"index.mode": mode, "index.mapping.ignore_malformed": True}, "mappings": mappings}
    body: dict[str, Any] = {"index_patterns": [pattern.replace("MODE", mode)], "data_stream": {}, "template": template}
    body["priority"] = 150 + len(form)  # theirs for OpenTelemetry is above the other, too
    assert server.request("PUT", f"/_index_template/own-{form}-{mode}", json=body).status == 200
    part = documents()
    assert await sent(server, site, tmp_path / "1", form, part, index=index) == {"new": part.count}
    assert await sent(server, site, tmp_path / "2", form, part, index=index) == {"duplicate": part.count}
    found = stored(server, index.replace("{target}", "shop"))
    assert found.keys() == {*part.ids}
    for name, kept in zip(part.ids, part.documents, strict=True):
        told = json.loads(as_original(form_of(form).read(json.dumps(found[name]).encode())))
        known = json.loads(kept)
        assert told.pop("@timestamp")[:-1] in known.pop("@timestamp")
        assert texts_of(told.pop("log")) == texts_of(known.pop("log"))
        assert told == known


@pytest.mark.parametrize("form", FORMS)
async def test_a_data_stream_of_setup_has_the_types_of_the_form(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str
) -> None:
    index = f"logs-docker.{{target}}.{form}-default"
    steps = await set_up(server, site, Setup(data_stream=True), document=form, index=index)
    assert "failed" not in {step.outcome for step in steps.values()}
    assert f"component template pilotfish-{form}@mappings" in steps
    part = documents()
    assert await sent(server, site, tmp_path / "1", form, part, index=index) == {"new": part.count}
    assert await sent(server, site, tmp_path / "2", form, part, index=index) == {"duplicate": part.count}
    told = types_of(server, f"logs-docker.shop.{form}-default")
    assert {name: told.get(name) for name in FORMS[form]} == FORMS[form]


def texts_of(value: object) -> object:
    """The same with numbers as texts."""
    if isinstance(value, dict):
        return {name: texts_of(each) for name, each in value.items()}
    return str(value)
