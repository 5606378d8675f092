"""The engine's own metrics, as it tells them at `metrics-addr` of its daemon.json → an answer, or why there is none."""

import asyncio
import time
from http import HTTPStatus
from typing import NamedTuple

import aiohttp
from aiohttp import hdrs

from collector.text.masking import mask_url

PATH = "/metrics/docker"  # where they are passed on
FIX = "check that `metrics-addr` is set in daemon.json, and that this address is reachable from here"
_ANSWER_SECONDS = 5.0
_MOST_BYTES = 16 << 20
_TEXT = "text/plain; version=0.0.4; charset=utf-8"


class Answer(NamedTuple):
    """`when` is of the monotonic clock; a status that is not 200 comes with a text that says why."""

    when: float
    status: int
    body: bytes
    content_type: str


async def ask(url: str, session: aiohttp.ClientSession) -> Answer:
    """What the engine says now, or why it says nothing."""
    try:
        async with (
            asyncio.timeout(_ANSWER_SECONDS),
            session.get(url, headers={hdrs.ACCEPT: _TEXT}, allow_redirects=False) as answer,
        ):
            body = await answer.content.read(_MOST_BYTES + 1)
            while len(body) <= _MOST_BYTES and not answer.content.at_eof():
                body += await answer.content.read(_MOST_BYTES + 1 - len(body))
            if answer.status == HTTPStatus.OK and len(body) <= _MOST_BYTES:
                content_type = answer.headers.get(hdrs.CONTENT_TYPE, _TEXT)
                return Answer(time.monotonic(), answer.status, body, content_type)
            why = f"status {answer.status}" if len(body) <= _MOST_BYTES else f"more than {_MOST_BYTES >> 20} MiB"
    except TimeoutError:
        why = f"no answer within {_ANSWER_SECONDS:.0f} s"
    except (aiohttp.ClientError, OSError) as error:
        why = str(error) or type(error).__name__
    text = mask_url(f"the Docker engine's metrics at {url} cannot be fetched ({why}): {FIX}\n")
    return Answer(time.monotonic(), HTTPStatus.BAD_GATEWAY, text.encode(), "text/plain; charset=utf-8")
