"""The laws that every output keeps which answers searches (`collector.ports.Searchable`).

Its test module subclasses `SearchableContract` and overrides the fixture `destination`.
"""

import json
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any, ClassVar, Protocol, cast

import pytest

from collector.errors import QueryError
from collector.model import Segment
from collector.ports import PERCENTS, Found, Query, Searchable, Shipper
from collector.search.cursor import written
from collector.search.language import nanoseconds
from collector.search.pipes import Table, answer

from .segments import batch, by_id, document, log_stream, segment
from .shippers import canonical, deliver

_BASE = datetime(2026, 11, 22, 23, 59, 50, tzinfo=UTC)  # ten seconds before a day begins
_COUNT = 240
_TOGETHER = 12  # documents of equal time
_CROWD = 60  # such of one file
_TARGETS = ("shop", "till", "Till-2")

HOSTILE_TEXTS = (
    "(a", '"abc', "level:", "foo AND OR bar", "NOT", "*", "**", "a:*", "_id:x", "_index:*", "level:/(a|b)*/", "/.*/",
    "a" * 2001, "(" * 5000, "NOT " * 450 + "a", "\x00", "\ud800", "log:x", "status:>high", "status:>1e999", "[1 TO",
    '{"match_all":{}}', "level:err\\*", "x:\"a\\\"b\"", "@timestamp:>=9999-12-31", "@timestamp:<0001-01-01", "level:(",
    "target:*", "target:sh?p", "message:timeo*ut", "größe:größe", "level:error^1e9", "status:99999999999999999999999",
    "..:x", ".:x", "a..b:x", "*:x", "log.*:x", "level:IN []", "status:{1 TO 2]", "status:[2 TO 1]", '"a b"~99999', "-",
)  # fmt: skip

HOSTILE_CURSORS = ("x", "é", "W10", "WzEsMl0", "bnVsbA", "a" * 5000, "WyJ4IiwieSJd", "\x00", "e30", "W251bGwsbnVsbF0")


MEANINGS: dict[str, Callable[[int], bool]] = {
    "many": lambda n: True,
    "line AND 17": lambda n: n == 17,
    '"17 of many"': lambda n: n == 17,
    '"many of 17"': lambda n: False,
    "level:error": lambda n: n % 10 == 0,
    "level:ERROR": lambda n: n % 10 == 0,
    "-level:info": lambda n: n % 10 < 2,
    "level:IN [warn error]": lambda n: n % 10 < 2,
    "stream:stderr": lambda n: n % 5 == 0,
    "container:c2-1": lambda n: n % 4 == 2,
    "docker_container:c2*": lambda n: n % 4 == 2,
    "target:Till-2": lambda n: n % 3 == 2,
    "target:till-2": lambda n: False,
    "target:till OR target:shop": lambda n: n % 3 < 2,
    "host:moby": lambda n: True,
    "status:>=230": lambda n: n >= 230,
    "status:{10 TO 12]": lambda n: 10 < n <= 12,
    "status:42": lambda n: n == 42,
    "message:man*": lambda n: True,
    '"17 of ma"*': lambda n: n == 17,
    "level:err*": lambda n: n % 10 == 0,
    "nosuch:x": lambda n: False,
    "level:error AND NOT (stream:stdout OR target:shop)": lambda n: n % 10 == 0 and n % 3 > 0,
    "(NOT level:info) status:<20": lambda n: n % 10 < 2 and n < 20,
}


class SearchedDestination(Protocol):
    """A fresh, empty place to ship to and to search in."""

    def open(self) -> Shipper:
        """Give a shipper on it that answers searches."""
        ...

    def settle(self) -> None:
        """What was acknowledged is found from now on."""
        ...


