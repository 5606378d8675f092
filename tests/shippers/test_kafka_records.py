"""Whatever a batch holds, each document is in one record batch, in order, and none is larger than the brokers take."""

from typing import Any, Literal

import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from collector.documents.forms import form_of
from collector.model import Segment
from shippers.kafka import Settings
from shippers.kafka.records import How, Packing, by_key
from tests.contract.segments import document, log_stream, segment
from tests.examples import examples

MOST = 10_000
Key = Literal["container", "id", "none"]


def part(sizes: list[int], number: int) -> Segment:
    stream = log_stream(f"t{number}", container_id=f"c{number}")
    return segment([document({"message": "x" * size}, stream) for size in sizes], stream)


@given(
    st.lists(st.lists(st.integers(0, 12_000), max_size=6), max_size=3),
    st.sampled_from(["container", "id", "none"]),
    st.booleans(),
    st.booleans(),
)
@examples(3)
def test_each_document_is_in_one_batch_or_refused(
    sizes: list[list[int]], key: Key, bundled: bool, single: bool
) -> None:
    how = How(form_of("pilotfish"), "pilotfish", key, bundled, MOST, MOST)
    packing = Packing(how, lambda: BatchBuilder(MOST, 0), is_single=single)
    parts = [part(each, number) for number, each in enumerate(sizes)]
    for one in parts:
        packing.add(one, one.stream.target, [0, 1, 2])
    sent = [
        (segment.stream.target, segment.ids[index])
        for one in packing.sealed
        for segment, indexes in one.documents
        for index in indexes
    ]
    refused = [(one.segment.stream.target, one.segment.ids[one.index]) for one in packing.rejected]
    assert sorted(sent + refused) == sorted((one.stream.target, name) for one in parts for name in one.ids)
    assert all(one.builder.size() <= MOST for one in packing.sealed)
    assert all(0 < one.builder.record_count() <= one.count for one in packing.sealed)
    if key != "id":
        for one in parts:
            order = [name for target, name in sent if target == one.stream.target]
            assert order == [name for name in one.ids if name in set(order)]
    if key == "container":
        assert all(one.partition == by_key(f"c{one.topic[1:]}".encode(), [0, 1, 2]) for one in packing.sealed)
    if single:
        assert all(one.builder.record_count() == 1 for one in packing.sealed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"brokers": ["kafka://a:9092"]}, "without a scheme"),
        ({"brokers": ["a:99999"]}, "without a scheme"),
        ({"brokers": ["u:p@a:9092"]}, "without a scheme"),
        ({"brokers": []}, "brokers"),
        ({"username": "u"}, "go together"),
        ({"password": "p"}, "go together"),
        ({"username": "u", "password": "p", "password_file": "/x"}, "exclude each other"),
        ({"ca_file": "/x"}, "need tls: true"),
        ({"record": "bundle", "key": "id"}, "needs record: document"),
        ({"topic": "a/b"}, "may contain"),
    ],
)
def test_options_that_do_not_fit_are_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**{"brokers": ["kafka"], **options})


def test_what_is_promised_follows_from_the_options() -> None:
    usual, transactional = (Settings(brokers=["kafka"], transactional=one) for one in (False, True))
    assert (usual.promise().kind, usual.has_frozen_batches) == ("at_least_once", False)
    assert (transactional.promise().kind, transactional.has_frozen_batches) == ("exactly_once", True)
