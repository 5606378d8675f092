"""A query that may end with a pipe → its documents, or a table of numbers about all of them; over any output.

    level:error | count by status           each value of a member, and how many documents have it
    | top 5 container                       the most frequent values, with their share of all documents
    path:/cart | percentiles duration_ms    count, min, avg, max, p50, p90, p95, p99 of a member's numbers
    "timed out" | histogram by level        how many there are over time, and of the most frequent values

A `|` begins a pipe where a blank stands before it; in quotes, and inside a word, it is text. One pipe ends a query.
"""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct, json, structs

from collector.errors import QueryError
from collector.search import language
from collector.search.query import PERCENTS, Found, Query, Searchable, Value
from collector.text.times import iso

MOST_VALUES = 1000
"""Rows of a table of values."""

MOST_SLICES = 8
"""Values that a histogram tells apart."""

_BUCKETS = 60
_PIPE = re.compile(r"""\\.|"(?:[^"\\]|\\.)*"|(?<![^\s(:+-])'(?:[^'\\]|\\.)*'|(?P<pipe>(?<!\S)\|(?!\|))""", re.DOTALL)
_WORDS = re.compile(r"(?:\\.|[^\s\\])+", re.DOTALL)
_REMEDY = "write | count by FIELD, | top 10 FIELD, | percentiles FIELD or | histogram by FIELD, or put the | in quotes"

Cell = str | int | float | None
Rows = Sequence[Sequence[Cell]]


class Table(Struct, frozen=True):
    """Numbers about the `total` documents that match; each row has a cell for each column."""

    total: int
    columns: Sequence[str]
    rows: Rows


class Pipe(NamedTuple):
    """What is made of the documents: `kind` is count, top, percentiles or histogram; `name` is "" without one."""

    kind: str
    name: str = ""
    number: int = MOST_VALUES


def parsed(text: str) -> tuple[str, Pipe | None]:
    """The query without its pipe, and the pipe; None if it has none.

    Raises:
        QueryError: the pipe cannot be read.
    """
    places = [match.start() for match in _PIPE.finditer(text) if match["pipe"]]
    if not places:
        return text, None
    if len(places) > 1:
        raise QueryError(f"a second pipe begins at character {places[1] + 1}", "end the query with one pipe")
    return text[: places[0]], _pipe(text, places[0] + 1)


async def answer(searched: Searchable, query: Query) -> Found | Table:
    """Find documents, or what the pipe at the end of the text makes of them.

    Raises:
        QueryError: the text cannot be read, or the output cannot answer it.
        PilotfishError: the output cannot answer now.
    """
    text, pipe = parsed(query.text)
    if pipe is None:
        return await searched.search(query)
    asked = structs.replace(query, text=text, limit=0, after="", before="", facets=(), values=pipe.number)
    return await _ANSWERS[pipe.kind](searched, asked, pipe)


async def counted_by(searched: Searchable, query: Query, found: Found, name: str) -> Mapping[str, Sequence[int]]:
    """For each value in the facet `name` of an answer to `query`: how many documents have it, bucket by bucket.

    Each value is a search of its own, between bounds that give the same buckets.

    Raises:
        QueryError: the output cannot answer it.
        PilotfishError: the output cannot answer now.
    """
    starts = [bucket.start for bucket in found.histogram]
    values: Sequence[Value] = found.facets.get(name, ())
    if len(starts) < 2:
        return {each.value: [each.count] for each in values if starts}
    bounded = structs.replace(
        query,
        facets=(),
        since=starts[0] if query.since is None else query.since,
        until=2 * starts[-1] - starts[-2] if query.until is None else query.until,
    )
    told: dict[str, Sequence[int]] = {}
    for each in values:
        part = await searched.search(structs.replace(bounded, only=(*query.only, has_value(name, each.value))))
        counts = {bucket.start: bucket.count for bucket in part.histogram}
        told[each.value] = [counts.get(start, 0) for start in starts]
    return told


def written(table: Table) -> bytes:
    """A table as the API answers it."""
    return json.encode({"total": table.total, "table": {"columns": table.columns, "rows": table.rows}}) + b"\n"


