"""`/api/v1/search`, `histogram`, `facets`, `patterns`, `context`: what a searchable output answers.

The filter of who asks goes into each search (`Query.only`), so that counts and values are of what he may see, too.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import pairwise

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler
from msgspec import json, structs

from collector.errors import UNREADABLE, PilotfishError, QueryError
from collector.ports import Found, Query, Searchable
from collector.search import pipes
from collector.search.pipes import MOST_SLICES
from collector.search.scale import MOST_BUCKETS
from collector.text.times import iso
from collector.web import search_arguments
from collector.web.access import refusal
from collector.web.answers import FacetsAnswer, HistogramAnswer, PatternsAnswer, Slice, with_documents
from collector.web.arguments import known, number, one_of, text
from collector.web.rights import rights_of
from collector.web.v1 import patterns

NDJSON = "application/x-ndjson"
MOST_CONTEXT = 1000
MOST_LOOKED_AT = 10_000  # documents that patterns are found in
_MOST_PATTERNS = 500

Answer = Callable[[Searchable, web.Request], Awaitable[bytes]]


class NotThereError(Exception):
    """There is no such document, or none that may be seen: nobody is told which."""


class Searching:
    """The handlers; `searched` is None without an output that answers."""

    def __init__(self, searched: Searchable | None) -> None:
        self._searched = searched

    def handlers(self) -> dict[str, Handler]:
        """By the name of its route."""
        return {
            "v1/search": self.search,
            "v1/histogram": self._json(histogram),
            "v1/facets": self._json(facets),
            "v1/patterns": self._json(found_patterns),
            "v1/context": self._json(context),
        }

    async def search(self, request: web.Request) -> web.StreamResponse:
        """A page of documents; with `Accept: application/x-ndjson` one a line, and the rest in headers."""
        if NDJSON in request.headers.get(hdrs.ACCEPT, ""):
            return await answered(self._searched, lambda searched: _lines(searched, request))
        return await self._json(_page)(request)

    def _json(self, answer: Answer) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            async def made(searched: Searchable) -> web.Response:
                return web.Response(body=await answer(searched, request), content_type="application/json")

            return await answered(self._searched, made)

        return handler


async def answered(
    searched: Searchable | None, made: Callable[[Searchable], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What is made of the output that is searched, or the reason why nothing is."""
    if searched is None:
        return refusal(501, "search needs an output that can be searched", "add `local: {type: store}` to outputs")
    try:
        return await made(searched)
    except NotThereError:
        return refusal(404, "there is no such document", "it may have been removed for its age or the store's size")
    except QueryError as error:
        return refusal(400, error.cause, error.remedy)
    except PilotfishError as error:
        return refusal(503, error.cause, error.remedy)


async def _page(searched: Searchable, request: web.Request) -> bytes:
    found = await pipes.answer(searched, search_arguments.of_page(request))
    if isinstance(found, pipes.Table):
        return pipes.written(found)
    told = {"total": found.total, "cut": found.cut, "cursor": found.cursor, "start": found.start}
    return with_documents(told, found.documents)


async def _lines(searched: Searchable, request: web.Request) -> web.StreamResponse:
    found = await searched.search(search_arguments.of_page(request))
    headers = {"Pilotfish-Total": str(found.total), "Pilotfish-Cursor": found.cursor, "Pilotfish-Start": found.start}
    body = b"".join([document + b"\n" for document in found.documents])
    return web.Response(body=body, content_type=NDJSON, headers=headers)


async def histogram(searched: Searchable, request: web.Request) -> bytes:
    """How many documents there are by time, and by the values of a member."""
    asked = search_arguments.of_range(request, "buckets", "by")
    given = request.query
    asked = structs.replace(asked, buckets=max(1, number(given, "buckets", MOST_BUCKETS, "60")))
    name = text(given, "by")
    facet = (name,) if name else ()
    found = await searched.search(structs.replace(asked, facets=facet, values=MOST_SLICES))
    by = await pipes.counted_by(searched, asked, found, name) if name and found.histogram else {}
    interval = next((two.start - one.start for one, two in pairwise(found.histogram)), None)
    buckets = []
    for index, bucket in enumerate(found.histogram):
        counts = {value: counts[index] for value, counts in by.items() if counts[index]}
        if name and (rest := bucket.count - sum(counts.values())) > 0:
            counts[""] = rest
        buckets.append(Slice(start=iso(bucket.start), count=bucket.count, by=counts))
    seconds = None if interval is None else interval / 1e9
    return json.encode(HistogramAnswer(total=found.total, interval_seconds=seconds, buckets=buckets)) + b"\n"


async def facets(searched: Searchable, request: web.Request) -> bytes:
    """The values that most documents have."""
    asked = search_arguments.with_numbers(search_arguments.of_range(request, "facet", "values"), request)
    found = await searched.search(asked)
    return json.encode(FacetsAnswer(found.total, dict(found.facets))) + b"\n"


async def found_patterns(searched: Searchable, request: web.Request) -> bytes:
    """Messages that differ in numbers and ids alone, of the newest documents."""
    asked = search_arguments.of_range(request, "limit")
    most = number(request.query, "limit", _MOST_PATTERNS, "50")
    found = await searched.search(structs.replace(asked, limit=MOST_LOOKED_AT))
    told = await asyncio.to_thread(patterns.of, found.documents)
    answer = PatternsAnswer(looked_at=len(found.documents), total=found.total, patterns=told[:most])
    return json.encode(answer) + b"\n"


async def context(searched: Searchable, request: web.Request) -> bytes:
    """The documents around one: those of its container, or of all that may be seen.

    Raises:
        NotThereError: it is not there.
    """
    given = request.query
    known(given, {"id", "before", "after", "of"})
    before, after = (number(given, name, MOST_CONTEXT, "50") for name in ("before", "after"))
    of = one_of(given, "of", ("container", "all"))
    name, only = text(given, "id"), rights_of(request).only
    if not name:
        raise QueryError("id is missing", "send the `_id` of a document")
    asked = Query(ids=(name,), limit=1, sort="oldest", only=only)
    found = await searched.search(asked)
    if not found.documents:
        raise NotThereError
    around = structs.replace(asked, ids=(), most_bytes=search_arguments.MOST_BYTES // 2)
    if of == "container" and (container := _container(found.documents[0])):
        quoted = container.replace("\\", "\\\\").replace('"', '\\"')
        around = structs.replace(around, only=(*only, f'container:"{quoted}"'))
    none = Found(0, [])
    earlier = await searched.search(structs.replace(around, limit=before, before=found.start)) if before else none
    later = await searched.search(structs.replace(around, limit=after, after=found.start)) if after else none
    documents = [*earlier.documents, found.documents[0], *later.documents]
    return with_documents({"at": len(earlier.documents)}, documents)


def _container(document: bytes) -> str:
    """The name of its container; "" if it has none."""
    try:
        found = json.decode(document)["docker_container"]
    except (*UNREADABLE, KeyError):
        return ""
    return found if isinstance(found, str) else ""
