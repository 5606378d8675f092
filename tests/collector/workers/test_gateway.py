"""Who asks much of an agent of several workers takes nobody else's turn."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler

from collector.discovery.share import Share
from collector.state.places import Address
from collector.telemetry.process import Process
from collector.web import access
from collector.web.connection_limit import MOST_OF_ONE
from collector.web.routes import ROUTES
from collector.web.server import listening
from collector.workers.gateway import Gateway
from collector.workers.peer import peers
from collector.workers.supervisor import Worker

TOLD = """# HELP pilotfish_open_files Log files that are open
# TYPE pilotfish_open_files gauge
pilotfish_open_files{output="elastic"} 7
"""


async def slow(_: web.Request) -> web.Response:
    await asyncio.sleep(0.3)
    return web.Response(text=TOLD)


async def well(_: web.Request) -> web.Response:
    return web.Response(text="ok\n")


def _shown(gateway: Gateway) -> list[web.RouteDef]:
    return [web.get(ROUTES[name].path, handler) for name, handler in gateway.handlers().items()]


async def test_as_many_askers_as_one_address_may_be_leave_a_turn_to_the_health_check(tmp_path: Path) -> None:
    """To a worker all who ask the agent are one address: the agent's own."""
    theirs, ours = tmp_path / "worker", tmp_path / "agent"
    theirs.mkdir()
    ours.mkdir()
    anywhere = Address("127.0.0.1", 0)
    routes = [web.get("/metrics", slow), web.get("/healthz", well)]
    async with listening(anywhere, routes, state_dir=theirs) as address:
        process = await asyncio.create_subprocess_exec("true")
        await process.wait()  # nobody looks at it here
        worker = Worker(Share(0, 1), process, theirs, address)
        async with (
            peers([worker]) as found,
            listening(anywhere, _shown(Gateway(found, Process({}))), state_dir=ours) as bound,
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(local_addr=("127.0.0.2", 0), limit=0)) as many,
            aiohttp.ClientSession() as one,
            asyncio.TaskGroup() as tasks,
        ):

            async def scrape() -> None:
                for _ in range(5):
                    async with many.get(f"http://{bound}/metrics") as answer:
                        assert answer.status == 200

            for _ in range(MOST_OF_ONE):
                tasks.create_task(scrape())
            await asyncio.sleep(0.1)  # all are at it, and go on to be
            for _ in range(3):
                async with one.get(f"http://{bound}/healthz") as answer:
                    assert (answer.status, await answer.text()) == (200, "ok\n")


async def test_each_worker_explains_its_own_containers(tmp_path: Path) -> None:
    def explains(*containers: str) -> Handler:
        async def explain(request: web.Request) -> web.Response:
            if request.query.getall("name") == ["bad"]:
                return web.json_response({"error": "no", "remedy": "else"}, status=400)
            assert request.query.getall("name") == ["web", "db"]
            return web.json_response({"containers": [{"container": name} for name in containers]})

        return explain

    anywhere = Address("127.0.0.1", 0)
    process = await asyncio.create_subprocess_exec("true")
    await process.wait()  # nobody looks at it here
    async with AsyncExitStack() as stack:
        workers = []
        for number, names in enumerate((["web-2", "db"], ["web-1"])):
            directory = tmp_path / f"worker-{number}"
            directory.mkdir()
            routes = [web.get("/api/explain", explains(*names))]
            address = await stack.enter_async_context(listening(anywhere, routes, state_dir=directory))
            workers.append(Worker(Share(number, 2), process, directory, address))
        found = await stack.enter_async_context(peers(workers))
        shown = _shown(Gateway(found, Process({})))
        bound = await stack.enter_async_context(listening(anywhere, shown, state_dir=tmp_path))
        headers = {"Authorization": f"Bearer {access.token(tmp_path)}"}
        session = await stack.enter_async_context(aiohttp.ClientSession(f"http://{bound}", headers=headers))
        async with session.get("/api/explain?name=web&name=db") as answer:
            assert [one["container"] for one in (await answer.json())["containers"]] == ["db", "web-1", "web-2"]
        async with session.get("/api/explain?name=bad") as answer:
            assert (answer.status, await answer.json()) == (400, {"error": "no", "remedy": "else"})
