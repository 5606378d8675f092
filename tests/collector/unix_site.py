"""Routes → a server on a unix socket, where a daemon is asked: its answers can be late or wrong, its socket is real."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web


@asynccontextmanager
async def serving(directory: Path, routes: Iterable[web.RouteDef]) -> AsyncIterator[str]:
    """Answer at `docker.sock` in the directory while the block lasts; gives the URL."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    path = directory / "docker.sock"
    await web.UnixSite(runner, path).start()
    try:
        yield f"unix://{path}"
    finally:
        await runner.cleanup()
