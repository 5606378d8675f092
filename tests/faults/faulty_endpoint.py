"""A cluster that misbehaves on order, as a process: `python -m tests.faults.faulty_endpoint DIRECTORY SEED NODES`.

It answers truthfully like Elasticsearch (201, or 409 for an id that is there) unless `Faults` say otherwise, appends
each document that it keeps to `accepted` and each that it refused for its content to `refused`, action line and source
line as they came, and holds a number of each in memory. It prints its ports first: for orders, then each node's.
"""

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from random import Random

import msgspec
import orjson
import uvloop
from aiohttp import web
from isal import igzip

from tests.faults.faults import Faults, Told

_CREATED = b'{"create":{"status":201}}'
_CONFLICT = b'{"create":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"is there"}}}'
_REFUSED = b'{"create":{"status":400,"error":{"type":"document_parsing_exception","reason":"is refused"}}}'
_BUSY = b'{"create":{"status":%d,"error":{"type":"es_rejected_execution_exception","reason":"is busy"}}}'
_AS_TEXT = b',"delivery_error":'
_LIMIT_BYTES = 1 << 30


class Documents:
    """What is kept and what is refused: decided per document, drawn with the seed."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.random = Random(seed)
        self.duplicates = self.conflicting = 0
        self.kept: dict[int, int] = {}  # hash of the action line → hash of the source
        self.refused: set[int] = set()
        self._seed = seed
        self._accepted = (directory / "accepted").open("ab")
        self._refused = (directory / "refused").open("ab")

    def commit(self, lines: list[bytes], faults: Faults) -> list[bytes]:
        """The answer's items for pairs of action and source."""
        clean = not (faults.items or faults.refused or faults.refused_json or faults.poison or faults.strict)
        verdict = self._keep if clean else self._judge
        return [verdict(lines[at], lines[at + 1], faults) for at in range(0, len(lines), 2)]

    def refuse(self, action: bytes, source: bytes) -> None:
        """Note a document that will not be taken in this form."""
        if (name := hash(action)) not in self.refused:
            self.refused.add(name)
            self._refused.write(b"%b\n%b\n" % (action, source))

    def flush(self) -> None:
        """Let others read what is kept."""
        self._accepted.flush()
        self._refused.flush()

    def _keep(self, action: bytes, source: bytes, _: Faults) -> bytes:
        name, content = hash(action), 0 if _AS_TEXT in source else hash(source)
        if name in self.kept:
            self.duplicates += 1
            self.conflicting += bool(content and self.kept[name] and self.kept[name] != content)
            return _CONFLICT
        self.kept[name] = content
        self._accepted.write(b"%b\n%b\n" % (action, source))
        return _CREATED

    def _judge(self, action: bytes, source: bytes, faults: Faults) -> bytes:
        if self._is_refused(action, source, faults):
            self.refuse(action, source)
            return _REFUSED
        chance = self.random.random()
        for status, share in faults.items.items():
            if (chance := chance - share) < 0:
                if status != 409:
                    return _BUSY % status
                self._keep(action, source, faults)
                return _CONFLICT
        return self._keep(action, source, faults)

    def _is_refused(self, action: bytes, source: bytes, faults: Faults) -> bool:
        if (faults.poison and faults.poison.encode() in source) or (faults.strict and not _is_json(source)):
            return True
        draw = Random(self._seed ^ hash(action)).random() if faults.refused or faults.refused_json else 1.0
        return draw < faults.refused or (draw < faults.refused + faults.refused_json and _AS_TEXT not in source)


