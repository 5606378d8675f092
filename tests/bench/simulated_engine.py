"""`python -m tests.bench.simulated_engine SOCKET CONTAINERS`: a daemon with so many containers that all run.

It answers what the agent asks; stats take a second, as they do on Docker 20.10, and half of the containers have a
health check.
"""

import asyncio
import sys
from itertools import count

import orjson
from aiohttp import web

from tests.collector.telemetry.stats import V1

_STATS_SECONDS = 1.0
_JSON = "application/json"


class SimulatedEngine:
    """The handlers."""

    def __init__(self, containers: int) -> None:
        self._inspected = {f"{number:064x}": orjson.dumps(_inspected(number)) for number in range(containers)}
        listed = [{"Id": one, "Names": [f"/service-{int(one, 16)}"], "State": "running"} for one in self._inspected]
        self._listed = orjson.dumps(listed)
        self._ticks = count(1)

    def routes(self) -> list[web.RouteDef]:
        """Path → handler."""
        version = "/{version:v[0-9.]+}"
        return [
            web.get("/version", self.version),
            web.get(f"{version}/version", self.version),
            web.get(f"{version}/info", self.info),
            web.get(f"{version}/events", self.events),
            web.get(f"{version}/containers/json", self.listing),
            web.get(f"{version}/containers/{{id}}/json", self.inspect),
            web.get(f"{version}/containers/{{id}}/stats", self.stats),
        ]

    async def version(self, _: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": "1.41", "Version": "20.10.24"})

    async def info(self, _: web.Request) -> web.Response:
        return web.json_response({"Name": "moby", "NCPU": 2})

    async def listing(self, _: web.Request) -> web.Response:
        return web.Response(body=self._listed, content_type=_JSON)

    async def inspect(self, request: web.Request) -> web.Response:
        return web.Response(body=self._inspected[request.match_info["id"]], content_type=_JSON)

    async def stats(self, request: web.Request) -> web.Response:
        """Other numbers each time."""
        await asyncio.sleep(_STATS_SECONDS)
        cpu = V1["cpu_stats"]["cpu_usage"] | {"total_usage": next(self._ticks) * 1_000_003}
        return web.Response(
            body=orjson.dumps(V1 | {"cpu_stats": V1["cpu_stats"] | {"cpu_usage": cpu}}), content_type=_JSON
        )

    async def events(self, request: web.Request) -> web.StreamResponse:
        """A stream that stays open; nothing happens."""
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.Event().wait()
        return response


def _inspected(number: int) -> dict[str, object]:
    state: dict[str, object] = {
        "Status": "running",
        "StartedAt": "2026-11-25T16:09:21.000000001Z",
        "FinishedAt": "2026-11-25T16:09:20.000000001Z",
    }
    if number % 2:
        state["Health"] = {"Status": "healthy", "FailingStreak": 0}
    return {
        "Id": f"{number:064x}",
        "Name": f"/service-{number}",
        "Image": "sha256:" + "a" * 64,
        "Created": "2026-11-25T16:09:20.5Z",
        "State": state,
        "Config": {"Image": "registry.example.com/shop/service:1.2.3", "Labels": {}},
        "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "3"}}},
    }


async def _serve(path: str, containers: int) -> None:
    app = web.Application()
    app.add_routes(SimulatedEngine(containers).routes())
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.UnixSite(runner, path).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2])))
