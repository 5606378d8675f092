"""Elasticsearch 9 and OpenSearch 3, the newest that there are: the contracts of shippers and searches, and setup."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.documents.forms import FORMS, form_of
from collector.ports import OutputContext, Setup
from tests.contract.segments import batch, by_id, plain_segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import RealServerContract, emptied, settings_for
from tests.shippers.test_elasticsearch_forms import sent, stored
from tests.shippers.test_elasticsearch_search import RealServerAnswersSearches
from tests.shippers.test_elasticsearch_setup import all_are, outcomes, set_up


@pytest.fixture
def server(newest_server: SearchServer) -> Iterator[SearchServer]:
    """Each of the two, emptied."""
    yield from emptied(newest_server)


class TestElasticsearchNewest(RealServerContract):
    @pytest.fixture
    def server(self, newest_server: SearchServer) -> SearchServer:
        return newest_server


class TestElasticsearchNewestAnswersSearches(RealServerAnswersSearches):
    @pytest.fixture
    def server(self, newest_server: SearchServer) -> SearchServer:
        return newest_server


async def test_the_probe_names_it(server: SearchServer, site: OutputContext) -> None:
    shipper = settings_for(server).open(site)
    product = "OpenSearch" if server.generation == "opensearch" else "Elasticsearch"
    assert await shipper.probe() == f"{product} {server.version} at {server.url}"
    await shipper.aclose()


@pytest.mark.parametrize("form", FORMS)
async def test_setup_is_done_once_and_documents_of_each_form_are_there_once(
    server: SearchServer, site: OutputContext, tmp_path: Path, form: str
) -> None:
    setup = Setup(targets=("*",))
    steps = outcomes(await set_up(server, site, setup, document=form))
    steps.pop("dashboard for Kibana", None)
    assert steps == all_are("created", steps)
    again = outcomes(await set_up(server, site, setup, document=form))
    again.pop("dashboard for Kibana", None)
    assert again == all_are("unchanged", steps)
    part = plain_segment(5)
    assert await sent(server, site, tmp_path / "1", form, part) == {"new": part.count}
    assert await sent(server, site, tmp_path / "2", form, part) == {"duplicate": part.count}
    found = {name: form_of(form).read(json.dumps(source).encode()) for name, source in stored(server).items()}
    expected = by_id([batch(part)])
    assert {name: json.loads(body) for name, body in found.items()} == {
        name: json.loads(body) for name, body in expected.items()
    }


async def test_what_is_sent_again_after_the_server_was_killed_is_there_once(
    server: SearchServer, site: OutputContext
) -> None:
    parts = batch(plain_segment(500), plain_segment(500, "till"))
    shipper = settings_for(server).open(site)
    assert (await deliver(shipper, parts)).delivered == 1000
    server.kill()
    server.start()
    again = await deliver(shipper, parts)
    await shipper.aclose()
    assert (again.delivered, again.duplicate) == (0, 1000)
    assert len(server.refresh_and_fetch("*-2026.11.23")) == 1000
