"""What a search asks for and what it finds; and the seam of the outputs that answer one."""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct


class Query(Struct, frozen=True, kw_only=True):
    """A search: `text` in the language of `collector.search`, times in nanoseconds since 1970 (`until` is exclusive).

    `after` and `before` are cursors of an answer to the same search: give what follows, or what precedes, in the order
    of `sort`. `buckets`: so many times at most are counted by. `facets`: members, named as in `text`, of which the
    `values` that most documents have are counted. `percentiles`: members of the line whose numbers are told. `only` are
    further texts that every document has to match, such as the filter of a token; `ids` are the `_id`s that are looked
    for, none: all.
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
    percentiles: tuple[str, ...] = ()


class Bucket(Struct, frozen=True):
    """How many documents there are from `start`, in nanoseconds since 1970, until the next bucket begins."""

    start: int
    count: int


class Value(Struct, frozen=True):
    """A value of a member, and how many documents have it."""

    value: str
    count: int


PERCENTS = (50, 90, 95, 99)


class Spread(Struct, frozen=True):
    """The numbers that a member has: how many, the least, the most, their mean, a percentile for each of `PERCENTS`.

    Of so many percent of them none is above the percentile, which is right to half a percent of it.
    """

    count: int
    least: float
    most: float
    mean: float
    percentiles: tuple[float, ...]


class Found(Struct, frozen=True):
    """The answer: how many documents match, and `limit` of them in the order asked for, each with its `_id`.

    Where they have more than `most_bytes`, `cut` is set and there are fewer, one at least. `cursor` is for `after`, ""
    when nothing follows; `start` is for `before`. The `histogram`, the `facets` and the `percentiles` are of all
    documents that match; of a member without numbers there are none.
    """

    total: int
    documents: list[bytes]
    cut: bool = False
    cursor: str = ""
    start: str = ""
    histogram: Sequence[Bucket] = ()
    facets: Mapping[str, Sequence[Value]] = {}
    percentiles: Mapping[str, Spread] = {}


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
