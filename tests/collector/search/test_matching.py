"""A query asked of one document means what the searches of outputs mean by it."""

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.errors import QueryError
from collector.ports import OutputContext, Query
from collector.search.matching import Candidate, matcher
from shippers.store import Settings, Store
from tests.contract.searchable import HOSTILE_TEXTS, MEANINGS, lines
from tests.contract.segments import batch, document, log_stream, segment
from tests.contract.shippers import deliver

SHOP = log_stream()


def candidate(log: object) -> Candidate:
    return Candidate(document(log, SHOP))


@pytest.mark.parametrize("text", MEANINGS)
def test_a_query_means_what_the_contract_of_searches_says(text: str) -> None:
    matches = matcher(text)
    documents = [each for part in lines() for each in part.documents]
    found = {number for each in documents if matches(Candidate(each)) for number in [json.loads(each)["log"]["status"]]}
    assert found == {number for number in range(len(documents)) if MEANINGS[text](number)}


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_a_hostile_query_is_answered_or_is_an_error_with_a_remedy(text: str) -> None:
    error = None
    try:
        assert isinstance(matcher(text)(candidate({"message": "a"})), bool)
    except QueryError as raised:
        error = raised
    assert error is None or (error.cause and error.remedy)


def test_whole_numbers_are_compared_exactly() -> None:
    assert matcher("n:9007199254740993")(candidate({"n": 9007199254740993}))
    assert not matcher("n:9007199254740993")(candidate({"n": 9007199254740992}))


def test_times_bound_what_matches() -> None:
    one = candidate({"message": "a"})
    assert one.time is not None
    assert matcher("@timestamp:>=2026-11-23T02:13:00Z")(one)
    assert not matcher("@timestamp:<2026-11-23T02:13:00Z")(one)


def test_words_may_have_others_between_them() -> None:
    one = candidate({"message": "connection was refused by the peer"})
    assert matcher('"connection refused"~1')(one)
    assert not matcher('"connection peer"~2')(one)
    assert not matcher('"refused connection"')(one)


def test_a_document_that_is_no_object_is_an_error() -> None:
    for body in (b"[1]", b"x", b"1"):
        with pytest.raises(ValueError, match=r"."):
            Candidate(body)


def test_the_first_value_of_a_member_is_given() -> None:
    one = candidate({"message": "a", "http": {"status": 200}})
    assert one.first("container") == "c0ffee-1"
    assert one.first("http.status") == "200"
    assert one.first("nosuch") is None


_WORD = st.sampled_from(["a", "ab", "b", "7", "70", "größe"])
_MESSAGE = st.lists(_WORD, min_size=1, max_size=5).map(" ".join)
_LOGS = st.lists(
    st.fixed_dictionaries({"message": _MESSAGE}, optional={"n": st.integers(-3, 90), "m": st.lists(_WORD, max_size=3)}),
    min_size=1,
    max_size=6,
)
_TERM = st.one_of(
    _WORD,
    _WORD.map(lambda word: f"{word}*"),
    st.tuples(st.sampled_from(["message", "n", "m"]), _WORD).map(":".join),
    st.tuples(_WORD, _WORD).map(lambda pair: f'"{pair[0]} {pair[1]}"'),
    st.integers(-3, 90).map(lambda number: f"n:>={number}"),
)
_QUERY = st.one_of(
    _TERM,
    st.tuples(_TERM, _TERM).map(" AND ".join),
    st.tuples(_TERM, _TERM).map(" OR ".join),
    st.tuples(_TERM, _TERM).map(" AND NOT ".join),
)


async def _numbers_found(directory: Path, documents: list[bytes], queries: list[str]) -> list[set[str]]:
    store = Store(Settings(commit_seconds=0.01), OutputContext("store", directory))
    try:
        await deliver(store, batch(segment(documents, SHOP)))
        answers = [await store.search(Query(text=text, limit=100)) for text in queries]
    finally:
        await store.aclose()
    return [{json.loads(one)["log"]["id"] for one in answer.documents} for answer in answers]


@settings(max_examples=15, deadline=None)
@given(_LOGS, st.lists(_QUERY, min_size=1, max_size=12))
def test_it_finds_what_the_store_finds(
    tmp_path_factory: pytest.TempPathFactory, logs: list[dict[str, object]], queries: list[str]
) -> None:
    documents = [document({**log, "id": f"x{number}y"}, SHOP) for number, log in enumerate(logs)]
    expected = asyncio.run(_numbers_found(tmp_path_factory.mktemp("store") / "store", documents, queries))
    for text, numbers in zip(queries, expected, strict=True):
        matches = matcher(text)
        assert {f"x{n}y" for n, each in enumerate(documents) if matches(Candidate(each))} == numbers, text
