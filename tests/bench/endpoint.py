"""A `_bulk` endpoint that takes everything, in a process of its own: keeps the bodies, answers as Elasticsearch does.

What it does beside that is little, since it must not be what limits a collector: unpack, count lines, keep the body as
it came. `blaster` checks that in the same run. It also takes JSON lines, which vlagent sends. Where it is to be slow it
takes one body after the other, and answers when so many documents would have been stored.
"""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import uvloop
from aiohttp import web

from tests.bench import bodies
from tests.bench.board import Board, Slot
from tests.bench.bodies import Kind

_KINDS = {"gzip": Kind.GZIP, "zstd": Kind.ZSTD}
_HEADERS = {"X-Elastic-Product": "Elasticsearch"}  # the official clients ask for it


class Endpoint(NamedTuple):
    """A running endpoint: where it listens, what it counts, and the file that keeps what it got."""

    port: int
    board: Board
    kept: int


@contextmanager
def started() -> Iterator[Endpoint]:
    """Start one; it ends with the block."""
    board = Board.make()
    kept = os.memfd_create("bodies", 0)
    words = [sys.executable, "-m", "tests.bench.endpoint", str(board.fd), str(kept)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, pass_fds=(board.fd, kept)) as process:
        try:
            assert process.stdout is not None
            yield Endpoint(int(process.stdout.readline()), board, kept)
        finally:
            process.kill()
            os.close(kept)
            board.close()


class _Taker:
    """The handlers, and the threads that unpack."""

    def __init__(self, board: Board, kept: int) -> None:
        self._board = board
        self._kept = kept
        self._keeping = threading.Lock()
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="unpack")
        self._free = 0.0  # when all that came would have been stored

    async def bulk(self, request: web.Request) -> web.Response:
        """`POST /_bulk`, and `/<index>/_bulk`."""
        body = await request.content.read()
        kind = Kind.ACTIONS | _KINDS.get(request.headers.get("content-encoding", ""), Kind.PLAIN)
        loop = asyncio.get_running_loop()
        if rate := self._board[Slot.MOST_RATE]:
            count, _ = await loop.run_in_executor(self._threads, _counted, body, kind)
            self._free = max(self._free, loop.time()) + count / rate
            await asyncio.sleep(self._free - loop.time())
        count, verb = await loop.run_in_executor(self._threads, self._take, body, kind)
        items = b",".join([b'{"%b":{"status":201}}' % verb] * count)
        head = b"{" if "filter_path" in request.query else b'{"took":1,'
        answer = head + b'"errors":false,"items":[' + items + b"]}"
        return web.Response(body=answer, content_type="application/json", headers=_HEADERS)

    async def lines(self, request: web.Request) -> web.Response:
        """`POST /insert/jsonline`."""
        body = await request.content.read()
        kind = _KINDS.get(request.headers.get("content-encoding", ""), Kind.PLAIN)
        await asyncio.get_running_loop().run_in_executor(self._threads, self._take, body, kind)
        return web.Response()

    def _take(self, body: bytes, kind: Kind) -> tuple[int, bytes]:
        count, verb = _counted(body, kind)
        with self._keeping:
            bodies.keep(self._kept, body, kind, time.time_ns())
            self._board[Slot.REQUESTS] += 1
            self._board[Slot.BODY_BYTES] += len(body)
            self._board[Slot.LAST_NS] = time.monotonic_ns()
            self._board[Slot.DOCUMENTS] += count
        return count, verb


def _counted(body: bytes, kind: Kind) -> tuple[int, bytes]:
    """Its documents, and the action of the first."""
    text = bodies.unpacked(body, kind)
    count = text.count(b"\n") + (not text.endswith(b"\n"))
    return count // 2 if kind & Kind.ACTIONS else count, b"index" if text.startswith(b'{"index"') else b"create"


async def _root(_: web.Request) -> web.Response:
    version = {"number": "8.19.0", "build_flavor": "default", "minimum_wire_compatibility_version": "7.17.0"}
    return web.json_response(
        {"version": version, "cluster_name": "bench", "tagline": "You Know, for Search"}, headers=_HEADERS
    )


async def _license(_: web.Request) -> web.Response:
    """Filebeat asks for it before it sends."""
    return web.json_response({"license": {"uid": "bench", "type": "basic", "status": "active"}}, headers=_HEADERS)


async def _accept(_: web.Request) -> web.Response:
    """Any other question, such as for a template or the cluster's health: all is well."""
    return web.json_response({"acknowledged": True, "status": "green"}, headers=_HEADERS)


async def _serve(taker: _Taker) -> None:
    app = web.Application()
    app.router.add_post("/_bulk", taker.bulk)
    app.router.add_post("/{index}/_bulk", taker.bulk)
    app.router.add_post("/insert/jsonline", taker.lines)
    app.router.add_get("/", _root)
    app.router.add_get("/_license", _license)
    app.router.add_route("*", "/{any:.*}", _accept)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(_Taker(Board(int(sys.argv[1])), int(sys.argv[2]))))
