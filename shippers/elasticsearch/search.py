"""A search → `_search` requests → a page of documents, a histogram, and how often values of members occur.

Documents are ordered by `@timestamp`, to the millisecond, then by `_seq_no`: every server from 6.4 on can sort by it
(from 8 on none may sort by `_id`; points in time came with 7.10). It is unique in a shard; so documents of several
shards that have both alike are ordered here, by index and id.
"""

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Raw, structs

from collector.documents.form import Form
from collector.errors import QueryError, Unauthorized, Unavailable
from collector.model import within
from collector.ports import Bucket, Found, Query
from collector.search import cursor, language
from collector.search.scale import scale

from .connection import Connection
from .search_answers import (
    MAY_READ,
    Capabilities,
    Hit,
    Place,
    Result,
    decoded,
    document_of,
    in_order,
    is_whole,
    nanoseconds_of,
    size_of,
    spread_of,
    total_of,
    values_of,
)
from .searching import TIME, Body, filter_of, numbers_of, time_between, times_of, trusted_names
from .templates import indices_of

_HITS = 100  # of the first request; later ones ask for more while they are small
_MOST_HITS = 1000
_LEAST_HITS = 2  # of which one says whether more are of the same place
_ANSWER_BYTES = 8 << 20
_MOST_ANSWER_BYTES = 64 << 20  # where two documents have more than that
_SHARD_VALUES = 1000  # that each shard counts, so that the sums are right
_GROUP = 10_000  # shards in which documents of one time may have one number


class Search:
    """Answers searches (`collector.ports.Searchable`) about the indices named by `index`, of documents in `form`."""

    def __init__(self, connection: Connection, index: str, form: Form) -> None:
        self._connection = connection
        self._index = index
        self._form = form

    async def search(self, query: Query) -> Found:
        """Find documents.

        Raises:
            QueryError: the text is not of the language, a cursor is none, or the server cannot answer it.
            Unauthorized: the credentials are refused, or may not read.
            Unavailable: the server cannot be asked, or does not know searches.
        """
        asked = [language.parsed(text) for text in (query.text, *query.only)]
        place = cursor.read(query.before or query.after, Place) if query.before or query.after else None
        search = _Search(self._connection, indices_of(self._index, query.target), query, self._form)
        return await search.found(asked, place)

    async def aclose(self) -> None:
        """Close the connections; may be called twice."""
        await self._connection.aclose()


