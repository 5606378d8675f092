"""What agents sent comes out as they had it: documents, ids, streams and days; what others wrote becomes a `log`."""

import json
from collections.abc import Sequence
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.form import Form
from collector.documents.forms import form_of
from collector.model import BEGINNING, Cursor, FileId, LogStream, Position, Segment, Start
from collector.sources.partition import Record, Records, Settling
from collector.transform.relayed import Relayed
from shippers.kafka.records import How, Packing
from tests.contract.segments import document, log_stream, plain_segment, segment
from tests.contract.shippers import HOSTILE_LOGS
from tests.contract.transforms import TransformContract
from tests.examples import examples

Key = Literal["container", "id", "none"]

PARTITION = log_stream("shop", container_id="/kafka/relay/shop-0")


class TestRelayed(TransformContract):
    def transform(self, start: Start = BEGINNING) -> Relayed:
        return Relayed()

    def line(self, text: str, number: int) -> bytes:
        return json.dumps(text).encode() + b"\n"


class Builder:
    """Takes records as the client does, without limit."""

    def __init__(self) -> None:
        self.records: list[tuple[dict[str, bytes], bytes, bytes]] = []

    def append(self, *, timestamp: int, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]]) -> int:
        self.records.append((dict(headers), value, key or b""))
        return len(self.records)

    def record_count(self) -> int:
        return len(self.records)


def sent(*segments: Segment, is_bundled: bool, form: str = "pilotfish", key: Key = "container") -> list[Record]:
    """The records that the output makes of segments, in one partition."""
    written: Form = form_of(form)
    packing = Packing(How(written, form, key, is_bundled, 1_048_588, 1_000_000), Builder)
    for one in segments:
        packing.add(one, "shop", [0])
    found = [each for batch in packing.sealed for each in batch.builder.records]
    return [Record(offset, 0, *each) for offset, each in enumerate(found)]


def chunk(records: Sequence[Record], first: int = 0, stream: LogStream = PARTITION) -> Records:
    start, end = (
        Position(FileId(PARTITION.container_id, "shop-0", 0), 0, at, cursor=Cursor(at))
        for at in (first, records[-1].offset + 1)
    )
    return Records(stream=stream, data=b"".join(one.value for one in records), start=start, end=end,
                   records=tuple(records), settling=Settling(first))  # fmt: skip


def by_id(segments: Sequence[Segment]) -> dict[str, bytes]:
    return {
        name: body for one in segments for name, body in zip(one.ids, one.documents, strict=True)
    }  # fmt: skip


@pytest.mark.parametrize("is_bundled", [True, False])
@pytest.mark.parametrize("form", ["pilotfish", "ecs", "otel"])
def test_documents_ids_days_and_targets_are_those_of_the_first_agent(is_bundled: bool, form: str) -> None:
    stream = log_stream("till", container_id="beef")
    logs = [one for one in HOSTILE_LOGS if form == "pilotfish" or "surrogate" not in one]  # no other form keeps halves
    hostile = segment([document(log.encode(), stream) for log in logs], stream)
    parts = [plain_segment(5), plain_segment(5, day="2026-11-24", first=5), hostile]
    found = Relayed().take(chunk(sent(*parts, is_bundled=is_bundled, form=form))).segments
    assert by_id(found) == by_id(parts)
    assert [(one.stream.target, one.day, one.stream.container, dict(one.stream.fields)) for one in found] == [
        (one.stream.target, one.day, one.stream.container, dict(one.stream.fields)) for one in parts
    ]
    assert {one.stream.key for one in found} == {PARTITION.key}
    assert [one.stream.container_id for one in found] == [one.stream.container_id for one in parts]


def test_what_no_agent_wrote_has_an_id_of_its_place_and_the_time_of_its_record() -> None:
    values = [b"plain", b'{"message":"json"}', b"\xff\xfe", b"two\nlines", b"", b'{"a":1']
    records = [Record(7 + n, 1_764_000_000_000, {}, value) for n, value in enumerate(values)]
    found = by_id(Relayed().take(chunk(records, 7)).segments)
    assert [*found] == ["shop-0-7", "shop-0-8", "shop-0-9", "shop-0-10", "shop-0-12"]
    assert json.loads(found["shop-0-8"])["log"] == {"message": "json"}
    assert json.loads(found["shop-0-10"])["log"] == {"message": "two\nlines"}
    assert {json.loads(one)["@timestamp"] for one in found.values()} == {"2025-11-24T16:00:00.000000000Z"}


def test_the_offset_that_may_be_committed_follows_what_is_settled_in_order() -> None:
    parts = [plain_segment(2), plain_segment(2, "till"), plain_segment(2, "shop", file="other")]
    given = chunk(sent(*parts, is_bundled=True))
    settling = given.settling
    assert (settling.offset, settling.is_over) == (0, True)
    segments = Relayed().take(given).segments
    assert [one.ticket.end.line for one in segments] == [1, 2, 3]
    segments[1].ticket.is_settled = True
    assert (settling.offset, settling.is_over) == (0, False)
    segments[0].ticket.is_settled = True
    assert settling.offset == 2
    segments[2].ticket.is_settled = True
    assert (settling.offset, settling.is_over) == (3, True)


@given(st.data())
@examples(3)
def test_damaged_records_of_agents_break_nothing(data: st.DataObject) -> None:
    good = sent(plain_segment(3), is_bundled=data.draw(st.booleans()))[0]
    value = bytearray(good.value)
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(value) - 1))
        value[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    names = st.dictionaries(st.sampled_from([*good.headers]), st.binary(max_size=5), max_size=3)
    record = good._replace(value=bytes(value), headers={**good.headers, **data.draw(names)})
    for one in Relayed().take(chunk([record])).segments:
        assert len(one.ids) == one.count
        assert all(one.ids)
        assert all(b"\n" not in each for each in one.documents)


def test_a_bundle_with_odd_ids_is_split_by_json() -> None:
    one = plain_segment(2)
    odd = Segment(stream=one.stream, day=one.day, documents=one.documents, ids=['a"b', "c\\d"], size=one.size,
                  ticket=one.ticket)  # fmt: skip
    assert by_id(Relayed().take(chunk(sent(odd, is_bundled=True))).segments) == by_id([odd])
