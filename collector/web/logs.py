"""`/logs`, `/logs/id:ID`, `/logs/name:GLOB`: lines of containers as they are read, in the forms that logspout has.

An adapter on the live view: a client that reads slowly misses lines, which is told to it, and one that reads nothing is
cut off; neither slows anything else. Nothing of a container is shown but its id and its name.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from typing import Any, Protocol

import orjson
from aiohttp import WSCloseCode, hdrs, web
from aiohttp.typedefs import Handler
from msgspec import Struct

from collector.documents.document import line, source, time
from collector.errors import QueryError
from collector.model import LogStream, Segment
from collector.text.escapes import visible
from collector.web.access import refusal
from collector.web.api import MOST_WATCHERS, Patience, Views
from collector.web.arguments import known
from collector.web.live import Wanted, Watcher
from collector.web.rights import is_valid, rights_of

ARGUMENTS = {"source", "sources", "colors"}
JSON = "application/json"
_NDJSON = "application/x-ndjson"
_HEADERS = {"X-Accel-Buffering": "no"}
_OWN = ("events", "limits")  # streams that Pilotfish itself writes: shown where they are asked for by name
_WIDTH = 16  # of the names, at least
_COLOURS = tuple(f"\x1b[{bright}3{7 - number}m" for bright in ("1;", "") for number in range(7))
_RESET = "\x1b[0m"

Render = Callable[[LogStream, bytes], str]


class Asked(Struct, frozen=True, kw_only=True):
    """What a request asks for; `sources` empty: all; `has_names`: several containers may be meant."""

    wanted: Wanted
    sources: frozenset[str]
    is_json: bool
    has_colours: bool
    has_names: bool

    def takes(self, stream: str) -> bool:
        """Whether lines of a stream of a container are wanted."""
        return is_shown(stream, self.sources)


def is_shown(stream: str, sources: frozenset[str]) -> bool:
    """Whether lines of a stream are meant by these sources: all that containers write, if none is named."""
    return stream in sources if sources else stream not in _OWN


def asked(request: web.Request) -> Asked:
    """Read a request.

    Raises:
        QueryError: something in it is not what it should be.
    """
    known(request.query, ARGUMENTS)
    kind, _, value = request.match_info.get("which", "").partition(":")
    if (kind or value) and (kind not in ("id", "name") or not value):
        raise QueryError("/logs/ goes on with something else", "use /logs, /logs/id:ID or /logs/name:GLOB")
    listed = [one for name in ("source", "sources") for one in request.query.get(name, "").split(",")]
    return Asked(
        wanted=Wanted(
            id=value if kind == "id" else "",
            name=value if kind == "name" else "",
            only=rights_of(request).only,
        ),
        sources=frozenset(one.strip() for one in listed if one.strip()),
        is_json=is_websocket(request) or JSON in request.headers.get(hdrs.ACCEPT, ""),
        has_colours=request.query.get("colors") != "off",
        has_names=not kind or (kind == "name" and any(sign in value for sign in "*?[")),
    )


def is_websocket(request: web.Request) -> bool:
    """Whether it wants to go on as a web-socket."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket"


class Logs:
    """The handlers."""

    def __init__(self, views: Views, patience: Patience) -> None:
        self._views = views
        self._patience = patience

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {"logs": self.logs, "logs_of": self.logs}

    async def logs(self, request: web.Request) -> web.StreamResponse:
        """Lines from now on: text with the container's name, or JSON; a web-socket gets a message for each."""
        if self._views.live.watchers >= MOST_WATCHERS:
            return refusal(503, f"{MOST_WATCHERS} clients are watching already", "stop one of them")
        try:
            what = asked(request)
        except QueryError as error:
            return refusal(400, error.cause, error.remedy)
        if not what.has_names and not self._is_known(what.wanted):
            return refusal(404, "no such container is followed", "see `pilotfish explain` for those that are")
        with self._views.live.subscribe(what.wanted) as watcher:
            return await send(request, self._patience, lambda client: self._write(request, watcher, client))

    def _is_known(self, wanted: Wanted) -> bool:
        matches = wanted.matcher()
        return any(map(matches, self._views.streams()))

    async def _write(self, request: web.Request, watcher: Watcher, client: "Client") -> None:
        what = asked(request)
        render = as_json if what.is_json else Text(has_colours=what.has_colours, has_names=what.has_names).render
        while (found := await watcher.segment()) is not None and is_valid(request):
            skipped, segment = found
            lines = [_skipped(skipped, is_json=what.is_json)] if skipped else []
            if segment is not None:
                lines += _rendered(segment, what, render)
            await client.write(lines)


