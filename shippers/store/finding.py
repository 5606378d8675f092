"""A search → what the days hold of it: a page of documents, a histogram, and how often values of members occur.

Documents of equal time are in the order of their lines: tantivy orders them by where they lie, which changes when parts
of an index are merged, and a page that follows another must not give one twice, or none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cached_property
from heapq import nlargest, nsmallest
from itertools import groupby

import msgspec
import tantivy
from msgspec import Struct
from tantivy import Occur

from collector.errors import UNREADABLE
from collector.model import within
from collector.ports import Bucket, Found, Query, Value
from collector.search import cursor, language
from collector.search.scale import scale

from .day import Hit, View
from .schema import MAX_TIME, leaves, members_of, text_of
from .syntax import all_of, any_of, compiled, holds, id_is, target_is, time_between, value_is

_AT_ONCE = 1000  # documents of equal time that are looked at together
_MOST_VALUES = 200  # of a member that are counted
_VALUE_CHARACTERS = 256
_BEFORE_ID = b'{"_id":'
_FIRST_TEXT = re.compile(rb'"(?:[^"\\]|\\.)*"')
_LOOKS = 50  # documents in which a value is looked for that is not known yet

_Name = tuple[str, int, str]


class _Place(Struct, array_like=True):
    """A document's place: what a cursor names."""

    time: int
    id: str


def find(views: Sequence[View], query: Query) -> Found:
    """What is asked for, of the days as they are seen, newest first.

    Raises:
        QueryError: the text is not of the language, or the cursor is none.
        StateError: a day cannot be read.
    """
    search = _Search(views, query)
    return search.found()


