"""Who asks much of an agent of several workers takes nobody else's turn."""

import asyncio
from pathlib import Path

import aiohttp
from aiohttp import web

from collector.discovery.share import Share
from collector.state.places import Address
from collector.telemetry.process import Process
from collector.web.connection_limit import MOST_OF_ONE
from collector.web.routes import ROUTES
from collector.web.server import listening
from collector.workers.gateway import Gateway, peers
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
