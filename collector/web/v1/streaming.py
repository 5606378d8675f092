"""`/api/v1/tail`: documents as they are read, as server-sent events; a client that comes back gets what it missed.

Each event has a cursor as its id, which a browser sends back (`Last-Event-ID`). What was written since a little before
it is then searched and sent, and once more when the output has had the time to take what was on its way: so a document
may come twice, which its `_id` tells. Memory is bounded as that of every watcher; a client that takes nothing is cut
off.
"""

import asyncio
import time
from collections.abc import Callable

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import json

from collector.documents import document as documents
from collector.errors import UNREADABLE, PilotfishError, QueryError
from collector.model import Segment
from collector.ports import Query, Searchable
from collector.search import cursor
from collector.text.times import nanoseconds_of
from collector.web.access import refusal
from collector.web.api import MOST_WATCHERS, Patience, Views
from collector.web.arguments import known, text
from collector.web.live import Wanted, Watcher
from collector.web.rights import is_valid, rights_of

MOST_MISSED = 5000  # documents that are sent to who comes back
OVERLAP_NANOSECONDS = 30_000_000_000  # so late a line may have been read before the connection was lost
SETTLE_SECONDS = 3.0  # until an output answers with what was acknowledged
HEADERS = {
    hdrs.CONTENT_TYPE: "text/event-stream",
    "X-Accel-Buffering": "no",
    hdrs.CACHE_CONTROL: "no-cache, no-transform",
}
LAST_EVENT = "Last-Event-ID"
_ARGUMENTS = {"name", "target", "level", "text"}


class Streaming:
    """The handler; `settle_seconds` until what was on its way is searched again."""

    def __init__(self, views: Views, patience: Patience, settle_seconds: float = SETTLE_SECONDS) -> None:
        self._views = views
        self._patience = patience
        self._settle_seconds = settle_seconds

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {"v1/tail": self.tail}

    async def tail(self, request: web.Request) -> web.StreamResponse:
        """Events until the client leaves, its token ends, or the agent stops."""
        if self._views.live.watchers >= MOST_WATCHERS:
            return refusal(503, f"{MOST_WATCHERS} clients are watching already", "stop one of them")
        try:
            known(request.query, _ARGUMENTS)
            wanted = _wanted(request)
            since = _since(request)
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        levels = frozenset(level.lower() for level in request.query.getall("level", []))
        with self._views.live.subscribe(wanted) as watcher:
            response = web.StreamResponse(headers=HEADERS)
            await response.prepare(request)
            transport = request.transport
            client = _Client(response, self._patience, _picker(wanted, levels), front=since)
            try:
                await self._stream(request, watcher, client, wanted, since)
            except ConnectionError:
                pass  # the client is gone
            except TimeoutError:
                if transport is not None:
                    transport.abort()
        return response

    async def _stream(
        self, request: web.Request, watcher: Watcher, client: "_Client", wanted: Wanted, since: int | None
    ) -> None:
        begun = time.monotonic()
        looks = [] if since is None or self._views.search is None else [0.0, self._settle_seconds]
        client.is_remembering = bool(looks)
        await client.documents([])
        while is_valid(request):
            if looks and time.monotonic() >= begun + looks[0]:
                del looks[0]
                await self._missed(client, wanted, since or 0)
                client.is_remembering = bool(looks)
                continue
            wait = self._patience.heartbeat_seconds
            if looks:
                wait = min(wait, max(0.0, begun + looks[0] - time.monotonic()))
            try:
                async with asyncio.timeout(wait):
                    found = await watcher.segment()
            except TimeoutError:
                if not looks:
                    await client.write(b": nothing new\n\n")
                continue
            if found is None or not is_valid(request):
                break
            skipped, segment = found
            await client.skipped(skipped)
            if segment is not None:
                await client.segment(segment)
        await client.end()

    async def _missed(self, client: "_Client", wanted: Wanted, since: int) -> None:
        """Send what the output has from then on; where there is too much, the newest of it."""
        searched: Searchable | None = self._views.search
        if searched is None:
            return
        asked = Query(target=wanted.target, since=since, limit=MOST_MISSED, only=wanted.only, most_bytes=8 << 20)
        try:
            found = await searched.search(asked)
        except PilotfishError:
            await client.event("missed", b'{"error":"the output that is searched does not answer"}')
            return
        await client.skipped(found.total - len(found.documents))
        await client.documents(found.documents[::-1])


