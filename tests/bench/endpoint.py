"""A `_bulk` endpoint that takes everything: counts documents, answers as Elasticsearch does with the filter asked for.

Runs in a process of its own, so that its cost is not the collector's. `GET /count` tells the documents so far.
"""

import asyncio
import sys

import uvloop
from aiohttp import web
from isal import igzip


class Endpoint:
    """Counts what it takes: ids are kept, so that a document that is lost or doubled shows."""

    def __init__(self) -> None:
        self.documents = 0
        self.requests = 0
        self.bytes = 0

    async def bulk(self, request: web.Request) -> web.Response:
        """`POST /_bulk`."""
        body = await request.content.read()
        self.bytes += len(body)
        if request.headers.get("content-encoding") == "gzip":
            body = await asyncio.to_thread(igzip.decompress, body)
        count = body.count(b"\n") // 2
        self.documents += count
        self.requests += 1
        items = b",".join([b'{"create":{"status":201}}'] * count)
        return web.Response(body=b'{"errors":false,"items":[' + items + b"]}", content_type="application/json")

    async def count(self, _: web.Request) -> web.Response:
        """`GET /count`."""
        return web.json_response({"documents": self.documents, "requests": self.requests, "bytes": self.bytes})


async def _accept(_: web.Request) -> web.Response:
    """Any other question, such as for a template: it is there."""
    return web.json_response({"acknowledged": True})


async def _root(_: web.Request) -> web.Response:
    return web.json_response({"version": {"number": "8.19.0"}, "cluster_name": "bench"})


async def serve() -> None:
    """Serve until killed; prints the port first."""
    endpoint = Endpoint()
    app = web.Application(client_max_size=1 << 30)
    app.router.add_post("/_bulk", endpoint.bulk)
    app.router.add_get("/count", endpoint.count)
    app.router.add_get("/", _root)
    app.router.add_route("*", "/{any:.*}", _accept)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve())
