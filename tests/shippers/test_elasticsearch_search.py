"""Searches on real servers: the laws of every output that answers them."""

import pytest

from collector.ports import OutputContext, Query
from shippers.elasticsearch import ElasticsearchShipper
from tests.contract.searchable import SearchableContract, SearchedDestination, lines
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for


class SearchedCluster:
    """A real server, emptied."""

    def __init__(self, server: SearchServer, context: OutputContext) -> None:
        self._server = server
        self._context = context
        empty(server)

    def open(self) -> ElasticsearchShipper:
        return settings_for(self._server).open(self._context)

    def settle(self) -> None:
        assert self._server.request("POST", "/*/_refresh").status == 200


class RealServerAnswersSearches(SearchableContract):
    resolution = 1_000_000

    @pytest.fixture
    def server(self) -> SearchServer:
        raise NotImplementedError

    @pytest.fixture
    def destination(self, server: SearchServer, site: OutputContext) -> SearchedDestination:
        return SearchedCluster(server, site)


class TestElasticsearch8(RealServerAnswersSearches):
    @pytest.fixture
    def server(self, elasticsearch_8: SearchServer) -> SearchServer:
        return elasticsearch_8


class TestElasticsearch6(RealServerAnswersSearches):
    keeps_case = True  # its keywords cannot be told to ignore it

    @pytest.fixture
    def server(self, elasticsearch_6: SearchServer) -> SearchServer:
        return elasticsearch_6


class TestOpenSearch2(RealServerAnswersSearches):
    @pytest.fixture
    def server(self, opensearch_2: SearchServer) -> SearchServer:
        return opensearch_2


async def test_documents_of_other_programs_are_not_found(elasticsearch_8: SearchServer, site: OutputContext) -> None:
    empty(elasticsearch_8)
    other = {"@timestamp": "2026-11-23T00:00:00Z", "message": "line of theirs", "level": "error"}
    elasticsearch_8.bulk({"create": {"_index": "filebeat-2026.11.23"}}, other)
    shipper = settings_for(elasticsearch_8).open(site)
    try:
        await deliver(shipper, batch(*lines()[:2]))
        elasticsearch_8.request("POST", "/*/_refresh")
        found = await shipper.search(Query(limit=1000))
    finally:
        await shipper.aclose()
    assert found.total == len(found.documents) == sum(part.count for part in lines()[:2])


async def test_without_our_templates_members_are_found_and_counted_whole(
    elasticsearch_8: SearchServer, site: OutputContext
) -> None:
    """The server guesses: text with `.keyword` beside it."""
    empty(elasticsearch_8)
    shipper = settings_for(elasticsearch_8, template="off").open(site)
    try:
        await deliver(shipper, batch(*lines()))
        elasticsearch_8.request("POST", "/*/_refresh")
        found = await shipper.search(
            Query(text="target:Till-2 container:c2-1", facets=("target", "container", "level"))
        )
        part = await shipper.search(Query(text="target:Till"))
    finally:
        await shipper.aclose()
    assert (found.total, part.total) == (20, 0)
    assert [len(found.facets[name]) for name in ("target", "container", "level")] == [1, 1, 2]


async def test_a_search_that_a_server_does_not_answer_leaves_delivery_its_node(
    elasticsearch_8: SearchServer, site: OutputContext
) -> None:
    empty(elasticsearch_8)
    shipper = settings_for(elasticsearch_8).open(site)
    huge = [document({"message": "x" * 900_000 + str(number)}, log_stream()) for number in range(40)]
    try:
        await deliver(shipper, batch(segment(huge, log_stream())))
        elasticsearch_8.request("POST", "/*/_refresh")
        found = await shipper.search(Query(limit=1000, most_bytes=8 << 20))
        assert found.cut
        assert 1 <= len(found.documents) <= 9
        assert shipper._connection._client._nodes.standings
        assert all(not one.failures for one in shipper._connection._client._nodes.standings.values())
    finally:
        await shipper.aclose()
