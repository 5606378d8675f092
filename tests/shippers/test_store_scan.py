"""The embedded store answers what a look at every document answers, however the documents came and were searched."""

import asyncio
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from collector.model import Segment
from collector.ports import Found, OutputContext, Query
from collector.search.language import nanoseconds
from shippers.store import Settings, Store
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.examples import examples
from tests.shippers.test_store import NOON

Document = dict[str, Any]
LEVELS = ("info", "warn", "error")
WORDS = ("alpha", "beta", "gamma", "größe", "alphabet")
TARGETS = ("shop", "till", "Till-2")
STREAMS = {name: log_stream(name, container_id=f"c-{name}") for name in TARGETS}
DAYS = range(19, 24)  # more than are written at once, so that some are blocks and some a journal
TIMES = [f"2026-11-{day}T12:00:00.{part}Z" for day in DAYS for part in (0, 1, 2)]


class Asked(NamedTuple):
    """A part of a query, and which documents it means."""

    text: str
    matches: Callable[[Document], bool]


class Line(NamedTuple):
    """A line that a container wrote."""

    target: str
    time: str
    message: tuple[str, ...]
    level: str
    status: int


LINES = st.builds(
    Line,
    target=st.sampled_from(TARGETS),
    time=st.sampled_from(TIMES),
    message=st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(tuple),
    level=st.sampled_from(LEVELS),
    status=st.integers(0, 9),
)


def _words(one: Document) -> list[str]:
    return [*one["log"]["message"].split(), one["log"]["level"], str(one["log"]["status"])]


def _holds(word: str) -> Asked:
    return Asked(word, lambda one: word in _words(one))


def _begins(word: str) -> Asked:
    return Asked(f"{word[:4]}*", lambda one: any(each.startswith(word[:4]) for each in _words(one)))


def _phrase(pair: tuple[str, str]) -> Asked:
    def follows(one: Document) -> bool:
        return pair in pairwise(one["log"]["message"].split())

    return Asked(f'"{pair[0]} {pair[1]}"', follows)


def _all(pair: tuple[Asked, Asked]) -> Asked:
    one, other = pair
    return Asked(f"({one.text} AND {other.text})", lambda each: one.matches(each) and other.matches(each))


def _any(pair: tuple[Asked, Asked]) -> Asked:
    one, other = pair
    return Asked(f"({one.text} OR {other.text})", lambda each: one.matches(each) or other.matches(each))


def _none(asked: Asked) -> Asked:
    return Asked(f"(NOT {asked.text})", lambda each: not asked.matches(each))


ATOMS = st.one_of(
    st.sampled_from(WORDS).map(_holds),
    st.sampled_from(WORDS).map(_begins),
    st.tuples(st.sampled_from(WORDS), st.sampled_from(WORDS)).map(_phrase),
    st.sampled_from(LEVELS).map(lambda level: Asked(f"level:{level}", lambda one: one["log"]["level"] == level)),
    st.sampled_from(TARGETS).map(lambda name: Asked(f"target:{name}", lambda one: one["@target"] == name)),
    st.integers(0, 9).map(lambda least: Asked(f"status:>={least}", lambda one: one["log"]["status"] >= least)),
)
ASKED = st.recursive(
    ATOMS,
    lambda inner: st.tuples(inner, inner).map(_all) | st.tuples(inner, inner).map(_any) | inner.map(_none),
    max_leaves=5,
)
BOUNDS = st.none() | st.sampled_from(TIMES).map(nanoseconds)


class Search(NamedTuple):
    """What is asked of a store."""

    asked: Asked
    since: int | None
    until: int | None
    sort: Literal["newest", "oldest"]
    limit: int

    def query(self, *, after: str = "") -> Query:
        """The page behind `after`."""
        return Query(
            text=self.asked.text,
            since=self.since,
            until=self.until,
            sort=self.sort,
            limit=self.limit,
            after=after,
            buckets=7,
            facets=("level", "target"),
        )


