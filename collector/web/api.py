"""`/api/search`, `/api/tail`, `/api/status`, `/api/explain`: what the commands and the page ask, behind the token."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Struct, json

from collector.dead_letters.replay import Replays
from collector.errors import PilotfishError, QueryError
from collector.model import LogStream
from collector.ports import Found, Searchable
from collector.search import pipes
from collector.text.times import iso
from collector.web import search_arguments
from collector.web.access import refusal
from collector.web.answers import ContainerRow, OutputRow
from collector.web.arguments import MOST_TEXT, known, text
from collector.web.connection_limit import GONE_SECONDS
from collector.web.live import Glimpse, Live, Wanted, Watcher
from collector.web.live_routes import LiveRoutes
from collector.web.rights import is_valid, rights_of

MOST_WATCHERS = 16


Sees = Callable[[Sequence[LogStream]], bool]
"""Whether all of these streams may be seen by who asks."""


class Patience(Struct, frozen=True, kw_only=True):
    """How long a tail may be quiet.

    An empty line after `heartbeat_seconds` lets both sides notice that the other is gone; a client that takes
    nothing for `stall_seconds` is cut off, and one whose machine has not answered for `gone_seconds`.
    """

    heartbeat_seconds: float = 15.0
    stall_seconds: float = 30.0
    gone_seconds: int = GONE_SECONDS


class Views(Struct, frozen=True, kw_only=True):
    """What the port shows.

    `health` names the part that is stuck, or None; `not_ready` lists the reasons, one line each; `metrics` takes the
    Accept header and gives body and content type; `status` is what JSON can hold, and `explain`, which is asked about
    containers by their names, and whose streams may be seen; `search` is None without a store;
    `dead_letters` are the directories of all outputs' letters, `replays` has one for each output; `engine_metrics`
    is where the engine's own metrics are, by the option that says so; `streams` are those that are followed now;
    `containers` are rows of those of which something may be seen, `outputs` rows of all;
    `routes` is None where live routes are off.
    """

    health: Callable[[], str | None]
    not_ready: Callable[[], list[str]]
    metrics: Callable[[str], tuple[bytes, str]]
    status: Callable[[], Mapping[str, Any]]
    explain: Callable[[Callable[[str], bool], Sees], Sequence[Mapping[str, Any]]]
    search: Searchable | None
    live: Live
    dead_letters: Sequence[Path]
    replays: Mapping[str, Replays]
    engine_metrics: Mapping[str, str | None] = {}
    streams: Callable[[], Iterable[LogStream]] = tuple
    containers: Callable[[Callable[[LogStream], bool] | None], Sequence[ContainerRow]] = lambda _: ()
    outputs: Callable[[], Sequence[OutputRow]] = tuple
    routes: LiveRoutes | None = None


class Api:
    """The handlers; each takes its arguments from the query string."""

    def __init__(self, views: Views, patience: Patience) -> None:
        self._views = views
        self._patience = patience

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {"search": self.search, "tail": self.tail, "status": self.status, "explain": self.explain}

    async def search(self, request: web.Request) -> web.Response:
        """Find documents: `{"total": N, "cut": false, "documents": [...], "cursor": "…", "start": "…"}`; cut at 8 MiB.

        With `buckets` there is `"histogram": [{"start": TIME, "count": N}, …]`, with `facet`
        `"facets": {NAME: [{"value": …, "count": N}, …]}`. A query with a pipe gives
        `{"total": N, "table": {"columns": [...], "rows": [[...]]}}`.
        """
        if self._views.search is None:
            return refusal(501, "search needs an output that can be searched", "add `local: {type: store}` to outputs")
        try:
            asked = search_arguments.of_page(request, "buckets", "facet", "values")
            found = await pipes.answer(self._views.search, search_arguments.with_numbers(asked, request))
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        except PilotfishError as error:
            return refusal(503, error.cause, error.remedy)
        if isinstance(found, pipes.Table):
            return web.Response(body=pipes.written(found), content_type="application/json")
        return web.Response(body=_found(found, request.query), content_type="application/json")

    async def status(self, _: web.Request) -> web.Response:
        """What the agent is doing."""
        body = orjson.dumps(self._views.status(), option=orjson.OPT_APPEND_NEWLINE)
        return web.Response(body=body, content_type="application/json")

    async def explain(self, request: web.Request) -> web.Response:
        """What becomes of the lines of containers, and why: `{"containers": [...]}`, at most 20 by name."""
        try:
            known(request.query, {"name"})
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        names = tuple(name[:MOST_TEXT] for name in request.query.getall("name", []))
        found = {"containers": self._views.explain(Wanted(names=names).names_matcher(), rights_of(request).sees_all_of)}
        return web.Response(body=orjson.dumps(found, option=orjson.OPT_APPEND_NEWLINE), content_type="application/json")

    async def tail(self, request: web.Request) -> web.StreamResponse:
        """Documents as they are read, one a line; `{"skipped": N}` where this client was too slow."""
        if self._views.live.watchers >= MOST_WATCHERS:
            return refusal(503, f"{MOST_WATCHERS} clients are watching already", "stop one of them")
        try:
            wanted = _wanted(request)
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        with self._views.live.subscribe(wanted) as watcher:
            response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson", "X-Accel-Buffering": "no"})
            await response.prepare(request)
            transport = request.transport
            try:
                await self._stream(request, watcher, response)
            except ConnectionError:
                pass  # the client is gone, which is how most tails end
            except TimeoutError:
                if transport is not None:
                    transport.abort()
        return response

    async def _stream(self, request: web.Request, watcher: Watcher, response: web.StreamResponse) -> None:
        """Write what the watcher gives until it ends.

        Raises:
            ConnectionError: the client is gone.
            TimeoutError: the client takes nothing.
        """
        while (glimpse := await self._next(watcher)) is not None and is_valid(request):
            if lines := _lines(glimpse):
                async with asyncio.timeout(self._patience.stall_seconds):
                    await response.write(lines)
        await response.write_eof()

    async def _next(self, watcher: Watcher) -> Glimpse | None:
        """The next documents, an empty one as a heartbeat, or None at the end."""
        try:
            async with asyncio.timeout(self._patience.heartbeat_seconds):
                return await anext(watcher, None)
        except TimeoutError:
            return Glimpse([b""])


def _lines(glimpse: Glimpse) -> bytes:
    marker = b'{"skipped":%d}\n' % glimpse.skipped if glimpse.skipped else b""
    return marker + b"".join([document + b"\n" for document in glimpse.documents])


def _found(found: Found, asked: Mapping[str, str]) -> bytes:
    """The answer as JSON; its documents are JSON already."""
    more: dict[str, object] = {name: text for name in ("cursor", "start") if (text := getattr(found, name))}
    if "buckets" in asked:
        more["histogram"] = [{"start": iso(each.start), "count": each.count} for each in found.histogram]
    if "facet" in asked:
        more["facets"] = found.facets
    cut = b"true" if found.cut else b"false"
    documents = b",".join(found.documents)
    rest = b"," + json.encode(more)[1:] if more else b"}"
    return b'{"total":%d,"cut":%b,"documents":[%b]%b\n' % (found.total, cut, documents, rest)


def _wanted(request: web.Request) -> Wanted:
    """Read the arguments of a tail; `name` may stand there more than once.

    Raises:
        QueryError: one of them is not what it should be.
    """
    given = request.query
    known(given, {"name", "target", "text"})
    return Wanted(
        names=tuple(given.getall("name", [])),
        target=given.get("target") or None,
        text=text(given, "text"),
        only=rights_of(request).only,
    )
