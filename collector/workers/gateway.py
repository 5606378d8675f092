"""Workers → the port of one agent: each request is asked of all of them, and their answers made one."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress

import aiohttp
import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector.dead_letters.letter import Wanted
from collector.dead_letters.replay import Progress
from collector.errors import PilotfishError, QueryError, Unavailable
from collector.telemetry.exposition import content_type, expose
from collector.telemetry.process import Process
from collector.web import access, logs
from collector.web.api import Patience
from collector.web.pages import Pages, listed
from collector.web.rights import is_valid, rights_of
from collector.workers import merged
from collector.workers.gateway_v1 import GatewayV1
from collector.workers.peer import Peer, ask


class Gateway:
    """The handlers."""

    def __init__(self, peers: Sequence[Peer], process: Process, patience: Patience | None = None) -> None:
        """`process` is this one, which works, too."""
        self._peers = peers
        self._process = process
        self._patience = patience or Patience()
        self._pages = Pages()

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route; those of the dead letters and the engine are elsewhere."""
        return {
            "metrics": self.metrics,
            "healthz": self.healthz,
            "readyz": self.readyz,
            "search": self.search,
            "tail": self.tail,
            "status": self.status,
            "explain": self.explain,
            "logs": self.logs,
            "logs_of": self.logs,
            **GatewayV1(self._peers, self._patience).handlers(),
        }

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """The numbers of all as one agent's."""
        accept = listed(request, hdrs.ACCEPT)

        async def render() -> tuple[bytes, str]:
            told = await ask(self._peers, "/metrics")
            own, _ = expose(self._process.families(), "")
            families = merged.families([*(body for _, body in told), own])
            return await asyncio.to_thread(expose, families, accept)

        try:
            return await self._pages.answer(request, content_type(accept), render)
        except Unavailable as error:
            return web.Response(text=f"{error}\n", status=503)

    async def healthz(self, _: web.Request) -> web.Response:
        """Well if all are."""
        try:
            told = await ask(self._peers, "/healthz")
        except Unavailable as error:
            return web.Response(text=f"stuck: {error}\n", status=503)
        status, body = max(told)
        return web.Response(body=body, status=status)

    async def readyz(self, _: web.Request) -> web.Response:
        """Ready if all are; each reason once."""
        try:
            reasons = merged.reasons([orjson.loads(body)["reasons"] for _, body in await ask(self._peers, "/readyz")])
        except Unavailable as error:
            reasons = [str(error)]
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    async def status(self, _: web.Request) -> web.Response:
        """The numbers that the commands show."""
        try:
            told = await ask(self._peers, "/api/status")
        except Unavailable as error:
            return access.refusal(503, error.cause, "check its log")
        return web.json_response(merged.status([orjson.loads(body) for _, body in told]))

    async def explain(self, request: web.Request) -> web.Response:
        """What becomes of the lines of containers, and why; each worker tells of its own."""
        try:
            told = await ask(self._peers, "/api/explain", request.query, rights_of(request).only)
        except Unavailable as error:
            return access.refusal(503, error.cause, "check its log")
        if refused := next((one for one in told if one[0] != web.HTTPOk.status_code), None):
            return web.Response(status=refused[0], body=refused[1], content_type="application/json")
        found = [one for _, body in told for one in orjson.loads(body)["containers"]]
        return web.json_response({"containers": sorted(found, key=lambda one: str(one["container"]))})

    async def search(self, request: web.Request) -> web.Response:
        """What one of them says: none has a store, which several could not share."""
        try:
            status, body = await self._peers[0].get("/api/search", request.query, rights_of(request).only)
        except Unavailable as error:
            return access.refusal(503, error.cause, "check its log")
        return web.Response(body=body, status=status, content_type="application/json")

    async def tail(self, request: web.Request) -> web.StreamResponse:
        """Documents of all, as they come."""
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
        transport = request.transport
        only = rights_of(request).only
        try:
            async with AsyncExitStack() as stack:
                answers = [
                    await stack.enter_async_context(peer.open("/api/tail", request.query, only=only))
                    for peer in self._peers
                ]
                for answer in answers:
                    if answer.status != web.HTTPOk.status_code:
                        return web.Response(
                            body=await answer.read(), status=answer.status, content_type="application/json"
                        )
                await response.prepare(request)
                async with asyncio.TaskGroup() as tasks:
                    for answer in answers:
                        tasks.create_task(self._copy(request, answer, response), name="tail of a worker")
        except* (ConnectionError, aiohttp.ClientError):
            pass  # the client is gone, or the agent stops
        except* TimeoutError:
            if transport is not None:
                transport.abort()
        return response

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Lines of all, as they come; a container is with one of them, so the others do not know it."""
        try:
            accept = logs.JSON if logs.asked(request).is_json else "text/plain"
        except QueryError as error:
            return access.refusal(400, error.cause, error.remedy)
        path = request.rel_url.raw_path
        async with AsyncExitStack() as stack:
            try:
                opened = [
                    peer.open(path, request.query, accept=accept, only=rights_of(request).only) for peer in self._peers
                ]
                answers = [await stack.enter_async_context(each) for each in opened]
            except aiohttp.ClientError:
                return access.refusal(503, "a worker does not answer", "check its log")
            refused = [one for one in answers if one.status != web.HTTPOk.status_code]
            others = [one for one in refused if one.status != web.HTTPNotFound.status_code]
            if first := next(iter(others or (refused if len(refused) == len(answers) else [])), None):
                return web.Response(body=await first.read(), status=first.status, content_type="application/json")
            good = [one for one in answers if one not in refused]
            return await logs.send(request, self._patience, lambda client: _all_lines(request, good, client))

    async def _copy(self, request: web.Request, answer: aiohttp.ClientResponse, response: web.StreamResponse) -> None:
        """Whole lines only, since others write between them.

        Raises:
            ConnectionError: the client is gone, or its token ended.
            TimeoutError: the client takes nothing.
        """
        rest = b""
        async for piece in answer.content.iter_any():
            if not is_valid(request):
                raise ConnectionError
            whole, newline, after = piece.rpartition(b"\n")
            if not newline:
                rest += piece
                continue
            async with asyncio.timeout(self._patience.stall_seconds):
                await response.write(rest + whole + newline)
            rest = after


async def _all_lines(request: web.Request, answers: Sequence[aiohttp.ClientResponse], client: logs.Client) -> None:
    async with asyncio.TaskGroup() as tasks:
        for answer in answers:
            tasks.create_task(_lines(request, answer, client), name="logs of a worker")


async def _lines(request: web.Request, answer: aiohttp.ClientResponse, client: logs.Client) -> None:
    rest = b""
    with suppress(aiohttp.ClientError):  # the agent stops
        async for piece in answer.content.iter_any():
            if not is_valid(request):
                raise ConnectionError
            *whole, rest = (rest + piece).split(b"\n")
            await client.write([one.decode(errors="replace") for one in whole])


class ReplayByWorkers:
    """The replays of one output (`collector.dead_letters.replay.Replays`), worker after worker."""

    def __init__(self, output: str, peers: Sequence[Peer]) -> None:
        self.output = output
        self._peers = peers

    def check(self) -> None:
        """Each worker sees for itself."""

    def seen(self, progress: Progress) -> Progress:
        """The worker has told what it waits for."""
        return progress

    async def run(self, wanted: Wanted, progress: Progress, *, limit: int | None = None) -> None:
        """Send the letters that are wanted, and tell in `progress` how far it is.

        Raises:
            PilotfishError: it ended early.
        """
        query = {"output": self.output, "reason": wanted.reason, "target": wanted.target}
        for peer in self._peers:
            if limit is not None and progress.sent >= limit:
                return
            left = {} if limit is None else {"limit": str(limit - progress.sent)}
            await self._run(peer, {name: text for name, text in query.items() if text} | left, progress)

    async def _run(self, peer: Peer, query: Mapping[str, str], progress: Progress) -> None:
        before = Progress(output="", sent=progress.sent, refused=progress.refused, damaged=progress.damaged)
        told: dict[str, object] = {}
        try:
            async with peer.open("/api/dead-letters/replay", query, method="POST") as answer:
                async for line in answer.content:
                    told = orjson.loads(line)
                    _add(progress, before, told)
        except aiohttp.ClientError:
            told = {}
        if "done" not in told:
            cause = str(told.get("error", f"worker {peer.number} stopped"))
            raise PilotfishError(cause, str(told.get("remedy", "nothing is lost: run the replay again")))


def _add(progress: Progress, before: Progress, told: Mapping[str, object]) -> None:
    for name in ("sent", "refused", "damaged"):
        if isinstance(number := told.get(name), int):
            setattr(progress, name, getattr(before, name) + number)
    progress.waiting = str(told.get("waiting", ""))
