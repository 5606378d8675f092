"""The query string of a request, and who asks → a search."""

from aiohttp import web
from msgspec import structs

from collector.errors import QueryError
from collector.ports import Query
from collector.search.scale import MOST_BUCKETS
from collector.web.arguments import MOST_TEXT, known, limit, moment_of, number, one_of, text
from collector.web.rights import rights_of

MOST_FACETS = 10
MOST_VALUES = 100  # of each
MOST_BYTES = 8 << 20  # of the documents that a search gives
RANGE = {"q", "target", "since", "until"}
PAGE = {"limit", "sort", "after", "before"}


def of_range(request: web.Request, *more: str) -> Query:
    """What `q`, `target`, `since` and `until` say, of the lines that may be seen; no document is asked for.

    Raises:
        QueryError: one of them is not what it should be, or an argument that is neither of them nor of `more` is given.
    """
    given = request.query
    known(given, RANGE | set(more))
    return Query(
        text=text(given, "q"),
        target=given.get("target") or None,
        since=moment_of(given, "since"),
        until=moment_of(given, "until"),
        limit=0,
        most_bytes=MOST_BYTES,
        only=rights_of(request).only,
    )


def of_page(request: web.Request, *more: str) -> Query:
    """As `of_range`, with the page that `limit`, `sort`, `after` and `before` say.

    Raises:
        QueryError: one of them is not what it should be.
    """
    given = request.query
    asked = of_range(request, *PAGE, *more)
    if given.get("after") and given.get("before"):
        raise QueryError("after and before exclude each other", "send one cursor")
    return structs.replace(
        asked,
        limit=limit(given),
        sort=one_of(given, "sort", ("newest", "oldest")),
        after=text(given, "after"),
        before=text(given, "before"),
    )


def with_numbers(asked: Query, request: web.Request) -> Query:
    """The same with what `buckets`, `facet` and `values` say.

    Raises:
        QueryError: one of them is not what it should be.
    """
    given = request.query
    facets = tuple(dict.fromkeys(given.getall("facet", [])))
    if len(facets) > MOST_FACETS or any(len(name) > MOST_TEXT for name in facets):
        raise QueryError(f"facet: more than {MOST_FACETS}, or longer than {MOST_TEXT} characters", "ask for less")
    return structs.replace(
        asked,
        buckets=number(given, "buckets", MOST_BUCKETS, "0"),
        facets=facets,
        values=number(given, "values", MOST_VALUES, "10"),
    )
