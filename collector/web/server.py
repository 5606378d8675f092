"""Address and views → the HTTP port: `/metrics`, `/healthz`, `/readyz` for everyone, `/api/` behind the token."""

import asyncio
import errno
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from socket import gaierror
from typing import Any, cast

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.log import server_logger
from aiohttp.typedefs import Handler

from collector.errors import PilotfishError
from collector.state.places import LISTEN_VARIABLE, Address
from collector.telemetry.exposition import content_type
from collector.web import access
from collector.web.api import Api, Patience, Views
from collector.web.connection_limit import GONE_SECONDS, ConnectionLimit, notice_who_is_gone
from collector.web.dead_letters import DeadLettersApi
from collector.web.engine_metrics import engine_metrics
from collector.web.live_routes import RoutesApi
from collector.web.logs import Logs
from collector.web.pages import Pages, listed
from collector.web.routes import routes
from collector.web.tokens import Tokens
from collector.web.v1.table import v1_handlers

MOST_REQUEST_BYTES = 64 << 10  # no request of ours has a body
MOST_LINE_BYTES = 64 << 10  # of a request: a query of 4096 characters, each up to twelve bytes in a URL
MOST_HEADERS = 64  # of 8190 bytes each: what a connection may make us keep
IDLE_SECONDS = 20.0  # that one may take to ask, or be silent; longer than our own clients keep one (aiohttp: 15)
STOP_SECONDS = 1.0  # what answers under way get at a stop; tails are ended at once


@asynccontextmanager
async def serve(
    listen: Address, *, state_dir: Path, views: Views, patience: Patience | None = None
) -> AsyncIterator[Address]:
    """Show `views` while the block runs; gives the address with its real port.

    Raises:
        PilotfishError: the port cannot be had.
        StateError: the state directory cannot be used.
    """
    patience = patience or Patience()
    letters = DeadLettersApi(views.dead_letters, views.replays, patience)
    async with engine_metrics(views.engine_metrics) as engine:
        asked = Api(views, patience).handlers() | Logs(views, patience).handlers()
        changing = RoutesApi(views.routes).handlers() | letters.handlers()
        handlers = _open(views) | engine.handlers() | asked | changing | v1_handlers(views, patience)
        shown = routes("agent", handlers)
        async with listening(listen, shown, state_dir=state_dir, gone_seconds=patience.gone_seconds) as bound:
            try:
                yield bound
            finally:
                views.live.close()


@asynccontextmanager
async def listening(
    listen: Address, answered: Sequence[web.RouteDef], *, state_dir: Path, gone_seconds: int = GONE_SECONDS
) -> AsyncIterator[Address]:
    """Listen while the block runs; gives the address with its real port.

    The token is made in `state_dir` at the first start and the address is left there for the commands.

    Raises:
        PilotfishError: the port cannot be had.
        StateError: the state directory cannot be used.
    """
    app = web.Application(
        middlewares=[access.guard(access.token(state_dir), listen, Tokens(state_dir))],
        client_max_size=MOST_REQUEST_BYTES,
    )
    app.on_response_prepare.append(access.harden)
    app.add_routes(answered)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_Faults(server_logger),
        max_line_size=MOST_LINE_BYTES,
        max_headers=MOST_HEADERS,
        keepalive_timeout=IDLE_SECONDS,
        handler_cancellation=True,
        shutdown_timeout=STOP_SECONDS,
    )
    await runner.setup()
    try:
        async with _bound(runner, listen, gone_seconds) as port:
            bound = Address(listen.host, port)
            with access.announced(state_dir, bound):
                yield bound
    finally:
        await runner.cleanup()


class _Faults(logging.LoggerAdapter[logging.Logger]):
    """aiohttp's log without what clients do wrong: they get a 400, and anybody may send nonsense."""

    def log(self, level: int, msg: object, *args: object, **more: Any) -> None:
        if isinstance(more.get("exc_info"), HttpProcessingError):
            level = logging.DEBUG
        super().log(level, msg, *args, **more)


def _open(views: Views) -> dict[str, Handler]:
    pages = Pages()

    async def metrics(request: web.Request) -> web.StreamResponse:
        accept = listed(request, hdrs.ACCEPT)

        async def render() -> tuple[bytes, str]:
            return views.metrics(accept)

        return await pages.answer(request, content_type(accept), render)

    async def healthz(_: web.Request) -> web.Response:
        stuck = views.health()
        return web.Response(text=f"stuck: {stuck}\n" if stuck else "ok\n", status=503 if stuck else 200)

    async def readyz(_: web.Request) -> web.Response:
        reasons = views.not_ready()
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=503 if reasons else 200)

    return {"metrics": metrics, "healthz": healthz, "readyz": readyz}


@asynccontextmanager
async def _bound(runner: web.AppRunner, listen: Address, gone_seconds: int) -> AsyncIterator[int]:
    """Keep the port open while the block runs; gives its number.

    Raises:
        PilotfishError: it is taken, not permitted, or not an address of this machine.
    """
    limit = ConnectionLimit(cast("web.Server", runner.server))  # which `setup` has made
    try:
        server = await asyncio.get_running_loop().create_server(limit, listen.host or None, listen.port)
    except OSError as error:
        where = f"http.listen {listen}"
        if error.errno == errno.EADDRINUSE:
            remedy = f"stop it, or use another port: {LISTEN_VARIABLE}=127.0.0.1:9881, or http.listen in the file"
            raise PilotfishError(f"{where}: another program uses this port", remedy) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise PilotfishError(f"{where}: is not permitted", "use a port above 1023, or run as root") from None
        # from Python 3.13 on asyncio gives no number where no address of several could be had
        if error.errno in (errno.EADDRNOTAVAIL, None) or isinstance(error, gaierror):
            raise PilotfishError(f"{where}: is not an address of this machine", "use 127.0.0.1 or 0.0.0.0") from None
        raise PilotfishError(f"{where}: {error.strerror or error}", "use another address") from None
    notice_who_is_gone(server.sockets, gone_seconds)  # of them each connection takes it over
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
