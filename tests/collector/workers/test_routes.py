"""A live route is with all workers or with none, whatever one of them does: real ports, real files."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct

from collector.app.live_routes import AgentRoutes
from collector.app.plugins import installed_types
from collector.discovery.share import Share
from collector.errors import PilotfishError, StateError
from collector.state.places import Address
from collector.web.live import Live
from collector.web.live_routes import LiveRoutes, NotAllowed, RoutesApi
from collector.web.routes import ROUTES
from collector.web.server import listening
from collector.workers.peer import peers
from collector.workers.routes import RoutesByWorkers
from collector.workers.supervisor import Worker

ANY = ("redis+tcp://127.0.0.1:*",)
ONE = ("redis+tcp://127.0.0.1:1",)
WAIT_SECONDS = 1.0
ANYWHERE = Address("127.0.0.1", 0)

Around = Callable[[Handler], Handler]


class Site(Struct):
    """An agent of several workers; `own` are the routes of each."""

    all: RoutesByWorkers
    own: list[AgentRoutes]
    directories: list[Path]

    def kept(self) -> list[list[dict[str, Any]]]:
        return [
            [json.loads(path.read_bytes()) for path in sorted((one / "routes").glob("*.json"))]
            for one in self.directories
        ]

    async def shipped(self) -> list[list[str]]:
        return [[route["address"] for route in await one.listed()] for one in self.own]


def as_it_is(handler: Handler) -> Handler:
    return handler


@asynccontextmanager
async def workers(directory: Path, allowed: Sequence[Sequence[str]], around: Around = as_it_is) -> AsyncIterator[Site]:
    """One for each list of what is allowed; `around` changes how the last one answers to a route that is posted."""
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()  # nobody looks at it here
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        started, own, running = list[Worker](), list[AgentRoutes](), list[asyncio.Task[None]]()
        for number, each in enumerate(allowed):
            state = directory / f"worker-{number}"
            state.mkdir(exist_ok=True)
            own.append(AgentRoutes(each, state, Live(), installed_types().outputs))
            running.append(tasks.create_task(own[-1].run()))
            is_last = number == len(allowed) - 1
            answered = _routes(own[-1], around if is_last else as_it_is)
            address = await stack.enter_async_context(listening(ANYWHERE, answered, state_dir=state))
            started.append(Worker(Share(number, len(allowed)), process, state, address))
        found = await stack.enter_async_context(peers(started))
        yield Site(RoutesByWorkers(found, WAIT_SECONDS), own, [one.directory for one in started])
        for task in running:
            task.cancel()


def _routes(live: LiveRoutes, around: Around) -> list[web.RouteDef]:
    handlers = RoutesApi(live).handlers()
    handlers["add_route"] = around(handlers["add_route"])
    return [web.route(ROUTES[name].method, ROUTES[name].path, handler) for name, handler in handlers.items()]


def said(port: int, **more: object) -> bytes:
    options = {"password": f"hunter{port}", "key": "logs"}
    route = {"id": "x", "adapter": "redis+tcp", "address": f"127.0.0.1:{port}", "options": options}
    return json.dumps(route | more).encode()


async def test_a_route_that_one_worker_refuses_leaves_the_one_that_it_was_to_replace(tmp_path: Path) -> None:
    async with workers(tmp_path, (ANY, ANY, ONE)) as here:
        await here.all.add(said(1))
        before = here.kept()
        with pytest.raises(NotAllowed):
            await here.all.add(said(2))
        assert await here.shipped() == [["127.0.0.1:1"]] * 3
        assert here.kept() == before == [[json.loads(said(1))]] * 3
        assert [one["address"] for one in await here.all.listed()] == ["127.0.0.1:1"]


@pytest.mark.parametrize("name", ["x", ""])
async def test_a_new_route_that_one_worker_refuses_is_with_none(tmp_path: Path, name: str) -> None:
    async with workers(tmp_path, (ANY, ONE)) as here:
        with pytest.raises(NotAllowed):
            await here.all.add(said(2, id=name))
        assert (await here.shipped(), here.kept()) == ([[], []], [[], []])


def after(handler: Handler) -> Handler:
    """Begins the route, and never says so."""

    async def answer(request: web.Request) -> web.StreamResponse:
        done = await handler(request)
        if b"127.0.0.1:2" in await request.read():
            await asyncio.Event().wait()
        return done

    return answer


def before(handler: Handler) -> Handler:
    """Does not even begin."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if b"127.0.0.1:2" in await request.read():
            await asyncio.Event().wait()
        return await handler(request)

    return answer


def wrong(handler: Handler) -> Handler:
    """Begins it, and says what nobody understands."""

    async def answer(request: web.Request) -> web.StreamResponse:
        done = await handler(request)
        return web.Response(status=500, text="oh") if b"127.0.0.1:2" in await request.read() else done

    return answer


@pytest.mark.parametrize("around", [before, after, wrong])
@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_worker_that_does_not_answer_has_refused_and_all_go_back(
    tmp_path: Path, around: Around, *, is_replaced: bool
) -> None:
    async with workers(tmp_path, (ANY, ANY), around) as here:
        if is_replaced:
            await here.all.add(said(1))
        with pytest.raises(StateError, match=r"worker 1 (does not answer|answers 500)"):
            await here.all.add(said(2))
        expected = [json.loads(said(1))] if is_replaced else []
        assert here.kept() == [expected] * 2
        assert await here.shipped() == [[one["address"] for one in expected]] * 2


async def test_who_asks_and_goes_leaves_all_workers_with_one_route(tmp_path: Path) -> None:
    async with workers(tmp_path, (ANY, ANY), after) as here:
        await here.all.add(said(1))
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(here.all.add(said(2)))
            while (await here.shipped())[1] != ["127.0.0.1:2"]:
                await asyncio.wait([asking], timeout=0.01)
            asking.cancel()
        assert await here.shipped() == [["127.0.0.1:1"]] * 2


async def test_routes_of_one_id_that_are_posted_at_once_are_the_same_with_all_workers(tmp_path: Path) -> None:
    async with workers(tmp_path, (ANY, ANY)) as here:
        await asyncio.gather(*(here.all.add(said(port)) for port in range(1, 9)))
        first, second = await here.shipped()
        assert first == second


async def test_a_route_is_removed_from_the_others_where_one_worker_cannot(tmp_path: Path) -> None:
    async with workers(tmp_path, (ANY, ANY)) as here:
        await here.all.add(said(1))
        file = here.directories[0] / "routes" / "x.json"
        file.unlink()
        file.mkdir()
        with pytest.raises(PilotfishError):
            await here.all.remove("x")
        assert await here.shipped() == [["127.0.0.1:1"], []]


@pytest.mark.parametrize("name", ["../x", "a/b", "x" * 65])
async def test_an_id_that_is_none_reads_no_file_and_is_refused(tmp_path: Path, name: str) -> None:
    async with workers(tmp_path, (ANY, ANY)) as here:
        for text in (said(1, id=name), b"[]", b"{"):
            with pytest.raises(PilotfishError):
                await here.all.add(text)
        assert here.kept() == [[], []]
