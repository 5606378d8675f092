"""Scripted replies → a real HTTP server that speaks as much of Elasticsearch as a sender needs; misbehaves on order.

Without a script it takes every document (201, or 409 for an id it has) and keeps it. Requests that are not `_bulk` are
answered as an Elasticsearch 8 does and are not scripted, but recorded.
"""

import asyncio
import gzip
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import msgspec
from aiohttp import web

_LIMIT_BYTES = 256 << 20
_SHUTDOWN_SECONDS = 0.01  # 0 would wait for ever


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer to `_bulk`: `body` None tells the truth about the documents.

    `cut_bytes`: break the connection after so many bytes of the body. `hold`: answer only when it is set.
    `stored`: whether the documents are kept, whatever is answered.
    """

    status: int = 200
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_bytes: int | None = None
    hold: asyncio.Event | None = None
    stored: bool = True


class Received(NamedTuple):
    """One request: `body` is decompressed, `size` counts the bytes that came over the wire."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    size: int


@dataclass(frozen=True)
class Document:
    """One document as its action line names it."""

    index: str
    id: str
    type: str | None
    source: bytes


def documents_in(body: bytes) -> list[Document]:
    """The documents of a `_bulk` body.

    Raises:
        ValueError: it is not made of `create` lines and source lines in turns, with a newline behind each.
    """
    lines = body.split(b"\n")
    if lines.pop() or len(lines) % 2:
        raise ValueError("not pairs of lines")
    return [_document(action, source) for action, source in zip(lines[0::2], lines[1::2], strict=True)]


def items(*statuses: int, error: Mapping[str, object] | None = None) -> bytes:
    """The body of an answer with one item per status; those from 400 on carry `error`."""
    entries = [{"create": {"status": status} | ({"error": error} if status >= 400 else {})} for status in statuses]
    return msgspec.json.encode({"errors": max(statuses, default=200) >= 400, "items": entries})


class BulkEndpoint:
    """The server; use it as an async context manager. `script` is used up by `_bulk` requests in their order."""

    def __init__(self, script: Iterable[Reply] = (), *, version: str = "8.19.0") -> None:
        self.script = deque(script)
        self.version = version
        self.received: list[Received] = []
        self.stored: dict[tuple[str, str], bytes] = {}
        self.arrived = asyncio.Condition()
        self._runner: web.ServerRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """Base URL; the same after `stop` and `start`."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def bulks(self) -> list[Received]:
        """The `_bulk` requests so far."""
        return [each for each in self.received if each.path == "/_bulk"]

    async def start(self) -> None:
        """Listen; on the former port when it was started before."""
        self._runner = web.ServerRunner(
            web.Server(self._handle, auto_decompress=False), shutdown_timeout=_SHUTDOWN_SECONDS
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port).start()
        self._port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Refuse connections and break those that are open; may be called twice."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None

    async def wait_for_bulks(self, count: int) -> None:
        """Wait until so many `_bulk` requests have arrived, answered or not."""
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.bulks) >= count)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        request._client_max_size = _LIMIT_BYTES
        raw = await request.read()
        body = gzip.decompress(raw) if request.headers.get("content-encoding") == "gzip" else raw
        async with self.arrived:
            self.received.append(Received(request.method, request.path, dict(request.headers), body, len(raw)))
            self.arrived.notify_all()
        if request.path == "/_bulk":
            return await self._bulk(request, body)
        if request.path == "/":
            return _json(200, msgspec.json.encode({"version": {"number": self.version, "lucene_version": "9.12.2"}}))
        return _json(200, b'{"acknowledged":true}')

    async def _bulk(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        reply = self.script.popleft() if self.script else Reply()
        if reply.hold:
            await reply.hold.wait()
        truth = self._store(body) if reply.stored and reply.status == 200 else b""
        answer = truth if reply.body is None else reply.body
        if reply.cut_bytes is None:
            return _json(reply.status, answer, reply.headers)
        response = web.StreamResponse(status=reply.status, headers={"content-length": str(len(answer) or 1)})
        await response.prepare(request)
        await response.write(answer[: reply.cut_bytes])
        if request.transport:
            request.transport.close()
        return response

    def _store(self, body: bytes) -> bytes:
        statuses = []
        for document in documents_in(body):
            key = document.index, document.id
            statuses.append(409 if key in self.stored else 201)
            self.stored.setdefault(key, document.source)
        return items(*statuses, error={"type": "version_conflict_engine_exception", "reason": "is there"})


class _Target(msgspec.Struct, forbid_unknown_fields=True):
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")
    type: str | None = msgspec.field(name="_type", default=None)


class _Action(msgspec.Struct, forbid_unknown_fields=True):
    create: _Target


def _document(action: bytes, source: bytes) -> Document:
    target = msgspec.json.decode(action, type=_Action).create
    return Document(target.index, target.id, target.type, source)


def _json(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> web.Response:
    return web.Response(status=status, body=body, headers={"content-type": "application/json"} | dict(headers or {}))
