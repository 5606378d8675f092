"""Two at once on real servers: what another made between our look and our request is looked at once more."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from collector.ports import OutputContext, Setup, SetupStep
from shippers.elasticsearch import Settings
from tests.engines.process import free_ports
from tests.engines.search_server import SearchServer
from tests.shippers.lifecycle_stand_in import LifecycleStandIn
from tests.shippers.test_elasticsearch import emptied
from tests.shippers.test_elasticsearch_cluster import shipped
from tests.shippers.test_elasticsearch_setup import objects_of, outcomes, set_up
from tests.shippers.test_elasticsearch_setup_lifecycle import POLICY, TEMPLATE, kept, told_by

Meanwhile = Callable[[], Awaitable[object]]


@pytest.fixture
def server(search_server: SearchServer) -> Iterator[SearchServer]:
    """Each of the four, emptied."""
    yield from emptied(search_server)


@asynccontextmanager
async def before_each_put(server: SearchServer, meanwhile: Meanwhile) -> AsyncIterator[str]:
    """The URL of a proxy before `server`, which does `meanwhile` before it hands on a PUT."""

    async def answer(request: web.Request) -> web.Response:
        if request.method == "PUT":
            await meanwhile()
        body = await request.read()
        told = await asyncio.to_thread(server.request, request.method, request.path_qs, body=body or None)
        return web.Response(status=told.status, body=told.body, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    (port,) = free_ports(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


async def overtaken(server: SearchServer, site: OutputContext, meanwhile: Meanwhile) -> dict[str, SetupStep]:
    """What a setup tells that is overtaken by `meanwhile` at each request."""
    async with before_each_put(server, meanwhile) as url:
        settings = Settings.model_validate({"type": "elasticsearch", "hosts": [url]})
        return {step.subject: step async for step in settings.set_up(site, Setup(), print)}


async def test_what_another_setup_made_meanwhile_is_unchanged(server: SearchServer, site: OutputContext) -> None:
    told = await overtaken(server, site, lambda: set_up(server, site))
    assert outcomes(told) == dict.fromkeys(objects_of(server), "unchanged")
    assert [step.request for step in told.values() if step.request] == []


async def test_of_two_at_once_none_fails(server: SearchServer, site: OutputContext) -> None:
    for told in await asyncio.gather(*(set_up(server, site) for _ in range(3))):
        assert set(outcomes(told).values()) <= {"created", "unchanged"}


@pytest.fixture
def merging(elasticsearch_6: SearchServer) -> Iterator[SearchServer]:
    """A server where the templates of `run` and `setup` are of one kind, emptied."""
    yield from emptied(elasticsearch_6)


async def test_the_plain_template_of_an_agent_that_came_meanwhile_is_left(
    merging: SearchServer, site: OutputContext
) -> None:
    step = (await overtaken(merging, site, lambda: shipped(merging, site)))[TEMPLATE]
    assert (step.outcome, step.request) == ("created", "PUT /_template/pilotfish?create=true")
    orders = {name: body["order"] for name, body in merging.get("/_template/pilotfish*").json().items()}
    assert orders == {"pilotfish": 10, "pilotfish-plain": -1}


async def test_a_policy_of_ism_that_another_setup_made_meanwhile_is_unchanged(site: OutputContext) -> None:
    async with LifecycleStandIn().serving() as stand_in:
        told = await asyncio.gather(*(told_by(stand_in, site, kept(30)) for _ in range(2)))
        assert sorted(steps[POLICY].outcome for steps in told) == ["created", "unchanged"]
        told = await asyncio.gather(*(told_by(stand_in, site, kept(14)) for _ in range(2)))
        assert sorted(steps[POLICY].outcome for steps in told) == ["unchanged", "updated"]
