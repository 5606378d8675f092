"""Elasticsearch 6.4.2, the version of the stack that Pilotfish replaces: the contract, and what depends on its age."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.ports import OutputContext, Setup
from shippers.elasticsearch.bulk import DEFAULT_INDEX, encode
from shippers.elasticsearch.outcomes import FILTER, all_created
from tests.contract.segments import batch, log_stream, plain_segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import RealServerContract, emptied, settings_for
from tests.shippers.test_elasticsearch_cluster import mapping_of, plain_templates, shipped
from tests.shippers.test_elasticsearch_first_document import FIRSTS, REFUSED, SECOND, deliver_in_rounds, targets_found
from tests.shippers.test_elasticsearch_setup import all_are, outcomes, set_up


@pytest.fixture
def server(elasticsearch_6_4: SearchServer) -> Iterator[SearchServer]:
    """The server, emptied."""
    yield from emptied(elasticsearch_6_4)


class TestElasticsearch6Oldest(RealServerContract):
    @pytest.fixture
    def server(self, elasticsearch_6_4: SearchServer) -> SearchServer:
        return elasticsearch_6_4


async def test_the_probe_names_it(server: SearchServer, site: OutputContext) -> None:
    shipper = settings_for(server).open(site)
    assert await shipper.probe() == f"Elasticsearch 6.4.2 at {server.url}"
    await shipper.aclose()


async def test_the_templates_of_run_and_setup_stand_beside_each_other(
    server: SearchServer, site: OutputContext
) -> None:
    await shipped(server, site)
    properties: Any = mapping_of(server)["properties"]
    assert properties["host"]["type"] == "keyword"
    assert properties["log"]["properties"]["message"] == {"type": "text", "norms": False}
    there = plain_templates(server)
    name = "index template pilotfish"
    shop = Setup(targets=("shop*",))
    assert outcomes(await set_up(server, site, shop)) == all_are("created", [name])
    assert outcomes(await set_up(server, site, shop)) == all_are("unchanged", [name])
    assert plain_templates(server) == there
    server.request("DELETE", "/*-2026.11.23")
    await shipped(server, site)
    assert plain_templates(server) == there


async def test_whatever_type_the_first_message_has_the_next_ones_are_found(
    server: SearchServer, tmp_path: Path
) -> None:
    await deliver_in_rounds(
        server, tmp_path, {log_stream(name): [first, SECOND, REFUSED] for name, first in FIRSTS.items()}
    )
    for query in ("log.message:words", "log.level:info", "log.message:refused", "delivery_error:*"):
        assert targets_found(server, query) == set(FIRSTS), query


async def test_what_is_sent_again_after_the_server_was_killed_is_there_once(
    server: SearchServer, site: OutputContext
) -> None:
    sent = batch(plain_segment(500), plain_segment(500, "till"))
    shipper = settings_for(server).open(site)
    assert (await deliver(shipper, sent)).delivered == 1000
    server.kill()
    server.start()
    again = await deliver(shipper, sent)
    await shipper.aclose()
    assert (again.delivered, again.duplicate) == (0, 1000)
    assert len(server.refresh_and_fetch("*-2026.11.23")) == 1000


def test_the_answer_that_all_are_there_is_what_it_says(server: SearchServer) -> None:
    body = encode(batch(plain_segment(3), plain_segment(2, "till")), DEFAULT_INDEX, typed=True)
    path = f"/_bulk?filter_path={FILTER}"
    answer = server.request("POST", path, body=body, content_type="application/x-ndjson")
    assert answer.body == all_created(5)
