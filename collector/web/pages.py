"""A rendered page → answers: gzipped where that is asked for, and shared while somebody does not take his.

A page of numbers has megabytes on a large host. Whoever asks for it and reads slowly, or not at all, holds one; for a
few seconds all who ask get the same one, so that many of them hold no more.
"""

import asyncio
import gzip
import time
from collections import Counter
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from msgspec import Struct

SHARED_SECONDS = 5.0
_LEVEL = 1  # 5 MB in 34 ms, to 35 %; level 6 takes 86 ms, to 33 %
LEAST_BYTES = 1024  # less is not worth it

Render = Callable[[], Awaitable[tuple[bytes, str]]]


class _Page(Struct):
    """`when` is of the monotonic clock."""

    when: float
    body: bytes
    content_type: str
    encoding: str


class Pages:
    """The renders of one page, by what was asked for."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, bool], _Page] = {}
        self._takers: Counter[tuple[str, bool]] = Counter()  # who waits for one, or has not taken all of it yet
        self._rendering = asyncio.Lock()

    @property
    def held(self) -> int:
        """How many pages are not taken yet."""
        return len(self._held)

    async def answer(self, request: web.Request, form: str, render: Render) -> web.StreamResponse:
        """Send the page; `form` tells its kinds apart, `render` gives body and content type."""
        key = form, takes_gzip(listed(request, hdrs.ACCEPT_ENCODING))
        self._takers[key] += 1
        try:
            async with self._rendering:
                page = self._held.get(key)
                if page is None or time.monotonic() - page.when > SHARED_SECONDS:
                    page = self._held[key] = await _rendered(render, zipped=key[1])
            return await _sent(request, page)
        finally:
            self._takers[key] -= 1
            if not self._takers[key]:
                self._held.pop(key, None)


def listed(request: web.Request, header: str) -> str:
    """A header that lists something: all of it, if it came in several."""
    return ", ".join(request.headers.getall(header, []))


def takes_gzip(accepted: str) -> bool:
    """Whether an Accept-Encoding header lets us send gzip."""
    for entry in accepted.lower().split(","):
        coding, *parameters = (part.strip() for part in entry.split(";"))
        weights = [one.removeprefix("q=").strip() for one in parameters if one.startswith("q=")]
        if coding in ("gzip", "x-gzip"):
            return not weights or weights[0].strip("0.") != ""
    return False


async def _rendered(render: Render, *, zipped: bool) -> _Page:
    body, content_type = await render()
    if not zipped or len(body) < LEAST_BYTES:
        return _Page(time.monotonic(), body, content_type, "")
    return _Page(time.monotonic(), await asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0), content_type, "gzip")


async def _sent(request: web.Request, page: _Page) -> web.Response:
    headers = {hdrs.CONTENT_TYPE: page.content_type, hdrs.VARY: "Accept, Accept-Encoding"}
    response = web.Response(
        body=page.body, headers=headers | ({hdrs.CONTENT_ENCODING: page.encoding} if page.encoding else {})
    )
    writer = await response.prepare(request)
    if writer is not None:
        writer.send_headers()  # by themselves: with them a copy of the page would be made for each client
    await response.write_eof()
    return response