class _Client:
    """Who gets events: those documents that `picked` takes."""

    def __init__(
        self, response: web.StreamResponse, patience: Patience, picked: Callable[[bytes], bool], front: int | None
    ) -> None:
        self._response = response
        self._seconds = patience.stall_seconds
        self._picked = picked
        self._front = time.time_ns() if front is None else front + OVERLAP_NANOSECONDS
        self._sent: set[str] = set()
        self.is_remembering = True  # ids that were sent, while some may come twice

    async def segment(self, segment: Segment) -> None:
        """Send documents that were read."""
        named = zip(segment.ids, segment.documents, strict=True)
        await self.documents([b'{"_id":%b,%b' % (json.encode(name), document[1:]) for name, document in named])

    async def documents(self, found: list[bytes]) -> None:
        """Send those that are wanted and were not sent; none: an event that tells the cursor."""
        news = [document for document in found if self._picked(document) and self._is_new(document)]
        if found and not news:
            return
        times = [_time(document) for document in news]
        self._front = min(max([self._front, *times]), time.time_ns())
        await self.event("documents", b"[%b]" % b",".join(news), cursor.written([self._front]))

    def _is_new(self, document: bytes) -> bool:
        if not self.is_remembering:
            self._sent.clear()
            return True
        name = document[: document.find(b",")].decode(errors="replace")
        if name in self._sent:
            return False
        self._sent.add(name)
        return True

    async def skipped(self, count: int) -> None:
        """Say that so many were left out."""
        if count > 0:
            await self.event("skipped", b'{"skipped":%d}' % count)

    async def event(self, name: str, data: bytes, key: str = "") -> None:
        """Send an event; JSON has no newline in it."""
        head = f"id: {key}\n" if key else ""
        await self.write(f"event: {name}\n{head}data: ".encode() + data + b"\n\n")

    async def write(self, body: bytes) -> None:
        """Send bytes.

        Raises:
            ConnectionError: the client is gone.
            TimeoutError: it takes nothing.
        """
        async with asyncio.timeout(self._seconds):
            await self._response.write(body)

    async def end(self) -> None:
        """Nothing follows."""
        await self._response.write_eof()


def _wanted(request: web.Request) -> Wanted:
    given = request.query
    return Wanted(
        names=tuple(given.getall("name", [])),
        target=given.get("target") or None,
        text=text(given, "text"),
        only=rights_of(request).only,
    )


def _since(request: web.Request) -> int | None:
    """From when on a client that comes back has missed documents; None: it is new."""
    if not (key := request.headers.get(LAST_EVENT, "")):
        return None
    (front,) = cursor.read(key, tuple[int])
    return max(0, front - OVERLAP_NANOSECONDS)


def _picker(wanted: Wanted, levels: frozenset[str]) -> Callable[[bytes], bool]:
    is_named = wanted.names_matcher()
    needle = orjson.dumps(wanted.text)[1:-1].lower()

    def picked(document: bytes) -> bool:
        if wanted.names and not is_named(documents.fields(documents.without_id(document)).get("docker_container", "")):
            return False
        return (needle in document.lower()) and (
            not levels or documents.level(documents.without_id(document)).lower() in levels
        )

    return picked


def _time(document: bytes) -> int:
    try:
        return nanoseconds_of(documents.time(document))
    except (ValueError, *UNREADABLE):
        return 0
