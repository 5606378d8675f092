"""A search → what blocks hold of it: a page of documents, a histogram, and how often values of members occur.

Every block is asked once. Documents of equal time are in the order of their lines.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from heapq import nlargest, nsmallest
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from collector.model import within
from collector.ports import Found, Query, Value
from collector.search import cursor, language
from collector.search.leaves import leaves, text_of

from . import ids
from .block import Block, BlockView
from .columns import Array
from .head import TextColumn
from .histogram import Histogram
from .matching import Match, all_of, between, compiled, id_is, target_is
from .rows import MAX_TIME
from .spread import Numbers, spreads

_MOST_VALUES = 10_000  # of a member that are counted
_VALUE_CHARACTERS = 256
_MOST_OPEN = 8  # blocks that documents are read from
_MOST_READ = 20_000  # documents that are read for the values of one member

_Order = tuple[int, tuple[str, int, str]]


class _Place(Struct, array_like=True):
    """A document's place: what a cursor names."""

    time: int
    id: str


class _Hit(NamedTuple):
    """A row that matches, and where it is."""

    order: _Order
    id: str
    block: Block
    row: int


def find(blocks: Sequence[Block], query: Query) -> Found:
    """What is asked for, of these blocks.

    Raises:
        QueryError: the text is not of the language, or the cursor is none.
        DamagedBlockError: a block cannot be read.
        OSError: a file cannot be read.
    """
    wanted: list[Match] = [compiled(text) for text in (query.text, *query.only)]
    if query.ids:
        wanted.append(id_is(query.ids))
    if query.target is not None:
        wanted.append(target_is(query.target))
    if query.since is not None or query.until is not None:
        wanted.append(lambda view: between(view, query.since, query.until))
    search = _Search(query)
    match = all_of(wanted)
    for block in sorted(blocks, key=search.when, reverse=True):
        with block.opened() as view:
            search.look(block, view, match(view))
    return search.found()


class _Search:
    def __init__(self, query: Query) -> None:
        self._query = query
        place = query.before or query.after
        self._place = cursor.read(place, _Place) if place else None
        self._newest_first = (query.sort == "newest") != bool(query.before)
        self._most = max(0, query.limit) + 1 if query.limit > 0 else 0
        self._total = 0
        self._hits: list[_Hit] = []
        self._facets = {name: _Facet(name) for name in query.facets}
        self._numbers = [(name, Numbers(name)) for name in query.percentiles]
        self._histogram = Histogram(query)

    def when(self, block: Block) -> int:
        """By this the blocks are looked at, from the highest on: later ones have fewer hits to give."""
        return block.last if self._newest_first else -block.first

    def look(self, block: Block, view: BlockView, rows: Array) -> None:
        """Take what matches of a block."""
        count = int(np.count_nonzero(rows))
        if not count:
            return
        self._total += count
        if self._query.buckets:
            self._histogram.add(view, rows, count)
        for facet in self._facets.values():
            facet.add(view, rows, count)
        for _, numbers in self._numbers:
            numbers.add(view, rows)
        if self._most and self._may_have_first(block):
            self._keep(self._hits + list(self._first_of(block, view, rows)))

    def found(self) -> Found:
        """The answer."""
        query = self._query
        hits, is_back = self._hits, bool(query.before)
        limit = self._most - 1
        has_more = is_back or len(hits) > limit
        documents = within(query.most_bytes, _documents(hits[:limit]), len) if limit > 0 else []
        is_cut = len(documents) < len(hits[:limit])
        places = [_Place(hit.order[0], hit.id) for hit in hits[: len(documents)]]
        if is_back:
            documents.reverse()
            places.reverse()
        return Found(
            self._total,
            documents,
            cut=is_cut,
            cursor=cursor.written(places[-1]) if places and (has_more or is_cut) else "",
            start=cursor.written(places[0]) if places else "",
            histogram=self._histogram.buckets() if query.buckets else [],
            facets={name: facet.most(query.values) for name, facet in self._facets.items()},
            percentiles=spreads(self._numbers),
        )

    # ------------------------------------------------------------------ a page

    def _may_have_first(self, block: Block) -> bool:
        if len(self._hits) < self._most:
            return True
        last = self._hits[-1].order[0]
        return block.last >= last if self._newest_first else block.first <= last

    def _keep(self, hits: Iterable[_Hit]) -> None:
        first = nlargest if self._newest_first else nsmallest
        self._hits = first(self._most, hits, key=lambda hit: hit.order)

    def _first_of(self, block: Block, view: BlockView, rows: Array) -> Iterator[_Hit]:
        """The first of its rows behind the place, and those of the same time as the last of these."""
        times = view.times
        chosen = np.flatnonzero(rows) if self._place is None else self._behind(self._place, view, rows)
        if len(self._hits) >= self._most:
            last = self._hits[-1].order[0]
            chosen = chosen[times[chosen] >= last if self._newest_first else times[chosen] <= last]
        if len(chosen) > self._most:
            its = times[chosen] if self._newest_first else -times[chosen]
            least = np.partition(its, len(its) - self._most)[len(its) - self._most]
            chosen = chosen[its >= least]
        for row in chosen.tolist():
            name = view.name(row)
            yield _Hit((int(times[row]), ids.order(name)), name, block, row)

    def _behind(self, place: _Place, view: BlockView, rows: Array) -> Array:
        """The rows that follow a place: those of its time by the order of their lines."""
        time = min(max(place.time, 0), MAX_TIME)
        order = ids.order(place.id)
        later = view.times < time if self._newest_first else view.times > time
        same = np.flatnonzero(rows & (view.times == time)).tolist()
        orders = [(row, ids.order(view.name(row))) for row in same]
        following = [row for row, its in orders if (its < order if self._newest_first else its > order)]
        return np.concatenate([np.flatnonzero(rows & later), np.array(following, np.int64)])


