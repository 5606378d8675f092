"""Searches on real servers: the laws of every output that answers them."""

import base64
import json
import ssl
import urllib.error
import urllib.request
from typing import ClassVar

import pytest

from collector.documents.forms import KEPT
from collector.errors import Unauthorized
from collector.ports import OutputContext, Query
from shippers.elasticsearch import ElasticsearchShipper, Settings
from tests.collector.waiting import until
from tests.contract.searchable import SearchableContract, SearchedDestination, crowd, lines
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import empty, settings_for


class SearchedCluster:
    """A real server, emptied, with documents in a form."""

    def __init__(self, server: SearchServer, context: OutputContext, form: str) -> None:
        self._server = server
        self._context = context
        self._form = form
        empty(server)

    def open(self) -> ElasticsearchShipper:
        return settings_for(self._server, document=self._form).open(self._context)

    def settle(self) -> None:
        assert self._server.request("POST", "/*/_refresh").status == 200


class RealServerAnswersSearches(SearchableContract):
    resolution = 1_000_000
    form: ClassVar[str] = KEPT

    @pytest.fixture
    def server(self) -> SearchServer:
        raise NotImplementedError

    @pytest.fixture
    def destination(self, server: SearchServer, site: OutputContext) -> SearchedDestination:
        return SearchedCluster(server, site, self.form)


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


class TestEcsOnElasticsearch8(TestElasticsearch8):
    form = "ecs"


class TestEcsOnElasticsearch6(TestElasticsearch6):
    form = "ecs"


class TestEcsOnOpenSearch2(TestOpenSearch2):
    form = "ecs"


class TestOtelOnElasticsearch8(TestElasticsearch8):
    form = "otel"
    keeps_case = True  # and all members of a line are texts there
    orders_numbers = False


class TestOtelOnOpenSearch2(TestOpenSearch2):
    form = "otel"
    keeps_case = True
    orders_numbers = False
    counts_members = False

    async def test_an_answer_is_bounded_in_bytes_and_pages_go_on_behind_it(
        self, destination: SearchedDestination
    ) -> None:
        pytest.skip("it has no bound for a value in the body: such lines are refused, and are there as text")


_MAY_SHIP = ["create_doc", "auto_configure"]


async def _user(server: SearchServer, name: str, privileges: list[str], *, reads: str = "") -> Settings:
    """An output's settings with a user who may do this to our indices; in files, where this server has its users."""
    config = server.directory / "home" / "config"
    password = (config / "users").read_text().split(":", 1)[1].split("\n")[0]
    indices = [{"names": ["*-20*"], "privileges": privileges}]
    indices += [{"names": [reads], "privileges": ["read"]}] if reads else []
    role = {"cluster": ["monitor"], "indices": indices}
    for file, line in (
        ("roles.yml", f"{name}: {json.dumps(role)}"),
        ("users", f"{name}:{password}"),
        ("users_roles", f"{name}:{name}"),
    ):
        with (config / file).open("a") as written:
            written.write(f"{line}\n")
    settings = settings_for(server, username=name, template="off")
    assert server.username
    pair = base64.b64encode(f"{name}:{server.password}".encode()).decode()

    def is_known() -> bool:
        request = urllib.request.Request(f"{server.url}/_security/_authenticate")  # noqa: S310
        request.add_header("Authorization", f"Basic {pair}")
        context = ssl.create_default_context(cafile=server.ca_file)
        try:
            with urllib.request.urlopen(request, timeout=5, context=context) as answer:  # noqa: S310 - our own server
                return bool(json.loads(answer.read())["roles"] == [name])
        except urllib.error.HTTPError as refused:
            refused.close()
            return False

    await until(is_known, seconds=60)
    return settings


@pytest.mark.parametrize(
    ("name", "reads", "told"),
    [("ships", "", "does not permit this user to search"), ("reads-others", "other-x", "to read no index")],
)
async def test_a_user_who_may_not_read_is_told_so_and_delivers(
    elasticsearch_7: SearchServer, site: OutputContext, name: str, reads: str, told: str
) -> None:
    """The server hides what a user may not read: an empty answer would look like nothing there."""
    empty(elasticsearch_7)
    settings = await _user(elasticsearch_7, name, _MAY_SHIP, reads=reads)
    shipper = settings.open(site)
    try:
        await deliver(shipper, batch(*lines()))
        for asked in (Query(), Query(text="level:error", facets=("level",))):
            with pytest.raises(Unauthorized, match=rf"{told}.*: grant the privilege `read`"):
                await shipper.search(asked)
        assert (await deliver(shipper, batch(crowd()))).delivered == crowd().count
    finally:
        await shipper.aclose()


async def test_the_documented_privileges_are_enough(elasticsearch_7: SearchServer, site: OutputContext) -> None:
    empty(elasticsearch_7)
    settings = await _user(elasticsearch_7, "pilotfish-reads", [*_MAY_SHIP, "read"])
    shipper = settings.open(site)
    try:
        await deliver(shipper, batch(*lines()))
        elasticsearch_7.request("POST", "/*/_refresh")
        found = await shipper.search(Query(text="level:error", facets=("level", "target"), buckets=5))
        assert (found.total, len(found.facets["target"])) == (24, 3)
        page = await shipper.search(Query(text="level:error", limit=10, after=found.cursor))
        assert len(page.documents) == 4
    finally:
        await shipper.aclose()


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
