"""Answers to a `_search` → hits, totals and values; and the errors of those that are none."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Raw, Struct

from collector.errors import UNREADABLE, PilotfishError, QueryError, Unauthorized, Unavailable
from collector.net.http_node import Answer
from collector.ports import Spread, Value

from .connection import Connection, words_of
from .searching import NANOSECONDS

MAY_READ = "grant the privilege `read` on the indices"

_Shape = TypeVar("_Shape", bound=Struct)

_Long = Annotated[int, Meta(ge=-(1 << 63), le=(1 << 63) - 1)]


class Place(Struct, array_like=True, frozen=True):
    """A document's place: what a cursor names. `id` is "" if nothing else is at its time and number."""

    time: _Long
    number: _Long
    index: str = ""
    id: str = ""


class Hit(Struct):
    """A document that was found; `sort` is its time and number."""

    sort: tuple[int, int]
    source: Raw = msgspec.field(name="_source")
    index: str = msgspec.field(name="_index")
    id: str = msgspec.field(name="_id")


class _Total(Struct):
    value: int


class Hits(Struct):
    """A page of them."""

    total: int | _Total = 0  # not told where it was not asked for
    hits: list[Hit] = []


class _Shards(Struct):
    total: int


class Result(Struct):
    """The answer to a `_search`."""

    hits: Hits
    shards: _Shards = msgspec.field(name="_shards")
    aggregations: dict[str, Any] = {}


class Capability(Struct):
    """What can be done with a field of one type."""

    aggregatable: bool = False


class Capabilities(Struct):
    """The answer to `_field_caps`: of each field, by type."""

    fields: dict[str, dict[str, Capability]] = {}


def decoded(connection: Connection, answer: Answer, shape: type[_Shape]) -> _Shape:
    """The answer of a server that took the request.

    Raises:
        QueryError: it did not, for what was asked.
        PilotfishError: it did not for another reason, or answers something else.
    """
    if answer.status == HTTPStatus.BAD_REQUEST:
        cause = f"{connection.name} cannot answer this search ({words_of(answer)})"
        raise QueryError(cause, "name the fields in the query, as in message:timeout, or ask for less")
    if answer.status != HTTPStatus.OK:
        raise _refusal(connection, answer)
    try:
        return msgspec.json.decode(answer.body, type=shape)
    except UNREADABLE:
        return _decoded_leniently(connection, answer, shape)


def _decoded_leniently(connection: Connection, answer: Answer, shape: type[_Shape]) -> _Shape:
    """As `decoded`, where a document holds what not every parser reads, such as half a character."""
    try:
        told = json.loads(answer.body)
        for hit in told["hits"]["hits"]:
            hit["_source"] = Raw(json.dumps(hit["_source"]).encode())
        return msgspec.convert(told, shape)
    except (*UNREADABLE, TypeError, KeyError):
        raise Unavailable(
            f"{connection.name} does not answer searches as Elasticsearch does",
            "search where the documents are, or add `local: {type: store}` to outputs",
        ) from None


def _refusal(connection: Connection, answer: Answer) -> PilotfishError:
    if answer.status == HTTPStatus.FORBIDDEN:
        return Unauthorized(f"{connection.name} does not permit this user to search ({words_of(answer)})", MAY_READ)
    return connection.refusal(answer)


def total_of(result: Result) -> int:
    """How many documents match."""
    total = result.hits.total
    return total if isinstance(total, int) else total.value


def values_of(told: dict[str, Any]) -> list[Value]:
    """The values that an aggregation has counted."""
    return [Value(_text(bucket), bucket["doc_count"]) for bucket in told.get("buckets", [])]


def spread_of(told: dict[str, Any], number: int) -> Spread | None:
    """What the aggregations over a member's numbers have found; None if there are none."""
    stats = told.get(f"stats{number}", {})
    if not stats.get("count"):
        return None
    percentiles = tuple(each["value"] for each in told[f"percentiles{number}"]["values"])
    return Spread(stats["count"], stats["min"], stats["max"], stats["avg"], percentiles)


def _text(bucket: dict[str, Any]) -> str:
    key = bucket["key"]
    if isinstance(key, float) and key.is_integer():
        key = int(key)
    return str(bucket.get("key_as_string", key))


def nanoseconds_of(told: dict[str, Any]) -> int | None:
    """The time that an aggregation has found."""
    value = told.get("value")
    return None if value is None else int(value) * NANOSECONDS


def in_order(hits: list[Hit], *, newest_first: bool) -> list[Hit]:
    """In the order of all documents, whichever shards they come from."""

    def place(hit: Hit) -> tuple[tuple[int, int], str, str]:
        return hit.sort, hit.index, hit.id

    return sorted(hits, key=place, reverse=newest_first)


def document_of(hit: Hit) -> bytes:
    """The document with its `_id` as the first member."""
    source = bytes(hit.source).lstrip()
    rest = source[1:].lstrip()
    return b'{"_id":%b%b%b' % (msgspec.json.encode(hit.id), b"" if rest.startswith(b"}") else b",", rest)


def size_of(hits: Iterable[Hit]) -> int:
    """Bytes of their documents."""
    return sum(len(hit.source) for hit in hits)


def is_whole(types: dict[str, Capability]) -> bool:
    """Whether the field can be counted, and found whole, in all indices."""
    return bool(types) and all(each.aggregatable for each in types.values())
