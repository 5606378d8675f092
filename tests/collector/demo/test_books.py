"""Tallies tell a store that holds each line once from one that does not."""

from pathlib import Path

from collector.demo import books
from collector.demo.books import Tally, differences, log_member
from collector.ports import OutputContext, Query
from shippers.store import Settings, Store
from tests.contract.segments import batch, document, log_stream, segment

TIMES = [f"2026-11-23T02:13:{second:02}.5Z" for second in range(50)]


def _tally(*lines: tuple[str, str]) -> Tally:
    tally = Tally()
    for text, time in lines:
        tally.add(log_member(text), "stdout", time)
    return tally


def test_order_does_not_matter_and_everything_else_does() -> None:
    a, b, c = ("a", "2026-11-23T02:13:00Z"), ("b", "2026-11-23T02:13:00Z"), ("a", "2026-11-23T02:13:01Z")
    assert _tally(a, b, c) == _tally(c, a, b)
    assert _tally(a, b) != _tally(a, c)
    assert _tally(a, a) != _tally(a)
    assert _tally(a, a) != _tally(b, b)
    merged = _tally(a)
    merged.merge(_tally(b, c))
    assert merged == _tally(a, b, c)


def test_differences_name_the_container_and_the_numbers() -> None:
    one, two = _tally(("a", TIMES[0])), _tally(("a", TIMES[0]), ("b", TIMES[1]))
    assert differences({"web": two}, {"web": two}) == []
    assert differences({"web": two}, {"web": one}) == ["web: 2 lines written, 1 documents stored"]
    assert differences({"web": one}, {}) == ["web: 1 lines written, 0 documents stored"]
    assert differences({}, {"web": one}) == ["web: 0 lines written, 1 documents stored"]
    assert differences({"web": one}, {"web": _tally(("b", TIMES[0]))}) == [
        "web: documents differ from the lines written"
    ]


async def test_a_store_is_read_whole_whatever_the_page(tmp_path: Path) -> None:
    stream = log_stream()
    texts = ["plain", '{"level":"error","n":1}', "", "世界"] * 12
    documents = [document(log_member(text), stream, time=time) for text, time in zip(texts, TIMES, strict=False)]
    store = Store(Settings(commit_seconds=0.02), OutputContext("local", tmp_path))
    try:
        await store.ship(batch(segment(documents, stream)))
        assert (await store.search(Query(limit=0))).total == len(texts)
        for page in (5, 10_000):
            found = await books.stored(store, page_documents=page)
            assert found == {stream.container: _tally(*zip(texts, TIMES, strict=False))}
    finally:
        await store.aclose()
