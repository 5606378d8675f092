"""Routes, or answers given beforehand → a server on a free port of loopback."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ssl import SSLContext

from aiohttp import web


@asynccontextmanager
async def serving(app: web.Application, tls: SSLContext | None = None) -> AsyncIterator[str]:
    """Answer while the block lasts; gives the URL."""
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await site.start()
    try:
        _, port = runner.addresses[0][:2]
        yield f"http{'s' if tls else ''}://127.0.0.1:{port}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def answering(*responses: web.Response, tls: SSLContext | None = None) -> AsyncIterator[str]:
    """Give these answers whatever is asked, the last one again and again."""
    left = list(responses)

    async def answer(_: web.Request) -> web.Response:
        given = left.pop(0) if len(left) > 1 else left[0]
        return web.Response(status=given.status, headers=given.headers, text=given.text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with serving(app, tls) as url:
        yield url