def _documents(hits: Sequence[_Hit]) -> Iterator[bytes]:
    """The documents of hits. Lines of one time stand in several blocks: some stay open."""
    views: dict[Block, tuple[BlockView, ExitStack]] = {}
    with ExitStack() as everything:
        for hit in hits:
            if hit.block not in views:
                if len(views) == _MOST_OPEN:
                    views.pop(next(iter(views)))[1].close()
                opened = everything.enter_context(ExitStack())
                views[hit.block] = opened.enter_context(hit.block.opened()), opened
            yield views[hit.block][0].document(hit.row)


class _Facet:
    """How many documents have each value of a member."""

    def __init__(self, name: str) -> None:
        self._path, self._is_trusted = language.member(name)
        self._counts: Counter[str] = Counter()
        self._read = 0

    def add(self, view: BlockView, rows: Array, count: int) -> None:
        """Count these rows."""
        if self._is_trusted:
            self._add_frames(view, rows)
        else:
            for column in view.head.texts:
                if column.path == self._path:
                    self._add_texts(view, column, rows, is_all=count == view.count)
            for numbers in [*view.head.integers, *view.head.floats]:
                if numbers.path == self._path:
                    its_rows = view.rows_of(numbers)
                    values = view.values(numbers)[rows if its_rows is None else rows[its_rows]]
                    unique, counts = np.unique(values, return_counts=True)
                    self._count(map(text_of, unique.tolist()), counts)
        if len(self._counts) > 2 * _MOST_VALUES:
            self._counts = Counter(dict(self._counts.most_common(_MOST_VALUES)))

    def most(self, number: int) -> list[Value]:
        """The values that most have."""
        return [Value(value, count) for value, count in self._counts.most_common(number) if count]

    def _add_frames(self, view: BlockView, rows: Array) -> None:
        counts = np.bincount(view.frame_of[rows], minlength=len(view.frames))
        for frame, count in zip(view.frames, counts.tolist(), strict=True):
            for value in {value for path, value in frame.members() if path == self._path} if count else ():
                self._count([value], [count])

    def _add_texts(self, view: BlockView, column: TextColumn, rows: Array, *, is_all: bool) -> None:
        its_rows = view.rows_of(column)
        texts = view.texts(column)
        if texts is None:
            self._add_documents(view, np.flatnonzero(rows) if its_rows is None else its_rows[rows[its_rows]])
            return
        codes = view.codes(column)
        if not is_all:
            codes = codes[rows if its_rows is None else rows[its_rows]]
        counts = np.bincount(codes, minlength=len(texts))
        met = np.flatnonzero(counts)
        self._count([texts[code] for code in met.tolist()], counts[met])

    def _add_documents(self, view: BlockView, rows: Array) -> None:
        """What only the documents tell; of many the first."""
        for row in rows[: max(0, _MOST_READ - self._read)].tolist():
            self._read += 1
            values = {text_of(leaf).lower() for path, leaf in leaves(view.log(row)) if path == self._path}
            self._count(values, [1] * len(values))

    def _count(self, values: Iterable[str], counts: Iterable[int]) -> None:
        for value, count in zip(values, counts, strict=True):
            if len(value) <= _VALUE_CHARACTERS:
                self._counts[value] += int(count)
