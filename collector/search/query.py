"""What a search asks for and what it finds; and the seam of the outputs that answer one."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct


class Query(Struct, frozen=True, kw_only=True):
    """A search: `text` in the language of `collector.search`, times in nanoseconds since 1970 (`until` is exclusive).

    `after` and `before` are cursors of an answer to the same search: give what follows, or what precedes, in the order
    of `sort`. `buckets`: so many times at most are counted by. `facets`: members, named as in `text`, of which the
    `values` that most documents have are counted. `only` are further texts that every document has to match, such as
    the filter of a token; `ids` are the `_id`s that are looked for, none: all.
    """

    text: str = ""
    target: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 20
    most_bytes: int = 1 << 50
    sort: Literal["newest", "oldest"] = "newest"
    after: str = ""
    before: str = ""
    buckets: int = 0
    facets: tuple[str, ...] = ()
    values: int = 10
    only: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


class Bucket(Struct, frozen=True):
    """How many documents there are from `start`, in nanoseconds since 1970, until the next bucket begins."""

    start: int
    count: int


class Value(Struct, frozen=True):
    """A value of a member, and how many documents have it."""

    value: str
    count: int


class Found(Struct, frozen=True):
    """The answer: how many documents match, and `limit` of them in the order asked for, each with its `_id`.

    Where they have more than `most_bytes`, `cut` is set and there are fewer, one at least. `cursor` is for `after`, ""
    when nothing follows; `start` is for `before`. The `histogram` and the `facets` are of all documents that match.
    """

    total: int
    documents: list[bytes]
    cut: bool = False
    cursor: str = ""
    start: str = ""
    histogram: Sequence[Bucket] = ()
    facets: Mapping[str, Sequence[Value]] = {}


@runtime_checkable
class Searchable(Protocol):
    """An output that answers searches."""

    async def search(self, query: Query) -> Found:
        """Find documents; what was acknowledged two seconds ago is found.

        Raises:
            QueryError: the text is not of the language, a cursor is none, or it cannot be answered.
            PilotfishError: the output cannot answer now.
        """
        ...