def time_of(number: int) -> str:
    """Groups of documents of equal time, half a second apart."""
    return (_BASE + timedelta(milliseconds=500 * (number // _TOGETHER))).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def level_of(number: int) -> str:
    return {0: "error", 1: "warn"}.get(number % 10, "info")


def lines() -> list[Segment]:
    """Documents of three targets, four containers, both streams and two days."""
    found: dict[tuple[str, str, str], list[bytes]] = {}
    for number in range(_COUNT):
        target, container, time = _TARGETS[number % 3], f"c{number % 4}", time_of(number)
        log = {"message": f"line {number} of many", "level": level_of(number), "status": number}
        output = "stdout" if number % 5 else "stderr"
        stream = log_stream(target, container_id=container)
        found.setdefault((target, container, time[:10]), []).append(document(log, stream, time=time, output=output))
    return [
        segment(documents, log_stream(target, container_id=container), day=day, file=day)
        for (target, container, day), documents in found.items()
    ]


def crowd() -> Segment:
    """Documents of one file and one time."""
    stream = log_stream("shop", container_id="crowd")
    log = ({"message": f"crowd {number}", "level": "info"} for number in range(_CROWD))
    return segment([document(each, stream, time=time_of(30)) for each in log], stream, day=time_of(30)[:10])


def decoded(found: Found) -> list[dict[str, Any]]:
    return [json.loads(body) for body in found.documents]


def numbers_of(found: Found) -> list[int]:
    return [one["log"]["status"] for one in decoded(found)]


class SearchableContract:
    """Subclass it and override the fixture `destination`."""

    resolution: ClassVar[int] = 1
    """Nanoseconds: times that differ by less may be one to it."""

    keeps_case: ClassVar[bool] = False
    """`level:ERROR` does not find `error`."""

    orders_numbers: ClassVar[bool] = True
    """Without it a range of numbers is an error, not an answer."""

    counts_members: ClassVar[bool] = True
    """Without it the values of a line's members are not counted."""

    @pytest.fixture
    @abstractmethod
    def destination(self) -> SearchedDestination:
        """A fresh destination."""
        raise NotImplementedError

    @asynccontextmanager
    async def holding(self, destination: SearchedDestination, *segments: Segment) -> AsyncIterator[Searchable]:
        """Have it hold these documents."""
        shipper = destination.open()
        try:
            await deliver(shipper, batch(*segments))
            destination.settle()
            assert isinstance(shipper, Searchable)
            yield shipper
        finally:
            await shipper.aclose()

    async def test_what_is_shipped_is_found_as_it_was_with_its_id(self, destination: SearchedDestination) -> None:
        parts = lines()
        async with self.holding(destination, *parts) as searched:
            found = await searched.search(Query(limit=1000))
        assert found.total == len(found.documents) == _COUNT
        assert not found.cut
        sent = by_id([batch(*parts)])
        for body in found.documents:
            name = json.loads(body)["_id"]
            assert body.startswith(b'{"_id":')
            assert canonical(body) == canonical(b'{"_id":%b,%b' % (json.dumps(name).encode(), sent[name][1:]))

    async def test_a_query_finds_what_it_means(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            for text, matches in MEANINGS.items():
                if not self.orders_numbers and re.search(r"status:[<>{]", text):
                    with pytest.raises(QueryError, match="no order of numbers"):
                        await searched.search(Query(text=text))
                    continue
                found = await searched.search(Query(text=text, limit=1000))
                is_lost = self.keeps_case and text != text.lower() and text.startswith("level:E")
                expected = [number for number in range(_COUNT) if matches(number) and not is_lost]
                assert sorted(numbers_of(found)) == expected, text
                assert found.total == len(expected), text

    async def test_a_target_is_the_whole_of_it(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            for number, target in enumerate(_TARGETS):
                found = await searched.search(Query(target=target, limit=1000))
                assert sorted(numbers_of(found)) == list(range(number, _COUNT, 3))
            for target in ("sho", "shop-2", "*", "../shop", "", "till,shop", "größe", "a" * 300, "\x00"):
                assert (await searched.search(Query(target=target))).total == 0
            with pytest.raises(QueryError):
                await searched.search(Query(target="shop\ud800"))

    async def test_only_what_matches_every_further_text_is_found_counted_and_shown(
        self, destination: SearchedDestination
    ) -> None:
        only = ("target:shop OR container:c2*", "NOT stream:stderr")
        expected = [n for n in range(_COUNT) if (n % 3 == 0 or n % 4 == 2) and n % 5]
        async with self.holding(destination, *lines()) as searched:
            found = await searched.search(
                Query(only=only, limit=1000, buckets=10, facets=("target", "stream"), text="many OR target:till")
            )
            assert sorted(numbers_of(found)) == expected
            assert found.total == len(expected) == sum(bucket.count for bucket in found.histogram)
            assert _counts(found, "target") == Counter(_TARGETS[n % 3] for n in expected)
            assert _counts(found, "stream") == {"stdout": len(expected)}
            await self._check_pages(searched, Query(limit=7, only=only), len(expected))
            for text in ("target:till", "container:c1-1", "stream:stderr"):
                assert (
                    await searched.search(Query(text=text, only=("target:shop", "container:c0-1", only[1])))
                ).total == 0
            assert (await searched.search(Query(only=("target:nosuch",)))).total == 0
            with pytest.raises(QueryError):
                await searched.search(Query(only=("target:(",)))

    async def test_documents_are_found_by_their_ids(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            some = decoded(await searched.search(Query(limit=5)))
            names = tuple(each["_id"] for each in some)
            found = await searched.search(Query(ids=names))
            assert [each["_id"] for each in decoded(found)] == list(names)
            assert found.total == 5
            assert decoded(await searched.search(Query(ids=names[2:3]))) == some[2:3]
            assert (await searched.search(Query(ids=(names[0].upper() + "x", "*", "")))).total == 0
            assert (await searched.search(Query(ids=names, only=("target:nosuch",)))).total == 0
            with pytest.raises(QueryError):
                await searched.search(Query(ids=("half \ud800",)))

    async def test_times_are_bounded_from_the_first_on_and_before_the_last(
        self, destination: SearchedDestination
    ) -> None:
        since, until = nanoseconds(time_of(36)), nanoseconds(time_of(120))
        async with self.holding(destination, *lines()) as searched:
            found = await searched.search(Query(since=since, until=until, limit=1000))
            assert sorted(numbers_of(found)) == list(range(36, 120))
            assert (await searched.search(Query(since=since))).total == _COUNT - 36
            assert (await searched.search(Query(until=until))).total == 120
            assert (await searched.search(Query(since=until, until=since))).total == 0
            assert (await searched.search(Query(since=-5, until=2**70))).total == _COUNT

    async def test_pages_give_each_document_once_and_in_order_whatever_has_equal_times(
        self, destination: SearchedDestination
    ) -> None:
        async with self.holding(destination, *lines(), crowd()) as searched:
            for sort in ("newest", "oldest"):
                await self._check_pages(searched, Query(limit=1, sort=cast(Any, sort), text="crowd"), _CROWD)
                for limit in (7, 12, 299):
                    await self._check_pages(searched, Query(limit=limit, sort=cast(Any, sort)), _COUNT + _CROWD)

    async def _check_pages(self, searched: Searchable, asked: Query, total: int) -> None:
        pages = [page async for page in _pages(searched, asked)]
        for page, following in islice(pairwise(pages), 6):
            before = await searched.search(_with(asked, before=following.start))
            assert before.documents == page.documents
            assert await _documents(searched, _with(asked, after=before.cursor)) == following.documents
        bodies = [one for page in pages for one in decoded(page)]
        assert {page.total for page in pages} == {total}
        assert len(bodies) == len({one["_id"] for one in bodies}) == total
        assert [len(page.documents) for page in pages[:-1]] == [asked.limit] * (len(pages) - 1)
        times = [nanoseconds(one["@timestamp"]) // self.resolution for one in bodies]
        assert times == sorted(times, reverse=asked.sort == "newest")
        assert pages[-1].cursor == ""

    async def test_nothing_stands_before_the_first_document(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            first = await searched.search(Query(limit=5, sort="oldest"))
            assert (await searched.search(Query(limit=5, sort="oldest", before=first.start))).documents == []

    async def test_without_a_document_asked_for_numbers_are_given(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            found = await searched.search(Query(limit=0, buckets=5, facets=("stream",)))
        assert (found.total, found.documents, found.cursor) == (_COUNT, [], "")
        assert sum(bucket.count for bucket in found.histogram) == _COUNT

    async def test_a_histogram_sums_to_the_total_and_each_bucket_is_what_a_search_of_its_time_finds(
        self, destination: SearchedDestination
    ) -> None:
        since, until = nanoseconds(time_of(13)), nanoseconds(time_of(170)) + 1_000_000
        async with self.holding(destination, *lines()) as searched:
            for buckets in (1, 3, 10, 50, 1000):
                await self._check_histogram(searched, Query(text="many", buckets=buckets), _COUNT)
                asked = Query(text="many", since=since, until=until, buckets=buckets)
                await self._check_histogram(searched, asked, 168)
            assert (await searched.search(Query(text="nosuch", buckets=3))).histogram == []

    async def _check_histogram(self, searched: Searchable, asked: Query, total: int) -> None:
        found = await searched.search(asked)
        assert 1 <= len(found.histogram) <= asked.buckets
        assert sum(bucket.count for bucket in found.histogram) == found.total == total
        full = [pair for pair in pairwise(found.histogram) if pair[0].count]
        for bucket, following in full[:3]:
            lower = max(bucket.start, asked.since or 0)
            upper = min(following.start, asked.until or 2**63)
            between = await searched.search(_with(asked, since=lower, until=upper, buckets=0))
            assert between.total == bucket.count
        assert len({two.start - one.start for one, two in pairwise(found.histogram)}) <= 1

    async def test_facets_count_the_documents_that_have_a_value(self, destination: SearchedDestination) -> None:
        names = ("target", "container", "stream", "level", "host", "nosuch", "docker_app")
        async with self.holding(destination, *lines()) as searched:
            found = await searched.search(Query(since=nanoseconds(time_of(36)), facets=names))
            few = await searched.search(Query(facets=("level",), values=1))
            none = await searched.search(Query(text="nosuch", facets=("level",)))
        rest = range(36, _COUNT)
        assert _counts(found, "target") == Counter(_TARGETS[n % 3] for n in rest)
        assert _counts(found, "container") == Counter(f"c{n % 4}-1" for n in rest)
        assert _counts(found, "stream") == Counter("stdout" if n % 5 else "stderr" for n in rest)
        assert _counts(found, "host") == {"moby": 204}
        assert (found.facets["nosuch"], found.facets["docker_app"]) == ([], [])
        assert none.facets == {"level": []}
        if self.counts_members:
            assert _counts(found, "level") == Counter(map(level_of, rest))
            assert next(value.value for value in found.facets["level"]) == "info"
            assert _counts(few, "level") == {"info": 192}

    async def test_percentiles_are_those_of_all_numbers_of_a_member(self, destination: SearchedDestination) -> None:
        asked = Query(text="-level:error", limit=0, percentiles=("status", "message", "nosuch"))
        async with self.holding(destination, *lines()) as searched:
            if not self.orders_numbers:
                with pytest.raises(QueryError, match="has no numbers"):
                    await searched.search(asked)
                return
            found = await searched.search(_with(asked, percentiles=("status", "nosuch")))
            with pytest.raises(QueryError, match="has no numbers"):
                await searched.search(_with(asked, percentiles=("target",)))
        numbers = [number for number in range(_COUNT) if number % 10]
        (spread,) = found.percentiles.values()
        assert "status" in found.percentiles
        assert (spread.count, spread.least, spread.most) == (len(numbers), numbers[0], numbers[-1])
        assert spread.mean == pytest.approx(sum(numbers) / len(numbers))
        exact = [numbers[len(numbers) * percent // 100] for percent in PERCENTS]
        assert list(spread.percentiles) == pytest.approx(exact, abs=3)  # servers reckon between numbers

    async def test_pipes_make_tables_of_all_documents_that_match(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            counted = await _table(searched, "many | count by stream")
            top = await _table(searched, "-stream:stderr | top 1 container")
            none = await _table(searched, "nosuch | count by stream")
            over_time = await _table(searched, "many | histogram by stream")
        assert (counted.columns, counted.rows) == (["stream", "count"], [["stdout", 192], ["stderr", 48]])
        assert (top.total, top.columns) == (192, ["container", "count", "percent"])
        assert [row[1:] for row in top.rows] == [[48, 25.0]]
        assert (none.total, list(none.rows)) == (0, [])
        assert list(over_time.columns) == ["time", "count", "stdout", "stderr"]
        sums = [sum(cast(int, row[at]) for row in over_time.rows) for at in (1, 2, 3)]
        assert sums == [_COUNT, 192, 48]

    async def test_an_answer_is_bounded_in_bytes_and_pages_go_on_behind_it(
        self, destination: SearchedDestination
    ) -> None:
        stream = log_stream()
        bodies = [
            document({"message": f"{number} " + "x" * 100_000}, stream, time=time_of(number)) for number in range(40)
        ]
        parts = [
            segment([body for body in bodies if day in body.decode()], stream, day=day, file=day)
            for day in ("2026-11-22", "2026-11-23")
        ]
        asked = Query(limit=1000, most_bytes=350_000)
        async with self.holding(destination, *(part for part in parts if part.count)) as searched:
            pages = [page async for page in _pages(searched, asked)]
            (one,) = (await searched.search(_with(asked, most_bytes=1))).documents
        assert len(one) > 100_000
        assert all(sum(map(len, page.documents)) <= 350_000 for page in pages)
        assert all(page.cut for page in pages[:-1])
        found = [body["log"]["message"].split()[0] for page in pages for body in decoded(page)]
        assert sorted(map(int, found)) == list(range(40))

    async def test_a_hostile_text_is_answered_or_is_an_error_with_a_remedy(
        self, destination: SearchedDestination
    ) -> None:
        async with self.holding(destination, *lines()) as searched:
            for text in HOSTILE_TEXTS:
                for asked in (Query(text=text, buckets=3), Query(facets=(text[:100],))):
                    found, error = await _answer(searched, asked)
                    assert found or (error and error.cause and error.remedy)
            assert (await searched.search(Query())).total == _COUNT

    async def test_a_hostile_cursor_is_an_error_with_a_remedy(self, destination: SearchedDestination) -> None:
        async with self.holding(destination, *lines()) as searched:
            for text in HOSTILE_CURSORS:
                for asked in (Query(after=text), Query(before=text)):
                    found, error = await _answer(searched, asked)
                    assert found or (error and error.remedy)
            for place in ([-(2**70), 1, "", ""], [2**70, "x"], [0, 0, "a", "b"], [0, "é"], [2**64, ""]):
                await _answer(searched, Query(after=written(place)))
                await _answer(searched, Query(before=written(place)))

    async def test_half_a_character_in_a_document_hides_no_other(self, destination: SearchedDestination) -> None:
        stream = log_stream()
        bodies = [document(log, stream) for log in ({"message": "one"}, b'{"message":"half \\ud800 of it"}', {})]
        shipper = destination.open()
        try:
            receipt = await deliver(shipper, batch(segment(bodies, stream)))
            destination.settle()
            found = await cast(Searchable, shipper).search(Query())
        finally:
            await shipper.aclose()
        assert found.total == len(found.documents) == 3 - len(receipt.rejected)

    async def test_a_place_without_documents_answers(self, destination: SearchedDestination) -> None:
        async with self.holding(destination) as searched:
            found = await searched.search(Query(text="level:error", target="shop", buckets=10, facets=("level",)))
        assert (found.total, found.documents, list(found.histogram), found.cursor) == (0, [], [], "")


async def _pages(searched: Searchable, asked: Query) -> AsyncIterator[Found]:
    page = await searched.search(asked)
    yield page
    while page.cursor:
        page = await searched.search(_with(asked, after=page.cursor))
        yield page


async def _answer(searched: Searchable, asked: Query) -> tuple[Found | None, QueryError | None]:
    try:
        return await searched.search(asked), None
    except QueryError as error:
        return None, error


async def _documents(searched: Searchable, asked: Query) -> Sequence[bytes]:
    return (await searched.search(asked)).documents


async def _table(searched: Searchable, text: str) -> Table:
    found = await answer(searched, Query(text=text))
    assert isinstance(found, Table)
    return found


def _with(asked: Query, **changes: Any) -> Query:
    members = {name: getattr(asked, name) for name in asked.__struct_fields__}
    return Query(**{**members, **changes})


def _counts(found: Found, name: str) -> dict[str, int]:
    return {value.value: value.count for value in found.facets[name]}
