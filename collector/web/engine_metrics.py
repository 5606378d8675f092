"""`/metrics/docker`: the engine's own metrics, passed through: a daemon on loopback can be scraped from outside.

The engine listens where `metrics-addr` in its daemon.json says; the answer is kept for a moment, so that several
scrapers ask it once, and one that hangs or has no end holds up nobody.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from collector.text.masking import mask_url
from collector.web.pages import Pages

PATH = "/metrics/docker"
FIX = "check that `metrics-addr` is set in daemon.json, and that this address is reachable from here"
_KEEP_SECONDS = 5.0
_ANSWER_SECONDS = 5.0
_MOST_BYTES = 16 << 20
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    """`when` is of the monotonic clock; a status that is not 200 comes with a text that says why."""

    when: float
    status: int
    body: bytes
    content_type: str


class EngineMetrics:
    """The handler. `url` None: nobody said where they are."""

    def __init__(self, url: str | None, session: aiohttp.ClientSession) -> None:
        self._url = url
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
            text = "the address of the Docker engine's metrics is not set: set inputs.docker.metrics_url\n"
            return web.Response(text=text, status=404)
        async with self._asking:
            if self._answer is None or time.monotonic() - self._answer.when > _KEEP_SECONDS:
                self._answer = await self.ask(self._url)
        answer = self._answer
        if answer.status != HTTPStatus.OK:
            return web.Response(
                body=answer.body, status=answer.status, headers={hdrs.CONTENT_TYPE: answer.content_type}
            )

        async def render() -> tuple[bytes, str]:
            return answer.body, answer.content_type

        return await self._pages.answer(request, answer.content_type, render)

    async def ask(self, url: str) -> Answer:
        """What the engine says now, or why it says nothing."""
        try:
            async with (
                asyncio.timeout(_ANSWER_SECONDS),
                self._session.get(url, headers={hdrs.ACCEPT: _TEXT}, allow_redirects=False) as answer,
            ):
                body = await answer.content.read(_MOST_BYTES + 1)
                while len(body) <= _MOST_BYTES and not answer.content.at_eof():
                    body += await answer.content.read(_MOST_BYTES + 1 - len(body))
                if answer.status == web.HTTPOk.status_code and len(body) <= _MOST_BYTES:
                    content_type = answer.headers.get(hdrs.CONTENT_TYPE, _TEXT)
                    return Answer(time.monotonic(), answer.status, body, content_type)
                why = f"status {answer.status}" if len(body) <= _MOST_BYTES else f"more than {_MOST_BYTES >> 20} MiB"
        except TimeoutError:
            why = f"no answer within {_ANSWER_SECONDS:.0f} s"
        except (aiohttp.ClientError, OSError) as error:
            why = str(error) or type(error).__name__
        text = mask_url(f"the Docker engine's metrics at {url} cannot be fetched ({why}): {FIX}\n")
        return Answer(time.monotonic(), web.HTTPBadGateway.status_code, text.encode(), "text/plain; charset=utf-8")


@asynccontextmanager
async def engine_metrics(url: str | None) -> AsyncIterator[EngineMetrics]:
    """The handler, while the block lasts."""
    async with aiohttp.ClientSession() as session:
        yield EngineMetrics(url, session)