class _Search:
    """One search."""

    def __init__(self, connection: Connection, indices: str, query: Query, form: Form) -> None:
        self._connection = connection
        self._indices = indices
        self._query = query
        self._form = form
        self._target = form.field("@target", is_trusted=True)
        self._fields: dict[str, str | None] = {}
        self._types: dict[str, set[str]] = {}
        self._only_words: set[str] = set()  # members of which no whole values can be counted
        self._filter: list[Body] = []

    async def found(self, asked: Sequence[language.Asked], place: Place | None) -> Found:
        query = self._query
        names = (name for each in asked for name in trusted_names(each))
        trusted = (self._form.field(name, is_trusted=True) for name in names)
        await self._learn_fields(
            [*trusted, *(self._field(name) for name in (*query.facets, *query.percentiles)), self._target]
        )
        self._see_that_they_hold(asked[1:])
        self._filter = self._filters(asked)
        told = await self._numbers()
        total = told.total
        is_back = bool(query.before)
        newest_first = (query.sort == "newest") != is_back
        limit = max(0, query.limit)
        hits = await self._page(place, limit + 1, newest_first=newest_first) if limit and total else []
        documents = within(query.most_bytes, (document_of(hit) for hit in hits[:limit]), len)
        given = hits[: len(documents)]
        near, far = _ends(given, hits[len(given) :])
        if is_back:
            documents.reverse()
        has_more = is_back or len(hits) > len(given)
        return structs.replace(
            told,
            documents=documents,
            cut=len(documents) < len(hits[:limit]),
            cursor=(near if is_back else far) if has_more else "",
            start=far if is_back else near,
        )

    def _see_that_they_hold(self, only: Sequence[language.Asked]) -> None:
        """What every document has to match is matched by whole values: words of one let others through.

        Raises:
            Unavailable: an index has only the words of such a member.
        """
        for name in (name for each in only for name in trusted_names(each)):
            if self._form.field(name, is_trusted=True) in self._only_words:
                raise Unavailable(
                    f"{self._connection.name} cannot filter by `{name}`: an index has only the words of it",
                    "run `pilotfish setup`; it applies to new indices",
                )

    def _filters(self, asked: Sequence[language.Asked]) -> list[Body]:
        """Documents of ours alone: others' indices may have such names, too."""
        query = self._query
        found: list[Body] = [{"exists": {"field": TIME}}, {"exists": {"field": self._target}}]
        found += [filter_of(each, self._form, self._whole_member) for each in asked]
        if query.ids:
            found.append({"ids": {"values": [language.whole(each) for each in query.ids if each]}})  # none is ""
        if query.target is not None:
            found.append({"term": {self._whole(self._target): {"value": language.whole(query.target)}}})
        if query.since is not None or query.until is not None:
            found.append(time_between(query.since, query.until))
        return found

    # ------------------------------------------------------------------ fields

    async def _learn_fields(self, names: Iterable[str]) -> None:
        """By which field each member can be counted and found whole: without our templates text has another for it."""
        wanted, flat = sorted(set(names)), self._form.flat
        fields = [each for name in wanted for each in (name, f"{name}.keyword")]
        asked = ",".join(quote(each, safe="") for each in (*fields, *([flat] if flat else [])))
        target = f"/{self._indices}/_field_caps?fields={asked}&ignore_unavailable=true&allow_no_indices=true"
        answer = await self._connection.request("GET", target)
        known = decoded(self._connection, answer, Capabilities).fields
        for name in wanted:
            self._types[name] = {*known.get(name, {})}
            usable = (each for each in (name, f"{name}.keyword") if is_whole(known.get(each, {})))
            self._fields[name] = next(usable, None)
            if self._fields[name] is None and "text" in known.get(name, {}):
                self._only_words.add(name)
            if flat and name.startswith(f"{flat}.") and is_whole(known.get(flat, {})):  # what is below is not told
                self._fields[name] = name

    def _whole(self, field: str) -> str:
        return self._fields.get(field) or field

    def _whole_member(self, name: str) -> str:
        return self._whole(self._form.field(name, is_trusted=True))

    def _field(self, name: str) -> str:
        path, is_trusted = language.member(name)
        return self._form.field(path, is_trusted=is_trusted)

    # ------------------------------------------------------------------ numbers

    async def _numbers(self) -> Found:
        """All but the documents."""
        query = self._query
        aggregations: dict[str, Body] = {}
        for number, name in enumerate(query.facets):
            if self._field(name) in self._only_words:
                raise QueryError(
                    f"the values of `{name}` cannot be counted: its index has only the words of it",
                    "run `pilotfish setup` with profile search; it applies to new indices",
                )
            if (field := self._fields.get(self._field(name))) is not None:
                terms = {"field": field, "size": query.values, "shard_size": _SHARD_VALUES + query.values}
                aggregations[f"facet{number}"] = {"terms": terms}
        for number, name in enumerate(query.percentiles):
            aggregations |= numbers_of(name, self._field(language.numeric(name)), self._types, self._form, number)
        if query.buckets:
            aggregations |= {"first": {"min": {"field": TIME}}, "last": {"max": {"field": TIME}}}
        result = await self._counted(aggregations)
        total = total_of(result)
        if not total:
            await self._see_that_it_may_read(result)
        told = result.aggregations
        facets = {name: values_of(told.get(f"facet{number}", {})) for number, name in enumerate(query.facets)}
        spreads = ((name, spread_of(told, number)) for number, name in enumerate(query.percentiles))
        percentiles = {name: spread for name, spread in spreads if spread is not None}
        histogram = await self._histogram(told, total) if query.buckets else []
        return Found(total, [], histogram=histogram, facets=facets, percentiles=percentiles)

    async def _histogram(self, edges: dict[str, Any], total: int) -> list[Bucket]:
        since, until = self._query.since, self._query.until
        first = max(0, since) if since is not None else nanoseconds_of(edges.get("first", {}))
        last = until - 1 if until is not None else nanoseconds_of(edges.get("last", {}))
        if first is None or last is None or last < first:
            return []
        starts = scale(first, last, self._query.buckets).starts
        if len(starts) == 1:
            return [Bucket(starts[0], total)]
        result = await self._counted({"times": times_of(starts)})
        buckets = result.aggregations.get("times", {}).get("buckets", [])
        counts = [bucket["doc_count"] for bucket in buckets] or [0] * len(starts)
        return [Bucket(start, count) for start, count in zip(starts, counts, strict=True)]

    async def _counted(self, aggregations: dict[str, Body]) -> Result:
        return await self._ask({"size": 0, "track_total_hits": True, "aggs": aggregations}, self._filter)

    async def _see_that_it_may_read(self, result: Result) -> None:
        """A server hides the indices that a user may not read: then nothing is found, and nothing is refused.

        Raises:
            Unauthorized: the user may not.
        """
        if result.shards.total:
            return
        body = {"index": [{"names": [self._indices], "privileges": ["read"]}]}
        answer = await self._connection.request("POST", "/_security/user/_has_privileges", msgspec.json.encode(body))
        if answer.status == HTTPStatus.OK and b'"has_all_requested":false' in answer.body:
            raise Unauthorized(
                f"{self._connection.name} permits this user to read no index `{self._indices}`", MAY_READ
            )

    # ------------------------------------------------------------------ a page

    async def _page(self, after: Place | None, limit: int, *, newest_first: bool) -> list[Hit]:
        """The first hits behind this place, in order, and no more than the bound of bytes needs."""
        found: list[Hit] = []
        behind: tuple[int, int] | None = None
        if after is not None:
            behind = after.time, after.number
            if after.id:
                found = await self._group(after, newest_first=newest_first)
        left = self._query.most_bytes - size_of(found)
        size, bound = _HITS, _ANSWER_BYTES
        while len(found) < limit and left >= 0:
            size = max(_LEAST_HITS, min(size, limit - len(found) + 1))
            result = await self._sorted(size, behind, newest_first=newest_first, most_bytes=bound)
            if result is None:
                if size == _LEAST_HITS and bound == _MOST_ANSWER_BYTES:
                    raise Unavailable(
                        f"{self._connection.name} gives documents that are too large", "narrow the search"
                    )
                bound = _MOST_ANSWER_BYTES if size == _LEAST_HITS else bound
                size //= 4
                continue
            hits = result.hits.hits
            is_last = len(hits) < size
            whole = hits if is_last else [hit for hit in hits if hit.sort != hits[-1].sort]
            if not whole and not is_last:
                whole = await self._group(Place(*hits[-1].sort), newest_first=newest_first)
            found += in_order(whole, newest_first=newest_first)
            left -= size_of(whole)
            if is_last:
                break
            behind = whole[-1].sort
            size = min(2 * size, _MOST_HITS)
        return found[:limit]

    async def _sorted(
        self, size: int, behind: tuple[int, int] | None, *, newest_first: bool, most_bytes: int
    ) -> Result | None:
        order = "desc" if newest_first else "asc"
        body: Body = {
            "size": size,
            "track_total_hits": False,
            "sort": [
                {TIME: {"order": order, "unmapped_type": "date"}},
                {"_seq_no": {"order": order, "unmapped_type": "long"}},
            ],
        }
        if behind is not None:
            body["search_after"] = behind
        return await self._ask_for_hits(body, self._filter, most_bytes)

    async def _group(self, place: Place, *, newest_first: bool) -> list[Hit]:
        """All hits of a time and a number, in order; only those behind the place if that names a document."""
        exact = [{"term": {TIME: place.time}}, {"term": {"_seq_no": place.number}}]
        body: Body = {"size": _GROUP, "sort": [{TIME: {"order": "asc", "unmapped_type": "date"}}, {"_seq_no": "asc"}]}
        result = await self._ask_for_hits(body, [*self._filter, *exact], _MOST_ANSWER_BYTES)
        if result is None:
            raise Unavailable(f"{self._connection.name} gives documents that are too large", "narrow the search")
        hits = in_order(result.hits.hits, newest_first=newest_first)
        if not place.id:
            return hits
        last = place.index, place.id
        return [hit for hit in hits if ((hit.index, hit.id) < last if newest_first else (hit.index, hit.id) > last)]

    # ------------------------------------------------------------------ requests

    async def _ask(self, body: Body, filters: Sequence[Body]) -> Result:
        result = await self._ask_for_hits(body, filters, _ANSWER_BYTES)
        if result is None:
            raise Unavailable(f"{self._connection.name} gives an answer that is too large", "narrow the search")
        return result

    async def _ask_for_hits(self, body: Body, filters: Sequence[Body], most_bytes: int) -> Result | None:
        """The answer, its documents as they were shipped; None if it is larger than that."""
        target = f"/{self._indices}/_search?ignore_unavailable=true&allow_partial_search_results=false"
        asked = msgspec.json.encode({**body, "query": {"bool": {"filter": filters}}})
        answer = await self._connection.search(target, asked, most_bytes)
        if answer is None:
            return None
        result = decoded(self._connection, answer, Result)
        for hit in result.hits.hits:
            hit.source = Raw(self._form.read(bytes(hit.source)))
        return result


def _ends(given: Sequence[Hit], rest: Sequence[Hit]) -> tuple[str, str]:
    """Cursors of the first and of the last hit; "" where there is none."""
    if not given:
        return "", ""
    first, last = ((*hit.sort, hit.index, hit.id) for hit in (given[0], given[-1]))
    is_alone = bool(rest) and rest[0].sort != given[-1].sort  # all of its time and number were given
    return cursor.written(Place(*first)), cursor.written(Place(*last[:2]) if is_alone else Place(*last))
