import gzip
import json
import re
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.ids import NumberedIds
from collector.model import Batch
from shippers.elasticsearch import bulk
from shippers.elasticsearch.bulk import DEFAULT_INDEX, TARGET_BYTES, encode, encode_compressed, index_name, without_deep
from tests.contract.segments import DAY, batch, log_stream, plain_segment, segment
from tests.faults.bulk_endpoint import documents_in

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,199}")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
layouts = st.sampled_from([json.dumps, partial(json.dumps, indent=1)])


@given(st.text())
def test_every_target_gives_a_name_that_all_servers_take(target: str) -> None:
    assert NAME.fullmatch(index_name("{target}", target, DAY))


@given(st.text(max_size=300))
def test_a_name_is_its_own_name(target: str) -> None:
    name = index_name("{target}", target, DAY)
    assert index_name("{target}", name, DAY) == name


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("usercenter-go-ol", "usercenter-go-ol-2026.11.23"),
        ("UserCenter", "usercenter-2026.11.23"),
        ("a b,c*d", "a_b_c_d-2026.11.23"),
        ("._-+x", "x-2026.11.23"),
        ("größe", "gr__e-2026.11.23"),
        ("..", "unnamed-2026.11.23"),
        ("", "unnamed-2026.11.23"),
        ("%Y{target}", "y_target_-2026.11.23"),
        ("a" * 300, "a" * TARGET_BYTES + "-2026.11.23"),
    ],
)
def test_the_published_rule_for_names(target: str, name: str) -> None:
    assert index_name(DEFAULT_INDEX, target, DAY) == name


def test_the_week_of_a_day_can_be_in_the_name() -> None:
    assert index_name("logs-%G.%V", "x", "2026-01-01") == "logs-2026.01"


@given(st.lists(st.tuples(st.text(), json_values, layouts), max_size=20), st.booleans())
def test_each_document_is_one_action_and_one_source_whatever_its_bytes(
    entries: list[tuple[str, object, Callable[[object], str]]], typed: bool
) -> None:
    entries = [(name.encode(errors="replace").decode(), value, layout) for name, value, layout in entries]
    part = segment([layout({"log": value}).encode() for _, value, layout in entries], log_stream("shop"))
    part = replace(part, ids=[name for name, _, _ in entries])
    found = documents_in(encode(batch(part), DEFAULT_INDEX, typed=typed))
    assert [each.id for each in found] == part.ids
    assert [json.loads(each.source) for each in found] == [{"log": value} for _, value, _ in entries]
    assert {(each.index, each.type) for each in found} <= {(f"shop-{DAY.replace('-', '.')}", "_doc" if typed else None)}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])), st.integers(0, 1 << 50), st.integers(0, 9))
def test_numbered_ids_stand_in_the_body_as_any_others(prefix: str, first: int, count: int) -> None:
    part = segment([b"{}"] * count, log_stream())
    ids = NumberedIds(prefix, range(first, first + count))
    found = encode(batch(replace(part, ids=ids)), DEFAULT_INDEX, typed=False)
    assert found == encode(batch(replace(part, ids=list(ids))), DEFAULT_INDEX, typed=False)


def test_documents_stand_in_the_body_byte_for_byte() -> None:
    stream = log_stream()
    documents = [b'{ "log" : {"x":1e999, "x":2} }', b'{"log":{"message":"\\u0000\xc3\xa9\\n"}}', b"{}"]
    body = encode(batch(segment(documents, stream)), "i", typed=False)
    assert [each.source for each in documents_in(body)] == documents


def test_segments_without_documents_leave_no_trace() -> None:
    stream = log_stream()
    parts = batch(segment([], stream), segment([b"{}"], stream), segment([], stream))
    assert len(documents_in(encode(parts, DEFAULT_INDEX, typed=False))) == 1
    assert encode(Batch(), DEFAULT_INDEX, typed=False) == b""


