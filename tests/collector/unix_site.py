"""Routes → a server on a unix socket, where a daemon is asked: its answers can be late or wrong, its socket is real."""

import atexit
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path

from aiohttp import web

_MOST_BYTES = 107  # of the path of a socket: unix(7)


@asynccontextmanager
async def serving(directory: Path, routes: Iterable[web.RouteDef]) -> AsyncIterator[str]:
    """Answer at `docker.sock` in the directory while the block lasts; gives the URL."""
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, socket_in(directory)).start()
    try:
        yield url_of(directory)
    finally:
        await runner.cleanup()


def url_of(directory: Path, name: str = "docker.sock") -> str:
    """The URL of what is served there, now or later."""
    return f"unix://{socket_in(directory, name)}"


def socket_in(directory: Path, name: str = "docker.sock") -> Path:
    """A socket's path in the directory. Where TMPDIR makes it too long for a socket, a short link leads there."""
    if len(os.fsencode(directory / name)) <= _MOST_BYTES:
        return directory / name
    link = Path("/tmp") / f"pilotfish-{blake2b(os.fsencode(directory), digest_size=8).hexdigest()}"
    if not link.is_symlink():
        link.symlink_to(directory)
        atexit.register(link.unlink, missing_ok=True)
    return link / name