class Node:
    """One node of the cluster: a port with faults of its own. They hold until others are ordered."""

    def __init__(self, documents: Documents) -> None:
        self.faults = Faults()
        self.documents = documents
        self.requests = self.late = self.deaths = 0
        self.statuses: dict[int, int] = {}
        self._accepting = asyncio.Event()
        self._accepting.set()
        self._runner: web.ServerRunner | None = None
        self._dying: asyncio.Task[None] | None = None
        self.port = 0

    async def listen(self) -> None:
        """Take connections, on the former port if there was one."""
        self._runner = web.ServerRunner(web.Server(self._handle, auto_decompress=False), shutdown_timeout=0.01)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True).start()
        self.port = self._runner.addresses[0][1]

    async def order(self, faults: Faults) -> None:
        """These faults from now on."""
        self.faults = faults
        if faults.mode == "refuse" and self._runner:
            await self._runner.cleanup()
            self._runner = None
        if faults.mode != "refuse" and not self._runner:
            await self.listen()
        if faults.mode == "hold":
            self._accepting.clear()
        else:
            self._accepting.set()

    # ------------------------------------------------------------------ as Elasticsearch

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        request._client_max_size = _LIMIT_BYTES
        raw = await request.read()
        await self._accepting.wait()
        if request.transport is None or request.transport.is_closing():
            return web.Response(status=503)  # who asked has gone: a packet into a black hole was never received
        if request.path == "/":
            return _json(200, b'{"version":{"number":"8.19.0"}}')
        if request.path != "/_bulk":
            return _json(200, b'{"acknowledged":true}')
        packed = request.headers.get("content-encoding") == "gzip"
        body = bytes(igzip.decompress(raw)) if packed else raw  # type: ignore[no-untyped-call]
        self.requests += 1
        if packed and self.faults.no_gzip:
            self.statuses[400] = self.statuses.get(400, 0) + 1
            return _json(400, b'{"error":{"type":"json_parse_exception","reason":"Illegal character (CTRL-CHAR)"}}')
        if self.faults.deadly and self.faults.deadly.encode() in body:
            self._dying = asyncio.create_task(self._die(body))
            await asyncio.Event().wait()
        response = await self._bulk(request, body)
        self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
        return response

    async def _die(self, body: bytes) -> None:
        self.deaths += 1
        lines = body.split(b"\n")
        for action, source in zip(lines[0:-1:2], lines[1::2], strict=True):
            if self.faults.deadly.encode() in source:
                self.documents.refuse(action, source)
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
        await asyncio.sleep(self.faults.away_seconds)
        await self.listen()

    async def _bulk(self, request: web.BaseRequest, body: bytes) -> web.StreamResponse:
        faults = self.faults
        if faults.latency_seconds:
            await asyncio.sleep(faults.latency_seconds)
        lines = body.split(b"\n")
        if lines.pop() or len(lines) % 2:
            return _json(400, b'{"error":{"type":"illegal_argument_exception","reason":"no pairs of lines"}}')
        if 0 < faults.largest_bytes < len(body):
            if len(lines) == 2:
                self.documents.refuse(*lines)
            return _json(413, b"")
        kind = self._draw(faults.requests)
        if kind.isdecimal():
            return _json(int(kind), b'{"error":{"type":"unavailable","reason":"is ordered"}}')
        items = self.documents.commit(lines, faults)
        return await self._answer(request, kind, items, faults)

    async def _answer(
        self, request: web.BaseRequest, kind: str, items: list[bytes], faults: Faults
    ) -> web.StreamResponse:
        dying = self._is_last(faults)
        if dying and faults.kill_before_answer:
            _kill(faults.kill_pid)
        errors = any(item is not _CREATED for item in items)
        if kind == "short":
            items = items[1:]
        body = b'{"errors":%b,"items":[%b]}' % (b"true" if errors else b"false", b",".join(items))
        if kind == "late":
            await self._outwait(request)
        if kind == "not_json":
            body = b"<html>502 Bad Gateway</html>"
        if kind in ("cut", "reset"):
            return await self._break(request, body, 0 if kind == "reset" else len(body) // 2)
        response = _json(200, body)
        if dying:
            await response.prepare(request)
            await response.write_eof()
            await asyncio.sleep(self.documents.random.random() / 50)
            _kill(faults.kill_pid)
        return response

    def _is_last(self, faults: Faults) -> bool:
        if not faults.kill_pid or faults.kill_after < 0:
            return False
        faults.kill_after -= 1
        return faults.kill_after < 0

    def _draw(self, chances: dict[str, float]) -> str:
        chance = self.documents.random.random()
        for kind, share in chances.items():
            if (chance := chance - share) < 0:
                return kind
        return ""

    async def _outwait(self, request: web.BaseRequest) -> None:
        self.late += 1
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def _break(self, request: web.BaseRequest, body: bytes, cut: int) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-length": str(len(body))})
        if cut:
            await response.prepare(request)
            await response.write(body[:cut])
        if request.transport:
            request.transport.abort() if not cut else request.transport.close()
        return response


def _is_json(source: bytes) -> bool:
    """As strict as Elasticsearch: no infinite numbers, no endless depth."""
    try:
        orjson.loads(source)
    except orjson.JSONDecodeError:
        return False
    return True


def _json(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, headers={"content-type": "application/json"})


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Orders:
    """The port for orders and questions."""

    def __init__(self, nodes: list[Node], documents: Documents) -> None:
        self._nodes = nodes
        self._documents = documents

    async def order(self, request: web.Request) -> web.Response:
        """`POST /faults/NODE`."""
        node = self._nodes[int(request.match_info["node"])]
        await node.order(msgspec.json.decode(await request.read(), type=Faults))
        return web.Response(body=b"{}")

    async def tell(self, _: web.Request) -> web.Response:
        """`GET /told`."""
        self._documents.flush()
        statuses = Counter[int]()
        for node in self._nodes:
            statuses.update(node.statuses)
        told = Told(
            documents=len(self._documents.kept),
            refused=len(self._documents.refused),
            duplicates=self._documents.duplicates,
            conflicting=self._documents.conflicting,
            requests=[node.requests for node in self._nodes],
            statuses=statuses,
            late=sum(node.late for node in self._nodes),
            deaths=sum(node.deaths for node in self._nodes),
        )
        return web.Response(body=msgspec.json.encode(told))


async def serve(directory: Path, seed: int, nodes: int) -> None:
    """Serve until killed."""
    documents = Documents(directory, seed)
    cluster = [Node(documents) for _ in range(nodes)]
    for node in cluster:
        await node.listen()
    orders = Orders(cluster, documents)
    app = web.Application()
    app.router.add_post("/faults/{node}", orders.order)
    app.router.add_get("/told", orders.tell)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    ports = [runner.addresses[0][1], *(node.port for node in cluster)]
    sys.stdout.write(f"{' '.join(map(str, ports))}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
