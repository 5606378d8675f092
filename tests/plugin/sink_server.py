"""The server of `http_sink`: keeps lines of JSON by their `_id`, and misbehaves on order. A real one, by aiohttp."""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, Self

from aiohttp import web

_SHUTDOWN_SECONDS = 0.01  # 0 would wait for ever


class Fault(NamedTuple):
    """An answer instead of the true one; `is_cut`: the connection breaks; `hold`: not before it is set."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    is_cut: bool = False
    hold: asyncio.Event | None = None


class SinkServer:
    """An async context manager. `authorization` is asked for unless it is ""; `faults` are used up in their order."""

    def __init__(self, *, authorization: str = "", tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.authorization = authorization
        self.faults: deque[Fault] = deque()
        self.stored: dict[str, list[bytes]] = {}
        self.heads: list[Mapping[str, str]] = []
        self.targets: list[str] = []
        self.port = port
        self._tls = tls
        self._runner: web.ServerRunner | None = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(web.Server(self._handle), shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.targets.append(request.raw_path)
        self.heads.append({name.lower(): value for name, value in request.headers.items()})
        if self.authorization and request.headers.get("authorization") != self.authorization:
            return web.Response(status=401, text=f"not {request.headers.get('authorization')}")
        if not self.faults:
            return web.json_response(self._keep(body))
        fault = self.faults.popleft()
        if fault.hold:
            await fault.hold.wait()
        if fault.is_cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=fault.status, body=fault.body, headers=fault.headers)

    def _keep(self, body: bytes) -> dict[str, int]:
        """Each line begins with its id; the rest is what was sent."""
        known = 0
        lines = body.splitlines()
        for line in lines:
            head, _, rest = line.partition(b",")
            name = head.removeprefix(b'{"_id":"').removesuffix(b'"').decode()
            known += name in self.stored
            self.stored.setdefault(name, [b"{" + rest])
        return {"new": len(lines) - known, "known": known}
