"""`/api/v1/export`: all documents of a search as a file, oldest first; `export/size` estimates how large it is.

It is read and sent page after page, so it needs no memory of its size; a client that takes nothing is cut off. Where
the output fails on the way the connection is cut, so that half a file does not look like a whole one.
"""

import asyncio
import csv
import io
import time
from collections.abc import AsyncIterator, Callable, Iterable
from typing import NamedTuple

import orjson
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import json, structs

from collector.documents.document import LEVELS, said
from collector.errors import UNREADABLE, PilotfishError
from collector.ports import Query, Searchable
from collector.text.escapes import visible
from collector.web import search_arguments
from collector.web.answers import SizeAnswer
from collector.web.api import Patience
from collector.web.arguments import one_of
from collector.web.rights import is_valid
from collector.web.v1.searching import answered

_PAGE = 1000
_SAMPLE = 500
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # with which a cell begins that a spreadsheet would run
_COLUMNS = ("time", "target", "container", "stream", "level", "message")


class Form(NamedTuple):
    """A form of the file: how it is named, and what a document is in it; `head` stands in front of all."""

    ending: str
    media: str
    render: Callable[[bytes], bytes]
    head: bytes = b""


class Export:
    """The handlers; `searched` is None without an output that answers."""

    def __init__(self, searched: Searchable | None, patience: Patience) -> None:
        self._searched = searched
        self._patience = patience

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {"v1/export": self.export, "v1/export_size": self.size}

    async def size(self, request: web.Request) -> web.StreamResponse:
        """How many documents it has, and bytes, by the newest of them."""

        async def made(searched: Searchable) -> web.Response:
            asked, form = _asked(request)
            found = await searched.search(structs.replace(asked, limit=_SAMPLE, sort="newest"))
            sample = [len(form.render(document)) for document in found.documents]
            size = found.total * sum(sample) // len(sample) if sample else 0
            return web.Response(body=json.encode(SizeAnswer(found.total, size)), content_type="application/json")

        return await answered(self._searched, made)

    async def export(self, request: web.Request) -> web.StreamResponse:
        """The file."""

        async def made(searched: Searchable) -> web.StreamResponse:
            asked, form = _asked(request)
            pages = _pages(searched, asked)
            first: list[bytes] = await anext(pages, [])  # an error is told as one
            return await self._sent(request, form, first, pages)

        return await answered(self._searched, made)

    async def _sent(
        self, request: web.Request, form: Form, first: list[bytes], pages: AsyncIterator[list[bytes]]
    ) -> web.StreamResponse:
        name = f'attachment; filename="pilotfish.{form.ending}"'
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: form.media, hdrs.CONTENT_DISPOSITION: name})
        await response.prepare(request)
        transport = request.transport
        try:
            await self._write(response, form.head + b"".join(map(form.render, first)))
            async for documents in pages:
                if not is_valid(request):
                    raise TimeoutError
                await self._write(response, b"".join(map(form.render, documents)))
            await response.write_eof()
        except ConnectionError:
            pass  # the client is gone
        except (TimeoutError, PilotfishError):
            if transport is not None:
                transport.abort()
        return response

    async def _write(self, response: web.StreamResponse, body: bytes) -> None:
        async with asyncio.timeout(self._patience.stall_seconds):
            await response.write(body)


def _asked(request: web.Request) -> tuple[Query, Form]:
    """The search, which ends now at the latest, and the form of the file."""
    asked = search_arguments.of_range(request, "format")
    form = FORMS[one_of(request.query, "format", tuple(FORMS))]
    until = time.time_ns() if asked.until is None else asked.until
    return structs.replace(asked, limit=_PAGE, sort="oldest", until=until), form


async def _pages(searched: Searchable, asked: Query) -> AsyncIterator[list[bytes]]:
    while True:
        found = await searched.search(asked)
        if found.documents:
            yield found.documents
        if not found.cursor:
            return
        asked = structs.replace(asked, after=found.cursor)


def _cells(document: bytes) -> list[str]:
    try:
        told = orjson.loads(document)
    except UNREADABLE:
        return ["", "", "", "", "", document.decode(errors="replace")]
    log = told.get("log")
    members = log if isinstance(log, dict) else {}
    level = next((str(value) for name in LEVELS if (value := members.get(name)) is not None), "")
    named = (told.get(name, "") for name in ("@timestamp", "@target", "docker_container", "stream"))
    return [*map(str, named), level, said(orjson.dumps(log).decode())]


def _text(document: bytes) -> bytes:
    time_, _, container, _, _, message = _cells(document)
    shown = "\\n".join(visible(line) for line in message.split("\n"))
    return f"{visible(time_)} {visible(container)} {shown}\n".encode(errors="replace")


def _csv(document: bytes) -> bytes:
    cells = (f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in _cells(document))
    return _row(cells)


def _row(cells: Iterable[str]) -> bytes:
    to = io.StringIO()
    csv.writer(to).writerow(cells)
    return to.getvalue().encode(errors="replace")


FORMS: dict[str, Form] = {
    "text": Form("txt", "text/plain; charset=utf-8", _text),
    "ndjson": Form("ndjson", "application/x-ndjson", lambda document: document + b"\n"),
    "csv": Form("csv", "text/csv; charset=utf-8", _csv, _row(_COLUMNS)),
}
