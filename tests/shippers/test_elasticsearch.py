import json
from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

import pytest

from collector.documents.forms import KEPT, form_of
from collector.errors import Unauthorized, Unavailable
from collector.model import Batch
from collector.ports import OutputContext
from shippers.elasticsearch import ElasticsearchShipper, Settings, bulk
from shippers.elasticsearch.bulk import DEFAULT_INDEX, encode
from shippers.elasticsearch.outcomes import FILTER, all_created
from tests.contract.segments import batch, document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS, Destination, ShipperContract, deliver
from tests.engines.search_server import SearchServer


class Cluster:
    """A real server, emptied, for documents in a form."""

    def __init__(self, server: SearchServer, site: OutputContext, form: str = KEPT) -> None:
        self.server = server
        self._site = site
        self._form = form
        self.settings = settings_for(server, document=form)
        empty(server)

    def open(self) -> ElasticsearchShipper:
        return self.settings.open(self._site)

    async def stored(self) -> dict[str, list[bytes]]:
        copies: dict[str, list[bytes]] = defaultdict(list)
        for hit in self.server.refresh_and_fetch("*"):
            copies[hit["_id"]].append(self._read(json.dumps(hit["_source"])))
        return copies

    def _read(self, source: str) -> bytes:
        """The document; Python writes the number 1e999 in a way of its own."""
        return form_of(self._form).read(source.replace(": Infinity", ": 1e999").encode())


# What full distributions bring, and the small ones here do not: name, patterns, priority, `_meta`, as 7.17 and 8.19 of
# Elasticsearch ship them (`x-pack/plugin/*/template-resources`); of OpenSearch's plugins, observability makes them at
# its first start, query-insights once it exports. The small 7.17 knows no data streams.
_Stock = list[tuple[str, list[str], int, dict[str, object] | None]]
_MANAGED: dict[str, object] = {"managed": True}
_ELASTICS: _Stock = [
    *((name, [f"{name}-*-*"], 100, _MANAGED) for name in ("logs", "metrics", "synthetics")),
    ("logs-otel@template", ["logs-*.otel-*"], 120, _MANAGED),
    ("traces-apm@template", ["traces-apm-*"], 140, _MANAGED),
    ("behavioral_analytics-events-default", ["behavioral_analytics-events-*"], 100, _MANAGED),
]
_OPENSEARCHS: _Stock = [
    ("ss4o_metrics_template", ["ss4o_metrics-*-*"], 1, {"description": "Observability Metrics Mapping Template"}),
    ("ss4o_traces_template", ["ss4o_traces-*-*"], 1, {"description": "Observability Traces Mapping Template"}),
    ("query_insights_top_queries_template", ["top_queries-*"], 1847, None),
]
STOCK: dict[object, _Stock] = {9: _ELASTICS, 8: _ELASTICS, 7: _ELASTICS[:3], "opensearch": _OPENSEARCHS}


def settings_for(server: SearchServer, **options: object) -> Settings:
    given = {"hosts": [server.url], "ca_file": server.ca_file, "username": server.username, "password": server.password}
    return Settings.model_validate({"type": "elasticsearch", **given, **options})


def empty(server: SearchServer) -> None:
    """Remove every index and what earlier tests or shippers installed; what the server brings is there."""
    server.request("DELETE", "/*")
    for kind in ("_template", "_index_template", "_component_template"):  # components last: templates compose them
        for name in ("pilotfish*", "own*"):
            server.request("DELETE", f"/{kind}/{name}")
    server.request("DELETE", "/_ilm/policy/pilotfish")
    stock(server)


def stock(server: SearchServer) -> None:
    """Put the templates that operators find in a server from the start."""
    for name, patterns, priority, meta in STOCK.get(server.generation, ()):
        body: dict[str, object] = {"index_patterns": patterns, "priority": priority, "template": {"settings": {}}}
        body |= {"_meta": meta} if meta else {}
        if server.generation != 7 and not name.startswith("query"):
            body["data_stream"] = {}
        answer = server.request("PUT", f"/_index_template/{name}", json=body)
        assert answer.status == 200, answer


def emptied(server: object) -> Iterator[SearchServer]:
    """The server empty, and empty again afterwards: templates of a test must not meet the indices of the next."""
    assert isinstance(server, SearchServer)
    empty(server)
    yield server
    empty(server)


class RealServerContract(ShipperContract):
    form: ClassVar[str] = KEPT

    @pytest.fixture
    def server(self) -> SearchServer:
        raise NotImplementedError

    @pytest.fixture
    def destination(self, server: SearchServer, site: OutputContext) -> Destination:
        return Cluster(server, site, self.form)

    async def test_documents_are_read_back_by_their_ids(self, server: SearchServer, site: OutputContext) -> None:
        sent, other = plain_segment(30), plain_segment(3, "elsewhere")
        shipper = Cluster(server, site, self.form).open()
        try:
            assert await shipper.read_back(other) == set()
            await deliver(shipper, batch(sent))
            assert await shipper.read_back(plain_segment(40)) == set(sent.ids)
        finally:
            await shipper.aclose()


