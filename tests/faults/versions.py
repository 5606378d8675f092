"""A daemon's socket → another that takes other versions of its API: the engine is up- or downgraded under the agent."""

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import aiohttp
from aiohttp import web

_OWN = "v1.41"  # that the daemon behind takes: Docker 20.10 and every one since


class Versions:
    """Listens at `path` in a thread of its own and passes questions on; what it refuses it says in Docker's words."""

    def __init__(self, path: Path, behind: Path) -> None:
        self.url = f"unix://{path}"
        self.refused = 0
        self._least, self._newest = 12, 41
        self._path = path
        self._behind = behind
        self._loop = asyncio.new_event_loop()
        self._done = asyncio.Event()
        self._streams: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))
        self._thread.start()
        self._ready.wait()

    def change(self, least: int, newest: int) -> None:
        """Be another engine, which takes 1.`least` to 1.`newest`; as at its restart, streams end."""

        def apply() -> None:
            self._least, self._newest = least, newest
            for stream in self._streams:
                stream.cancel()

        self._loop.call_soon_threadsafe(apply)

    def close(self) -> None:
        """Answer no more."""
        self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._behind))) as self._session:
            app = web.Application()
            app.add_routes([web.get("/version", self._version), web.get("/v1.{version}/{path:.+}", self._pass_on)])
            runner = web.AppRunner(app, shutdown_timeout=0.1)
            await runner.setup()
            await web.UnixSite(runner, str(self._path)).start()
            self._ready.set()
            await self._done.wait()
            await runner.cleanup()

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"ApiVersion": f"1.{self._newest}"})

    async def _pass_on(self, request: web.Request) -> web.StreamResponse:
        version = int(request.match_info["version"])
        if not self._least <= version <= self._newest:
            self.refused += 1
            how = "old. Minimum" if version < self._least else "new. Maximum"
            bound = self._least if version < self._least else self._newest
            words = f"client version 1.{version} is too {how} supported API version is 1.{bound}"
            body = f'{{"message":"{words}"}}'.encode()
            return web.Response(status=400, body=body, headers={"Content-Type": "application/json; charset=utf-8"})
        url = f"http://localhost/{_OWN}/{request.match_info['path']}"
        limits = aiohttp.ClientTimeout(total=None)
        async with self._session.get(url, params=request.query, timeout=limits) as answer:
            response = web.StreamResponse(status=answer.status, headers={"Content-Type": answer.content_type})
            await response.prepare(request)
            async with asyncio.TaskGroup() as tasks:
                stream = tasks.create_task(self._copy(answer, response))
                self._streams.add(stream)
                stream.add_done_callback(self._streams.discard)
            return response

    async def _copy(self, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        with suppress(ConnectionError):
            async for piece in answer.content.iter_any():
                await response.write(piece)
