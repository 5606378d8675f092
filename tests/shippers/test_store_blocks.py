"""A block of the store: what went in comes out, a search finds what a look at each document finds, damage is told."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.ports import Query
from collector.search.leaves import leaves, text_of, words
from shippers.store.block import Block, DamagedBlockError
from shippers.store.building import Builder
from shippers.store.finding import find
from shippers.store.rows import rows_of
from tests.contract.segments import document, log_stream

STREAMS = [log_stream("shop", container_id="c1"), log_stream("Till-2", container_id="c2")]
TERMS = ["error", "Warn", "a-b", "conn refused", "größe", "İx", "7", "10.5", "x_y", "\n", "", "é", "🚀", "error error"]
LEAVES = st.sampled_from(TERMS) | st.integers(-5, 5) | st.floats(-2, 2) | st.booleans() | st.none() | st.just(2**70)
LOGS = st.dictionaries(
    st.sampled_from(["a", "b", "a.b", "c"]),
    st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner)),
    max_size=4,
)


def block_of(bodies: list[bytes], *, at_once: int = 1000) -> Block:
    builder = Builder()
    for start in range(0, len(bodies), at_once):
        part = bodies[start : start + at_once]
        builder.add([("f-", np.arange(start, start + len(part)))], rows_of(part, builder.frames))
    return Block(Path("memory"), builder.written())


def bodies_of(logs: list[dict[str, Any]]) -> list[bytes]:
    times = (
        f"2026-11-23T10:00:{number % 60:02}.{'1234567'[: number % 7]}Z".replace(".Z", "Z") for number in range(999)
    )
    return [
        document(log, STREAMS[number % 2], time=time)
        for number, (log, time) in enumerate(zip(logs, times, strict=False))
    ]


def named(bodies: list[bytes]) -> list[bytes]:
    return [b'{"_id":"f-%d",' % number + body[1:] for number, body in enumerate(bodies)]


@given(st.lists(LOGS, min_size=1, max_size=12), st.integers(1, 5))
def test_documents_come_back_byte_for_byte_however_they_were_added(logs: list[dict[str, Any]], at_once: int) -> None:
    bodies = bodies_of(logs)
    found = find([block_of(bodies, at_once=at_once)], Query(limit=100, sort="oldest"))
    assert sorted(found.documents) == sorted(named(bodies))


@given(
    st.lists(LOGS, min_size=1, max_size=12),
    st.sampled_from(["", "a", "b", "a.b"]),
    st.sampled_from(
        ["error", "warn", "refused", "b", "ix", "größe", "7", "10", "5", "x", "error error", "conn refused"]
    ),
    st.booleans(),
)
def test_words_are_found_where_a_leaf_has_them(
    logs: list[dict[str, Any]], path: str, text: str, is_prefix: bool
) -> None:
    asked = words(text)
    is_prefix = is_prefix and len(asked) == 1

    def has(leaf: Any) -> bool:
        its = words(text_of(leaf))
        if is_prefix:
            return any(word.startswith(asked[0]) for word in its)
        return any(its[at : at + len(asked)] == asked for at in range(len(its)))

    bodies = bodies_of(logs)
    query = (f"log.{path}:" if path else "") + (f"{text}*" if is_prefix else f'"{text}"')
    expected = {
        number
        for number, body in enumerate(bodies)
        for its_path, leaf in leaves(json.loads(body)["log"])
        if (not path or its_path == path)
        and (has(leaf) if type(leaf) in (str, bool) or not path else _is_number(leaf, text, is_prefix=is_prefix))
    }
    found = find([block_of(bodies, at_once=5)], Query(text=query, limit=100))
    assert {int(json.loads(body)["_id"][2:]) for body in found.documents} == expected


def _is_number(leaf: Any, text: str, *, is_prefix: bool) -> bool:
    if is_prefix:
        return text_of(leaf).startswith(text)
    return text.isdigit() and float(leaf) == float(text)


@given(st.lists(LOGS, min_size=1, max_size=12))
def test_facets_and_ranges_count_what_a_look_at_each_finds(logs: list[dict[str, Any]]) -> None:
    bodies = bodies_of(logs)
    found = find([block_of(bodies, at_once=4)], Query(text="a:>=1 OR target:shop", limit=100, facets=("a", "target")))
    matched = [json.loads(body) for body in found.documents]
    for number, body in enumerate(bodies):
        its = [leaf for path, leaf in leaves(json.loads(body)["log"]) if path == "a"]
        is_in = number % 2 == 0 or any(
            isinstance(leaf, (int, float)) and type(leaf) is not bool and leaf >= 1 for leaf in its
        )
        assert is_in == any(one["_id"] == f"f-{number}" for one in matched)
    values = Counter(
        value for one in matched for value in {_facet(leaf) for path, leaf in leaves(one["log"]) if path == "a"}
    )
    assert {value.value: value.count for value in found.facets["a"]} == dict(values.most_common(10)) or len(values) > 10
    assert {value.value: value.count for value in found.facets["target"]} == Counter(one["@target"] for one in matched)


def _facet(leaf: Any) -> str:
    """As JSON parsers read it."""
    if type(leaf) is int and abs(leaf) >= 1 << 63:
        return text_of(float(leaf))
    return text_of(leaf) if type(leaf) in (int, float) else text_of(leaf).lower()


@given(st.data())
def test_a_byte_that_was_changed_is_told_or_changes_nothing(data: st.DataObject) -> None:
    bodies = bodies_of([{"a": f"word{number} of {number % 3}", "n": number, "l": "info"} for number in range(700)])
    builder = Builder()
    builder.add([("f-", np.arange(len(bodies)))], rows_of(bodies, builder.frames))
    whole = bytearray(builder.written())
    at = data.draw(st.integers(0, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    query = Query(text="word5 OR n:>600", limit=1000, facets=("l", "a"), buckets=5)
    try:
        found = find([Block(Path("memory"), bytes(whole))], query)
    except DamagedBlockError:
        return
    assert found == find([block_of(bodies)], query)


@pytest.mark.parametrize("length", [0, 3, 8, 100, 1000])
def test_a_block_that_was_cut_off_is_damaged(length: int) -> None:
    whole = _written(bodies_of([{"a": f"word{number}"} for number in range(700)]))
    with pytest.raises(DamagedBlockError):
        find([Block(Path("memory"), whole[:length])], Query(text="word5"))


def _written(bodies: list[bytes]) -> bytes:
    builder = Builder()
    builder.add([("f-", np.arange(len(bodies)))], rows_of(bodies, builder.frames))
    return builder.written()


@pytest.mark.parametrize("depth", [60, 200, 2000])
def test_a_log_that_is_nested_deeply_arrives_or_is_refused(depth: int) -> None:
    body = document({"a": "x"}, STREAMS[0]).replace(b'"x"', b'{"b":' * depth + b'"deep"' + b"}" * depth)
    rows = rows_of([body], {})
    assert len(rows.kept) + len(rows.refused) == 1
    if rows.kept:
        assert find([block_of([body])], Query(text="deep")).total == 1