SEARCHES = st.builds(
    Search,
    asked=ASKED,
    since=BOUNDS,
    until=BOUNDS,
    sort=st.sampled_from(["newest", "oldest"]),
    limit=st.integers(1, 30),
)


def _segments(lines: list[Line]) -> list[Segment]:
    """Each of one target and day, as the transform gives them; a line's place among its own is its number."""
    found: dict[tuple[str, str], list[bytes]] = {}
    for line in lines:
        log = {"message": " ".join(line.message), "level": line.level, "status": line.status}
        body = document(log, STREAMS[line.target], time=line.time)
        found.setdefault((line.target, line.time[:10]), []).append(body)
    return [segment(bodies, STREAMS[name], day=day, file=day) for (name, day), bodies in found.items()]


def _documents(parts: list[Segment]) -> list[Document]:
    return [
        {"_id": name, **json.loads(body)} for part in parts for name, body in zip(part.ids, part.documents, strict=True)
    ]


def _opened(directory: Path) -> Store:
    return Store(Settings(commit_seconds=0.001), OutputContext("store", directory), now=lambda: NOON)


async def _filled(directory: Path, parts: list[Segment], again: list[int], *, is_reopened: bool) -> None:
    """Ship each part, and then some of them once more, each in a batch of its own."""
    store = _opened(directory)
    await _ship(store, parts)
    if is_reopened:
        await store.aclose()
        store = _opened(directory)
    await _ship(store, [parts[number % len(parts)] for number in again])
    await store.aclose()


async def _ship(store: Store, parts: list[Segment]) -> None:
    for part in parts:
        await deliver(store, batch(part))


async def _pages(directory: Path, searches: list[Search]) -> list[list[Found]]:
    store = _opened(directory)
    found = []
    for search in searches:
        pages = [await store.search(search.query())]
        while pages[-1].cursor:
            pages.append(await store.search(search.query(after=pages[-1].cursor)))
        found.append(pages)
    await store.aclose()
    return found


def _is_within(one: Document, since: int | None, until: int | None) -> bool:
    time = nanoseconds(one["@timestamp"])
    return (since is None or time >= since) and (until is None or time < until)


@examples(0.5)
@given(
    lines=st.lists(LINES, min_size=1, max_size=60) | st.lists(LINES, min_size=30, max_size=60),
    again=st.lists(st.integers(0, 14), max_size=4),
    is_reopened=st.booleans(),
    searches=st.lists(SEARCHES, min_size=1, max_size=6),
)
def test_a_search_finds_what_a_look_at_every_document_finds(
    lines: list[Line], again: list[int], is_reopened: bool, searches: list[Search]
) -> None:
    parts = _segments(lines)
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(_filled(Path(scratch, "store"), parts, again, is_reopened=is_reopened))
        answers = asyncio.run(_pages(Path(scratch, "store"), searches))
    for search, pages in zip(searches, answers, strict=True):
        _check(search, pages, _documents(parts))


def _check(search: Search, pages: list[Found], documents: list[Document]) -> None:
    expected = [one for one in documents if _is_within(one, search.since, search.until) and search.asked.matches(one)]
    found = [json.loads(body) for page in pages for body in page.documents]
    assert sorted(found, key=_id) == sorted(expected, key=_id)
    assert {page.total for page in pages} == {len(expected)}
    times = [nanoseconds(one["@timestamp"]) for one in found]
    assert times == sorted(times, reverse=search.sort == "newest")
    assert sum(bucket.count for bucket in pages[0].histogram) == len(expected)
    assert _counts(pages[0], "level") == Counter(one["log"]["level"] for one in expected)
    assert _counts(pages[0], "target") == Counter(one["@target"] for one in expected)


def _counts(found: Found, name: str) -> dict[str, int]:
    return {each.value: each.count for each in found.facets[name]}


def _id(one: Document) -> str:
    return str(one["_id"])
