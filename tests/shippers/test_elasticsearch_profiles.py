"""Profiles of `setup` on real servers: what is found and counted in each, and what a server without one is told."""

from collections.abc import Iterator

import pytest

from collector.documents.document import fields, level, message
from collector.errors import QueryError
from collector.ports import OutputContext, Query, Setup
from shippers.elasticsearch.profiles import PROFILES
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.engines.search_server import SearchServer
from tests.shippers.test_elasticsearch import emptied, settings_for
from tests.shippers.test_elasticsearch_setup import outcomes, set_up

LINES = [
    '{"level":"ERROR","message":"the pool is empty","cause":"no connection left","status":503}',
    '{"level":"info","message":"order paid","cause":"","status":200}',
    '{"level":"info","message":"ready","event":"start","status":200}',
]
FOUND = {
    "connection": 1,
    '"connection left"': 1,
    "cause:connection": 1,
    "message:pool": 1,
    "status:>=500": 1,
    "level:error": 1,
}


def without_id(line: bytes) -> bytes:
    return b"{" + line.partition(b",")[2]


@pytest.fixture
def server(elasticsearch_8: SearchServer) -> Iterator[SearchServer]:
    """Elasticsearch 8.19, emptied."""
    yield from emptied(elasticsearch_8)


@pytest.fixture
def oldest(elasticsearch_6: SearchServer) -> Iterator[SearchServer]:
    """Elasticsearch 6.8, emptied."""
    yield from emptied(elasticsearch_6)


@pytest.mark.parametrize("profile", PROFILES)
async def test_words_phrases_ranges_and_levels_are_found_in_every_profile(
    server: SearchServer, site: OutputContext, profile: str
) -> None:
    steps = await set_up(server, site, Setup(targets=("*",)), profile=profile)
    assert {step.outcome for step in steps.values()} == {"created"}
    stream = log_stream()
    sent = batch(segment([document(line.encode(), stream) for line in LINES], stream))
    shipper = settings_for(server).open(site)
    await deliver(shipper, sent)
    assert (await deliver(shipper, sent)).duplicate == len(LINES)
    server.request("POST", "/*/_refresh")
    found = {text: (await shipper.search(Query(text=text))).total for text in FOUND}
    assert found == FOUND
    answer = await shipper.search(Query(facets=("level", "event", "container")))
    assert [value.count for value in answer.facets["level"]] == [2, 1]
    assert [value.value for value in answer.facets["event"]] == ["start"]
    told = [(message(each), level(each), sorted(fields(each).items())) for each in map(without_id, answer.documents)]
    written = [(message(each), level(each), sorted(fields(each).items())) for each in sent.segments[0].documents]
    assert sorted(told) == sorted(written)
    if profile != "logsdb":
        assert {*answer.documents} == {*sent.lines().splitlines()}  # each as it was sent
    if profile == "search":
        counted = (await shipper.search(Query(facets=("cause",)))).facets["cause"]
        assert {value.value for value in counted} == {"", "no connection left"}
    else:
        with pytest.raises(QueryError, match="the values of `cause` cannot be counted"):
            await shipper.search(Query(facets=("cause",)))
    await shipper.aclose()


async def test_another_profile_takes_the_place_of_the_former_and_leaves_the_operators_component(
    server: SearchServer, site: OutputContext
) -> None:
    await set_up(server, site, Setup())
    assert outcomes(await set_up(server, site, Setup(profile="search"))) == {
        "component template pilotfish-search@mappings": "created",
        "component template pilotfish@custom": "unchanged",
        "index template pilotfish": "updated",
    }
    assert set(outcomes(await set_up(server, site, Setup(profile="search"))).values()) == {"unchanged"}


async def test_a_server_without_the_mode_for_logs_is_told_which_profile_it_can_have(
    oldest: SearchServer, site: OutputContext
) -> None:
    (step,) = (await set_up(oldest, site, Setup(profile="logsdb"))).values()
    assert step.outcome == "failed"
    assert step.text.endswith("has no mode `logsdb`, which Elasticsearch has from 8.17 on")
    assert step.remedy == "use profile lean"
