"""The embedded store: the laws of every output that answers searches, then what only a store promises."""

import asyncio
from pathlib import Path

import pytest

from collector.ports import OutputContext, Query
from shippers.store import Settings, Store
from tests.contract.searchable import SearchableContract, SearchedDestination, decoded
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver
from tests.shippers.test_store import NOON


class StoreDestination:
    def __init__(self, directory: Path) -> None:
        self._context = OutputContext("store", directory)

    def open(self) -> Store:
        return Store(Settings(commit_seconds=0.02), self._context, now=lambda: NOON)

    def settle(self) -> None:
        """What is acknowledged is found."""


class TestStoreAnswersSearches(SearchableContract):
    @pytest.fixture
    def destination(self, tmp_path: Path) -> SearchedDestination:
        return StoreDestination(tmp_path)


async def test_pages_stay_whole_while_parts_of_the_index_are_merged(tmp_path: Path) -> None:
    """Documents of one time, in many commits: tantivy gives them another order after each."""
    stream = log_stream()
    store = StoreDestination(tmp_path).open()
    bodies = [document({"message": "x", "status": number}, stream) for number in range(100)]
    try:
        for number in range(0, 100, 5):
            await deliver(store, batch(segment(bodies[number : number + 5], stream, first=number)))
        seen: list[int] = []
        page = await store.search(Query(limit=7, sort="oldest"))
        number = 100
        while page.documents:
            seen += [one["log"]["status"] for one in decoded(page)]
            more = [
                document({"message": "later", "status": number + n}, stream, time="2026-11-23T09:00:00Z")
                for n in range(5)
            ]
            await deliver(store, batch(segment(more, stream, first=number)))
            number += 5
            if not page.cursor or seen[-1] >= 99:
                break
            page = await store.search(Query(limit=7, sort="oldest", after=page.cursor))
    finally:
        await store.aclose()
    assert seen[:100] == list(range(100))


async def test_lines_of_equal_time_are_in_the_order_of_their_file(tmp_path: Path) -> None:
    stream = log_stream()
    store = StoreDestination(tmp_path).open()
    bodies = [document({"message": "x", "status": number}, stream) for number in range(120)]
    try:
        await deliver(store, batch(segment(bodies[60:], stream, first=60)))
        await deliver(store, batch(segment(bodies[:60], stream)))
        oldest, newest = await asyncio.gather(
            store.search(Query(limit=1000, sort="oldest")), store.search(Query(limit=1000))
        )
    finally:
        await store.aclose()
    assert [one["log"]["status"] for one in decoded(oldest)] == list(range(120))
    assert newest.documents == oldest.documents[::-1]