def has_value(name: str, value: str) -> str:
    """The text of a query for documents of which a member is this value, or holds its words."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{name}:"{escaped}"'


def _pipe(text: str, start: int) -> Pipe:
    words = [(match.start() + 1, match[0]) for match in _WORDS.finditer(text, start)]
    kind = words[0][1] if words else ""
    if kind not in _ANSWERS:
        place = words[0][0] if words else start
        raise QueryError(f"`{kind}` at character {place} is not a pipe" if kind else "the pipe is empty", _REMEDY)
    rest = words[1:]
    number = 10 if kind == "top" else MOST_VALUES
    if kind == "top" and len(rest) > 1:
        number = _number(*rest.pop(0))
    if rest and rest[0][1] == "by" and kind in ("count", "histogram"):
        rest.pop(0)
        if not rest:
            raise QueryError(f"`{kind} by` at character {words[0][0]} names no field", _REMEDY)
    elif rest and kind in ("count", "histogram"):
        raise QueryError(f"`{rest[0][1]}` at character {rest[0][0]} follows {kind}", f"write {kind} by FIELD")
    elif not rest and kind not in ("count", "histogram"):
        raise QueryError(f"`{kind}` at character {words[0][0]} names no field", _REMEDY)
    if len(rest) > 1 or (rest and "," in rest[0][1]):
        place, word = rest[-1]
        raise QueryError(f"`{word}` at character {place} is a second field", "name one field in a pipe")
    return Pipe(kind, rest[0][1] if rest else "", number)


def _number(place: int, word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) < 6 and 0 < int(word) <= MOST_VALUES):
        raise QueryError(f"`{word}` at character {place} is not a number of values", f"use 1 to {MOST_VALUES}")
    return int(word)


async def _count(searched: Searchable, asked: Query, pipe: Pipe) -> Table:
    if not pipe.name:
        found = await searched.search(structs.replace(asked, buckets=0))
        return Table(found.total, ["count"], [[found.total]])
    total, values = await _values(searched, asked, pipe.name)
    return Table(total, [pipe.name, "count"], [[each.value, each.count] for each in values])


async def _top(searched: Searchable, asked: Query, pipe: Pipe) -> Table:
    total, values = await _values(searched, asked, pipe.name)
    rows: Rows = [[each.value, each.count, round(100 * each.count / total, 1)] for each in values]
    return Table(total, [pipe.name, "count", "percent"], rows)


async def _values(searched: Searchable, asked: Query, name: str) -> tuple[int, Sequence[Value]]:
    found = await searched.search(structs.replace(asked, buckets=0, facets=(name,)))
    return found.total, found.facets[name]


async def _percentiles(searched: Searchable, asked: Query, pipe: Pipe) -> Table:
    language.numeric(pipe.name)
    found = await searched.search(structs.replace(asked, buckets=0, percentiles=(pipe.name,)))
    columns = ["field", "count", "min", "avg", "max", *(f"p{percent}" for percent in PERCENTS)]
    spread = found.percentiles.get(pipe.name)
    numbers: list[Cell] = [None] * (3 + len(PERCENTS))
    if spread is not None:
        numbers = [_short(each) for each in (spread.least, spread.mean, spread.most, *spread.percentiles)]
    return Table(found.total, columns, [[pipe.name, spread.count if spread else 0, *numbers]])


def _short(number: float) -> Cell:
    """A number with the digits that matter."""
    short = float(f"{number:.6g}") if abs(number) < 1e6 else number
    return int(short) if short.is_integer() and abs(short) < 1 << 53 else short


async def _histogram(searched: Searchable, asked: Query, pipe: Pipe) -> Table:
    asked = structs.replace(asked, buckets=asked.buckets or _BUCKETS, values=MOST_SLICES)
    found = await searched.search(structs.replace(asked, facets=(pipe.name,) if pipe.name else ()))
    by = await counted_by(searched, asked, found, pipe.name) if pipe.name else {}
    rows: Rows = [
        [iso(bucket.start), bucket.count, *(counts[number] for counts in by.values())]
        for number, bucket in enumerate(found.histogram)
    ]
    return Table(found.total, ["time", "count", *by], rows)


_ANSWERS: Mapping[str, Callable[[Searchable, Query, Pipe], Awaitable[Table]]] = {
    "count": _count,
    "top": _top,
    "percentiles": _percentiles,
    "histogram": _histogram,
}