class _Search:
    def __init__(self, views: Sequence[View], query: Query) -> None:
        wanted = [compiled(text) for text in (query.text, *query.only)]
        if query.ids:
            wanted.append(id_is(query.ids))
        if query.target is not None:
            wanted.append(target_is(query.target))
        if query.since is not None or query.until is not None:
            wanted.append(time_between(query.since, query.until))
        self._views = views
        self._query = query
        self._wanted = all_of(wanted)

    def found(self) -> Found:
        query = self._query
        is_back = bool(query.before)
        place = cursor.read(query.before or query.after, _Place) if query.before or query.after else None
        newest_first = (query.sort == "newest") != is_back
        limit = max(0, query.limit)
        hits = self._page(place, limit + 1, newest_first=newest_first) if limit else []
        has_more = is_back or len(hits) > limit
        documents = within(query.most_bytes, (hit.view.source(hit) for hit in hits[:limit]), len)
        is_cut = len(documents) < len(hits[:limit])
        places = [_Place(hit.time, _id_of(document)) for hit, document in zip(hits, documents, strict=False)]
        if is_back:
            documents.reverse()
            places.reverse()
        return Found(
            self._total,
            documents,
            cut=is_cut,
            cursor=cursor.written(places[-1]) if places and (has_more or is_cut) else "",
            start=cursor.written(places[0]) if places else "",
            histogram=self._histogram() if query.buckets else [],
            facets={name: self._facet(name) for name in query.facets},
        )

    @cached_property
    def _total(self) -> int:
        return sum(view.count(self._wanted) for view in self._views)

    # ------------------------------------------------------------------ a page

    def _page(self, after: _Place | None, limit: int, *, newest_first: bool) -> list[Hit]:
        """The first documents behind this place, in order."""
        if after is None:
            return self._first(self._wanted, limit, newest_first=newest_first)
        found = self._at(after.time, limit, newest_first=newest_first, behind=_order_of(after.id))
        if len(found) < limit:
            if newest_first:
                rest = time_between(None, after.time)
            else:
                rest = time_between(after.time + 1, None) if after.time < MAX_TIME else tantivy.Query.empty_query()
            found += self._first(all_of([self._wanted, rest]), limit - len(found), newest_first=newest_first)
        return found

    def _first(self, query: tantivy.Query, limit: int, *, newest_first: bool) -> list[Hit]:
        first = nlargest if newest_first else nsmallest
        per_day = (hit for view in self._views for hit in view.hits(query, limit, newest_first=newest_first))
        hits = first(limit, per_day, key=lambda hit: hit.time)
        found: list[Hit] = []
        for time, group in groupby(hits, key=lambda hit: hit.time):
            together = list(group)
            if len(found) + len(together) == limit:  # there may be more of this time than were given
                return found + self._at(time, len(together), newest_first=newest_first)
            found += _in_order(together, newest_first=newest_first)
        return found

    def _at(self, time: int, limit: int, *, newest_first: bool, behind: _Name | None = None) -> list[Hit]:
        """The first documents of exactly this time, in the order of their lines."""
        first = nlargest if newest_first else nsmallest
        named = ((_name_of(hit), hit) for hit in self._all_at(time))
        if behind is not None:
            named = (each for each in named if (each[0] < behind if newest_first else each[0] > behind))
        return [hit for _, hit in first(limit, named, key=lambda each: each[0])]

    def _all_at(self, time: int) -> Iterator[Hit]:
        query = all_of([self._wanted, time_between(time, time + 1)])
        for view in self._views:
            offset = 0
            while hits := view.hits(query, _AT_ONCE, offset=offset):
                yield from hits
                offset += len(hits)
                if len(hits) < _AT_ONCE:
                    break

    # ------------------------------------------------------------------ numbers

    def _histogram(self) -> list[Bucket]:
        since, until = self._query.since, self._query.until
        first = max(0, since) if since is not None else self._edge(newest_first=False)
        last = until - 1 if until is not None else self._edge(newest_first=True)
        if first is None or last is None or last < first:
            return []
        starts = scale(first, min(last, MAX_TIME), self._query.buckets).starts
        days = [view.counts(self._wanted, starts[1:]) for view in self._views]
        return [Bucket(start, sum(counts)) for start, *counts in zip(starts, *days, strict=True)]

    def _edge(self, *, newest_first: bool) -> int | None:
        """The time of the newest or oldest document."""
        hits = [hit for view in self._views for hit in view.hits(self._wanted, 1, newest_first=newest_first)]
        times = [hit.time for hit in hits]
        return (max(times) if newest_first else min(times)) if times else None

    def _facet(self, name: str) -> list[Value]:
        """How many documents have each value of a member: values are met one after the other, and counted by the index.

        Of text in `log` the index knows the words: a longer value with the same words is counted with a shorter one.
        """
        known: dict[str, tantivy.Query] = {}
        counts: Counter[str] = Counter()
        for view in self._views:
            for value, query in known.items():
                counts[value] += view.count(all_of([self._wanted, query]))
            while len(known) < _MOST_VALUES and (met := self._values(view, name, known)):
                for value, query in met.items():
                    counts[value] += view.count(all_of([self._wanted, query]))
                known |= met
        most = counts.most_common(self._query.values)
        return [Value(value, count) for value, count in most if count]

    def _values(self, view: View, name: str, known: dict[str, tantivy.Query]) -> dict[str, tantivy.Query]:
        """Values of a member that are not known, with what finds them; none if there are no others."""
        wanted = [(Occur.Must, self._wanted), (Occur.Must, holds(name))]
        unwanted = [(Occur.MustNot, any_of(list(known.values())))] if known else []
        path, is_trusted = language.member(name)
        met: dict[str, tantivy.Query] = {}
        for hit in view.hits(tantivy.Query.boolean_query(wanted + unwanted), _LOOKS):
            for value in _values_of(view.source(hit), path, is_trusted=is_trusted):
                if value not in known and value not in met and (query := value_is(name, value)) is not None:
                    met[value] = query
        return met


def _values_of(source: bytes, path: str, *, is_trusted: bool) -> Iterator[str]:
    try:
        members = members_of(source)
    except UNREADABLE:
        return
    for found, leaf in leaves(members if is_trusted else members.get("log")):
        text = text_of(leaf)
        if found == path and len(text) <= _VALUE_CHARACTERS:
            yield text if is_trusted else text.lower()


def _in_order(hits: list[Hit], *, newest_first: bool) -> list[Hit]:
    return hits if len(hits) == 1 else sorted(hits, key=_name_of, reverse=newest_first)


def _name_of(hit: Hit) -> _Name:
    return _order_of(_id_of(hit.view.source(hit)))


def _id_of(document: bytes) -> str:
    """Its first member, in front of what not every parser reads."""
    name: str = msgspec.json.decode(_FIRST_TEXT.match(document, len(_BEFORE_ID))[0])  # type: ignore[index]
    return name


def _order_of(name: str) -> _Name:
    """By this the lines of a file are in order: their numbers have no zeros before them."""
    file, _, line = name.rpartition("-")
    return file, len(line) - len(line.lstrip("0123456789")), line