@pytest.mark.parametrize("typed", [True, False])
def test_a_compressed_body_is_the_same_in_gzip(*, typed: bool) -> None:
    sent = batch(plain_segment(500), plain_segment(0, "idle"), plain_segment(3, "till"))
    packed = encode_compressed(sent, DEFAULT_INDEX, typed=typed)
    assert gzip.decompress(packed) == encode(sent, DEFAULT_INDEX, typed=typed)


def nested(depth: int, *, opening: bytes = b'{"a":', closing: bytes = b"}") -> bytes:
    return opening * depth + b"1" + closing * depth


def test_only_documents_that_are_really_deep_are_taken_out() -> None:
    stream = log_stream()
    deep = [nested(bulk.DEEPEST + 1), nested(bulk.DEEPEST + 1, opening=b"[", closing=b"]")]
    wide = [
        nested(bulk.DEEPEST),
        b'{"log":[' + b",".join([b'{"a":1}'] * 2000) + b"]}",
        json.dumps({"log": "[{" * 2000 + '\\"'}).encode(),
    ]
    part = segment([wide[0], deep[0], wide[1], deep[1], wide[2]], stream)
    sane, refused = without_deep(batch(part))
    assert [each.index for each in refused] == [1, 3]
    assert sane.segments[0].documents == wide
    assert sane.segments[0].ids == [part.ids[0], part.ids[2], part.ids[4]]
    assert sane.segments[0].ticket is part.ticket


def dotted(levels: int, dot: bytes = b".") -> bytes:
    return b'{"%b":1}' % dot.join([b"a"] * levels)


@pytest.mark.parametrize(
    "deep",
    [
        dotted(bulk.DEEPEST + 1),
        dotted(bulk.DEEPEST + 1, b"\\u002e"),
        dotted(bulk.DEEPEST + 1, b"\\u002E"),
        b'{"log":[{"x":%b}]}' % dotted(bulk.DEEPEST),
        b'{"%b" : {"k":1}, "n":1}' % b".".join([b"a"] * bulk.DEEPEST),
        b'{"a":%b,"a":1}' % dotted(bulk.DEEPEST),
        b"".join(b'{"%b":' % b".".join([b"a"] * 100) for _ in range(6)) + b"1" + b"}" * 6,
        b'{"text":"\\\\","more":"\\"{","k":%b}' % dotted(bulk.DEEPEST),
        b"{%b}" % b",".join(b'"k%d%b":1' % (n, b".a" * 250) for n in range(40)),
    ],
)
def test_a_dot_of_a_key_is_a_level_wherever_it_stands(deep: bytes) -> None:
    sane, refused = without_deep(batch(segment([b"{}", deep, b"{}"], log_stream())))
    assert ([each.index for each in refused], sane.count) == ([1], 2)
    assert refused[0].type == "nesting_depth"
    assert f"{bulk.DEEPEST} levels" in refused[0].reason


@pytest.mark.parametrize(
    "shallow",
    [
        dotted(bulk.DEEPEST - 1),
        json.dumps({"message": "at com.example.Shop(Shop.java:1)\n" * 400, "n": [1.5] * 400}).encode(),
        json.dumps({f"app.kubernetes.io/name-{n}.value": 1.5 for n in range(400)}).encode(),
        json.dumps({"message": json.dumps({".".join("a" * 900): 1})}).encode(),
        b'{"a":"%b"}' % (b"\\\\u002e" * 900),
        json.dumps({"rows": [{"a.b": {"c": [1.5]}}] * 5000}, indent=1).encode(),
    ],
)
def test_dots_of_values_and_dots_side_by_side_are_no_levels(shallow: bytes) -> None:
    parts = batch(segment([shallow], log_stream()))
    assert without_deep(parts) == (parts, ())


def test_a_batch_without_deep_documents_is_not_copied() -> None:
    parts = batch(segment([b"{}"], log_stream()))
    assert without_deep(parts) == (parts, ())
