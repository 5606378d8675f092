"""Version 1 of the API for an agent of several workers: each request is asked of one or all of them.

The agent's own guard has seen who asks; his filter goes with the request, and each worker narrows what it shows by it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector.errors import Unavailable
from collector.web import access
from collector.web.api import Patience
from collector.web.rights import is_valid, rights_of
from collector.web.v1.streaming import HEADERS, LAST_EVENT
from collector.web.v1.telling import own_handlers
from collector.workers import merged
from collector.workers.peer import Peer, ask

_AWAY = ("a worker does not answer", "check its log")
_OF_ONE = ("search", "histogram", "facets", "patterns", "context", "export", "export_size")
_KEPT = (hdrs.CONTENT_TYPE, hdrs.CONTENT_DISPOSITION, "Pilotfish-Total", "Pilotfish-Cursor", "Pilotfish-Start")

Row = Mapping[str, Any]
Join = Callable[[Sequence[Sequence[Row]]], list[Row]]


class GatewayV1:
    """The handlers."""

    def __init__(self, peers: Sequence[Peer], patience: Patience) -> None:
        self._peers = peers
        self._patience = patience

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route; those of dead letters are elsewhere."""
        return {
            **{f"v1/{name}": self.of_one for name in _OF_ONE},
            "v1/containers": self.containers,
            "v1/outputs": self.outputs,
            "v1/explain": self.explain,
            "v1/tail": self.tail,
            **own_handlers(),
        }

    async def of_one(self, request: web.Request) -> web.StreamResponse:
        """What the first says: all have the same outputs that can be searched."""
        try:
            peer, only = self._peers[0], rights_of(request).only
            path, accept = request.rel_url.raw_path, request.headers.get(hdrs.ACCEPT, "*/*")
            async with peer.open(path, request.query, accept=accept, only=only) as answer:
                return await self._copied(request, answer)
        except aiohttp.ClientError:
            return access.refusal(503, *_AWAY)

    async def containers(self, request: web.Request) -> web.Response:
        """Each knows all; what only one knows of a container is taken from it."""
        return await self._joined(request, "containers", merged.containers)

    async def outputs(self, request: web.Request) -> web.Response:
        """The sums of all."""
        return await self._joined(request, "outputs", merged.outputs)

    async def explain(self, request: web.Request) -> web.Response:
        """Each tells of its own."""
        return await self._joined(request, "containers", merged.explained)

    async def _joined(self, request: web.Request, name: str, join: Join) -> web.Response:
        try:
            told = await ask(self._peers, request.rel_url.raw_path, request.query, rights_of(request).only)
        except Unavailable as error:
            return access.refusal(503, error.cause, "check its log")
        if refused := next((one for one in told if one[0] != web.HTTPOk.status_code), None):
            return web.Response(status=refused[0], body=refused[1], content_type="application/json")
        rows: list[list[Row]] = [orjson.loads(body)[name] for _, body in told]
        return web.json_response({name: join(rows)}, dumps=lambda found: orjson.dumps(found).decode())

    async def _copied(self, request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
        headers = {name: answer.headers[name] for name in _KEPT if name in answer.headers}
        response = web.StreamResponse(status=answer.status, headers=headers)
        await response.prepare(request)
        transport = request.transport
        try:
            async for piece in answer.content.iter_any():
                await self._write(response, piece)
            await response.write_eof()
        except ConnectionError:
            pass  # the client is gone
        except (TimeoutError, aiohttp.ClientError):  # half an answer does not look like a whole one
            if transport is not None:
                transport.abort()
        return response

    async def tail(self, request: web.Request) -> web.StreamResponse:
        """Events of all; what a client has missed is told by the first alone."""
        path, only = request.rel_url.raw_path, rights_of(request).only
        last = request.headers.get(LAST_EVENT, "")
        async with AsyncExitStack() as stack:
            answers: list[aiohttp.ClientResponse] = []
            for number, peer in enumerate(self._peers):
                more = {LAST_EVENT: last} if last and not number else {}
                try:
                    opened = peer.open(path, request.query, only=only, headers=more)
                    answers.append(await stack.enter_async_context(opened))
                except aiohttp.ClientError:
                    return access.refusal(503, *_AWAY)
            if refused := next((one for one in answers if one.status != web.HTTPOk.status_code), None):
                return web.Response(body=await refused.read(), status=refused.status, content_type="application/json")
            return await self._events(request, answers)

    async def _events(self, request: web.Request, answers: Sequence[aiohttp.ClientResponse]) -> web.StreamResponse:
        response = web.StreamResponse(headers=HEADERS)
        await response.prepare(request)
        transport = request.transport
        try:
            async with asyncio.TaskGroup() as tasks:
                for answer in answers:
                    tasks.create_task(self._copy_events(request, answer, response), name="tail of a worker")
        except* (ConnectionError, aiohttp.ClientError):
            pass  # the client is gone, or the agent stops
        except* TimeoutError:
            if transport is not None:
                transport.abort()
        return response

    async def _copy_events(
        self, request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse
    ) -> None:
        """Whole events only, since others write between them.

        Raises:
            ConnectionError: the client is gone, or its token ended.
            TimeoutError: the client takes nothing.
        """
        rest = b""
        async for piece in answer.content.iter_any():
            whole, end, rest = (rest + piece).rpartition(b"\n\n")
            if not is_valid(request):
                raise ConnectionError
            if end:
                await self._write(response, whole + end)

    async def _write(self, response: web.StreamResponse, body: bytes) -> None:
        async with asyncio.timeout(self._patience.stall_seconds):
            await response.write(body)
