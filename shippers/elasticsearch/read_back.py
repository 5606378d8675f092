"""A segment → the ids of its documents that are in its index."""

from collections.abc import Collection
from urllib.parse import quote

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE, Unavailable
from collector.model import Segment

from .bulk import index_name
from .connection import Connection

_AT_ONCE = 1000


class _Hit(Struct):
    _id: str


class _Hits(Struct):
    hits: list[_Hit] = []


class _Answer(Struct):
    hits: _Hits


async def found(connection: Connection, pattern: str, segment: Segment) -> Collection[str]:
    """Search for them, after a refresh where the credentials allow one; else a document is found when the index does.

    Raises:
        Unavailable: the server cannot be asked.
        Unauthorized: the credentials may not read.
    """
    index = quote(index_name(pattern, segment.stream.target, segment.day))
    ids = list(segment.ids)
    await connection.request("POST", f"/{index}/_refresh")
    there: set[str] = set()
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        body = msgspec.json.encode({"query": {"ids": {"values": some}}, "size": len(some), "_source": False})
        answer = await connection.request("POST", f"/{index}/_search?ignore_unavailable=true", body)
        if answer.status != 200:
            raise connection.refusal(answer)
        try:
            there |= {hit._id for hit in msgspec.json.decode(answer.body, type=_Answer).hits.hits}
        except UNREADABLE:
            raise Unavailable("the answer to a search is none", "check what is in front of the server") from None
    return there