def _rendered(segment: Segment, what: Asked, render: Render) -> Iterator[str]:
    for document in segment.documents:
        if what.takes(source(document)):
            yield render(segment.stream, document)


def _skipped(count: int, *, is_json: bool) -> str:
    return f'{{"skipped":{count}}}' if is_json else f"{count} lines left out: this client reads too slowly"


def as_json(stream: LogStream, document: bytes) -> str:
    """A line as a message of logspout's, one line of JSON: of the container its id and its name alone."""
    told = {
        "Container": {"Id": stream.container_id, "Name": f"/{stream.container}"},
        "Source": source(document),
        "Data": line(document),
        "Time": time(document),
    }
    return orjson.dumps(told).decode()


class Text:
    """Lines for people: `name|line`, each name in a colour of its own; control characters are written as escapes."""

    def __init__(self, *, has_colours: bool, has_names: bool) -> None:
        self._has_colours = has_colours
        self._has_names = has_names
        self._width = _WIDTH
        self._colours: dict[str, str] = {}

    def render(self, stream: LogStream, document: bytes) -> str:
        """The line, or the lines of an event."""
        shown = [_harmless(text) for text in line(document).split("\n")]
        if not self._has_names:
            return "\n".join(shown)
        name = visible(stream.container)
        self._width = max(self._width, len(name))
        head, end = f"{name:>{self._width}}|", ""
        if self._has_colours:
            colour = self._colours.setdefault(name, _COLOURS[len(self._colours) % len(_COLOURS)])
            head, end = f"{colour}{head}", _RESET
        return "\n".join(f"{head}{text}{end}" for text in shown)


def _harmless(text: str) -> str:
    return "\t".join(map(visible, text.split("\t")))


class Client(Protocol):
    """Who gets lines."""

    async def write(self, lines: Iterable[str]) -> None:
        """Send lines.

        Raises:
            ConnectionError: the client is gone.
            TimeoutError: it takes nothing.
        """


async def send(
    request: web.Request, patience: Patience, write: Callable[[Client], Coroutine[Any, Any, None]]
) -> web.StreamResponse:
    """Answer with what `write` writes until it ends, over a web-socket where that is asked for."""
    socket = web.WebSocketResponse(heartbeat=patience.heartbeat_seconds) if is_websocket(request) else None
    kind = _NDJSON if JSON in request.headers.get(hdrs.ACCEPT, "") else "text/plain; charset=utf-8"
    body = web.StreamResponse(headers={**_HEADERS, hdrs.CONTENT_TYPE: kind})
    response = body if socket is None else socket
    await response.prepare(request)
    transport = request.transport
    try:
        async with asyncio.TaskGroup() as tasks:
            client: Client = _Body(body, patience) if socket is None else _Socket(socket, patience)
            writing = tasks.create_task(write(client), name="logs to a client")
            listening = (
                tasks.create_task(_listen(socket, writing), name="web-socket of a client")
                if socket is not None
                else None
            )
            await asyncio.wait([writing])
            if listening is not None:
                listening.cancel()
        with suppress(ConnectionError):
            await (body.write_eof() if socket is None else socket.close(code=WSCloseCode.GOING_AWAY))
    except* ConnectionError:
        pass  # the client is gone, which is how most of these end
    except* TimeoutError:
        if transport is not None:
            transport.abort()
    return response


async def _listen(socket: web.WebSocketResponse, writing: "asyncio.Task[None]") -> None:
    """Take what a client says, which is nothing but that it goes: then there is nothing to write any more."""
    async for _ in socket:
        pass
    writing.cancel()


class _Body:
    """A client of plain HTTP."""

    def __init__(self, response: web.StreamResponse, patience: Patience) -> None:
        self._response = response
        self._seconds = patience.stall_seconds

    async def write(self, lines: Iterable[str]) -> None:
        """Send lines, each with its newline."""
        if text := "".join([f"{one}\n" for one in lines]):
            async with asyncio.timeout(self._seconds):
                await self._response.write(text.encode(errors="replace"))


class _Socket:
    """A client of a web-socket."""

    def __init__(self, socket: web.WebSocketResponse, patience: Patience) -> None:
        self._socket = socket
        self._seconds = patience.stall_seconds

    async def write(self, lines: Iterable[str]) -> None:
        """Send lines, each as a message."""
        async with asyncio.timeout(self._seconds):
            for one in lines:
                await self._socket.send_str(one)
