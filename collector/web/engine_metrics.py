"""`/metrics/docker`: the engine's own metrics, passed through: a daemon on loopback can be scraped from outside.

The engine listens where `metrics-addr` in its daemon.json says; the answer is kept for a moment, so that several
scrapers ask it once, and one that hangs or has no end holds up nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector.docker.engine_metrics import Answer, ask
from collector.web.pages import Pages

_KEEP_SECONDS = 5.0


class EngineMetrics:
    """The handler. `urls` has where they are by the option that says so, None where it does not; the first is asked."""

    def __init__(self, urls: Mapping[str, str | None], session: aiohttp.ClientSession) -> None:
        self._url = next(filter(None, urls.values()), None)
        self._fix = f"set {' or '.join(urls)}" if urls else "no input has an engine"
        self._session = session
        self._answer: Answer | None = None
        self._asking = asyncio.Lock()
        self._pages = Pages()

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {"engine_metrics": self.metrics}

    async def metrics(self, request: web.Request) -> web.StreamResponse:
        """What the engine says; 404 without an address, 502 if it does not answer."""
        if self._url is None:
            text = f"the address of the Docker engine's metrics is not set: {self._fix}\n"
            return web.Response(text=text, status=404)
        async with self._asking:
            if self._answer is None or time.monotonic() - self._answer.when > _KEEP_SECONDS:
                self._answer = await ask(self._url, self._session)
        answer = self._answer
        if answer.status != HTTPStatus.OK:
            return web.Response(
                body=answer.body, status=answer.status, headers={hdrs.CONTENT_TYPE: answer.content_type}
            )

        async def render() -> tuple[bytes, str]:
            return answer.body, answer.content_type

        return await self._pages.answer(request, answer.content_type, render)


@asynccontextmanager
async def engine_metrics(urls: Mapping[str, str | None]) -> AsyncIterator[EngineMetrics]:
    """The handler, while the block lasts."""
    async with aiohttp.ClientSession() as session:
        yield EngineMetrics(urls, session)