class TestElasticsearch8(RealServerContract):
    @pytest.fixture
    def server(self, elasticsearch_8: SearchServer) -> SearchServer:
        return elasticsearch_8


class TestElasticsearch7WithTlsAndPassword(RealServerContract):
    @pytest.fixture
    def server(self, elasticsearch_7: SearchServer) -> SearchServer:
        return elasticsearch_7


class TestElasticsearch6(RealServerContract):
    @pytest.fixture
    def server(self, elasticsearch_6: SearchServer) -> SearchServer:
        return elasticsearch_6


class TestOpenSearch2(RealServerContract):
    @pytest.fixture
    def server(self, opensearch_2: SearchServer) -> SearchServer:
        return opensearch_2


# A transform leaves no half of a pair of surrogates in a document, and none is read back from another form.
_WITHOUT_HALVES = [log for log in HOSTILE_LOGS if "lone" not in log]


class TestEcsOnElasticsearch8(TestElasticsearch8):
    form = "ecs"
    hostile_logs = _WITHOUT_HALVES


class TestOtelOnElasticsearch8(TestElasticsearch8):
    form = "otel"
    hostile_logs = _WITHOUT_HALVES


async def test_the_published_document_comes_back_field_for_field(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    published = {
        "log": {"Date": "2017-11-27 10:13:00", "level": "info", "message": "größe 🐟"},
        "stream": "stdout",
        "@timestamp": "2017-11-27T10:13:00.768123456+08:00",
        "host": "e2a835728d73",
        "@target": "usercenter-go-ol",
        "docker_container": "r-baseService-usercenter-go-3-95f1c1f8",
    }
    part = segment([json.dumps(published).encode()], log_stream("usercenter-go-ol"), day="2017-11-27")
    shipper = settings_for(search_server).open(site)
    await deliver(shipper, batch(part))
    await shipper.aclose()
    (hit,) = search_server.refresh_and_fetch("usercenter-go-ol-2017.11.27")
    assert (hit["_id"], hit["_source"]) == (part.ids[0], published)


def test_the_answer_that_all_are_there_is_what_each_server_says(search_server: SearchServer) -> None:
    """Else every answer would be looked into item by item."""
    empty(search_server)
    body = encode(batch(plain_segment(3), plain_segment(2, "till")), DEFAULT_INDEX, typed=search_server.generation == 6)
    path = f"/_bulk?filter_path={FILTER}"
    answer = search_server.request("POST", path, body=body, content_type="application/x-ndjson")
    assert answer.body == all_created(5)


async def test_the_probe_names_product_version_and_host(search_server: SearchServer, site: OutputContext) -> None:
    product = "OpenSearch" if search_server.generation == "opensearch" else "Elasticsearch"
    shipper = settings_for(search_server).open(site)
    assert await shipper.probe() == f"{product} {search_server.version} at {search_server.url}"
    await shipper.aclose()


def by_label(labelled: dict[str, bytes]) -> Batch:
    """A target per label, its document between two good ones: one may change the mapping for the next."""
    parts = []
    for label, log in labelled.items():
        stream = log_stream(label)
        good = document({"message": "good"}, stream)
        parts.append(segment([good, document(log, stream), good], stream))
    return Batch(tuple(parts))


REFUSED_EVERYWHERE = {
    "duplicate-key": b'{"x":"a","x":"b"}',
    "empty-key": b'{"":"a"}',
    "blank-key": b'{" ":1}',
    "text-for-object": b'"text"',
    "no-json": b'{"x":',
}
REFUSED_OR_TAKEN = {
    "dots-key": b'{"a..b":1}',
    "long-number": b'{"n":' + b"1" * 1500 + b"}",
    "infinite": b'{"x":1e999}',
    "beyond-long": b'{"x":9223372036854775808}',
    "deep-objects": b'{"a":' * 400 + b"1" + b"}" * 400,
    "deep-arrays": b'{"a":' + b"[" * 900 + b"]" * 900 + b"}",
    "many-fields": json.dumps({f"f{n}": n for n in range(2500)}).encode(),
}


async def test_what_a_server_cannot_take_is_rejected_alone_with_its_words(
    search_server: SearchServer, site: OutputContext
) -> None:
    empty(search_server)
    sent = by_label(REFUSED_EVERYWHERE | REFUSED_OR_TAKEN)
    shipper = settings_for(search_server).open(site)
    # The mappings first: the five shards of an index of 6 would race for them, and a bad document might win.
    await deliver(shipper, batch(*(segment(part.documents[:1], part.stream) for part in sent.segments)))
    receipt = await deliver(shipper, sent)
    await shipper.aclose()
    refused = {each.segment.stream.target for each in receipt.rejected}
    assert set(REFUSED_EVERYWHERE) <= refused
    assert refused <= set(REFUSED_EVERYWHERE | REFUSED_OR_TAKEN)
    assert {each.index for each in receipt.rejected} == {1}
    assert all(each.type and each.reason for each in receipt.rejected)
    assert receipt.waits == {}


async def test_a_mapping_conflict_rejects_that_document_only(search_server: SearchServer, site: OutputContext) -> None:
    empty(search_server)
    stream = log_stream()
    logs = [{"message": "m", "o": {"p": 1}}, {"message": "m", "o": "scalar"}, {"message": "m", "o": {"p": 2}}]
    documents = [document(log, stream) for log in logs]
    shipper = settings_for(search_server, template="off").open(site)  # under ours 8 takes both
    await deliver(shipper, batch(segment(documents[:1], stream)))  # makes the mapping
    receipt = await deliver(shipper, batch(segment(documents, stream)))
    await shipper.aclose()
    assert (receipt.delivered, receipt.duplicate, [each.index for each in receipt.rejected]) == (1, 1, [1])
    assert "o" in receipt.rejected[0].reason


def dotted(levels: int, *, dot: str = ".") -> bytes:
    return b'{"%b":1}' % dot.join("a" * levels).encode()


DEADLY = {
    "objects": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "arrays": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "dots": dotted(1900),
    "escaped": dotted(1900, dot="\\u002e"),
    "dots-in-objects": b"".join(b'{"%b":' % b".".join([b"a"] * 100) for _ in range(19)) + b"1" + b"}" * 19,
    "many": b"{%b}" % b",".join(b'"k%d%b":1' % (n, b".a" * 400) for n in range(200)),
    "twice": b'{"a":%b,"a":1}' % dotted(1900),
}


async def test_no_server_is_sent_so_many_levels_that_it_dies(search_server: SearchServer, site: OutputContext) -> None:
    """The deepest that is sent is sent: it is survived, under the template that lets a document have most fields."""
    empty(search_server)
    sent = by_label(DEADLY)
    survived = by_label({"deepest": dotted(bulk.DEEPEST - 1), "arrays": b'{"a":' + b"[" * 498 + b"]" * 498 + b"}"})
    shipper = settings_for(search_server).open(site)
    receipt = await deliver(shipper, sent)
    assert receipt.delivered == 2 * len(DEADLY)
    assert [each.type for each in receipt.rejected] == ["nesting_depth"] * len(DEADLY)
    assert {"nesting_depth"}.isdisjoint(each.type for each in (await deliver(shipper, survived)).rejected)
    alone = segment([sent.segments[0].documents[1]], log_stream("till"))
    assert len((await deliver(shipper, batch(alone))).rejected) == 1
    assert search_server.get("/_cluster/health").status == 200
    await shipper.aclose()


async def test_a_wrong_password_is_one_line_that_does_not_hold_it(
    elasticsearch_7: SearchServer, site: OutputContext
) -> None:
    shipper = settings_for(elasticsearch_7, password="wrong-secret").open(site)
    with pytest.raises(Unauthorized) as caught:
        await shipper.ship(batch(plain_segment(1)))
    await shipper.aclose()
    assert str(caught.value) == (
        f"{elasticsearch_7.url} rejects the user 'shipper' (401): correct username or password_file"
    )


async def test_no_credentials_say_which_options_to_set(elasticsearch_7: SearchServer, site: OutputContext) -> None:
    shipper = settings_for(elasticsearch_7, username=None, password=None).open(site)
    with pytest.raises(Unauthorized, match=r"without credentials .*password_file"):
        await shipper.probe()
    await shipper.aclose()


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_server_not_to_be_trusted_is_unavailable_with_the_option_to_set(
    elasticsearch_7: SearchServer, site: OutputContext, scheme: str
) -> None:
    url = elasticsearch_7.url.replace("https", scheme)
    shipper = settings_for(elasticsearch_7, hosts=[url], ca_file=None).open(site)
    with pytest.raises(Unavailable, match="ca_file" if scheme == "https" else "https or http") as caught:
        await shipper.ship(batch(plain_segment(1)))
    await shipper.aclose()
    assert "\n" not in str(caught.value)


async def test_verification_can_be_switched_off(elasticsearch_7: SearchServer, site: OutputContext) -> None:
    shipper = settings_for(elasticsearch_7, ca_file=None, verify=False).open(site)
    assert elasticsearch_7.version in await shipper.probe()
    await shipper.aclose()


async def test_https_to_a_plain_server_says_so(elasticsearch_8: SearchServer, site: OutputContext) -> None:
    shipper = settings_for(elasticsearch_8, hosts=[elasticsearch_8.url.replace("http", "https")]).open(site)
    with pytest.raises(Unavailable, match="write http://"):
        await shipper.probe()
    await shipper.aclose()
