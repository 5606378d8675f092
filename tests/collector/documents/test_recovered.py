"""What this version or 0.1.0 kept on disk is a segment with the fields and times that its documents carry."""

from zlib import crc32

import msgspec
from isal import isal_zlib

from collector.dead_letters import letter
from collector.delivery.spool import records
from collector.documents import document
from collector.documents.refused import as_text
from collector.model import Rejected, Segment
from tests.contract.segments import plain_segment

DOCUMENT = (
    b'{"log":{"level":"info","msg":"x"},"stream":"stderr","@timestamp":"2026-11-23T02:13:00.5Z","truncated":true,'
    b'"host":"moby","@target":"shop","docker_container":"web-1","docker_app":"shop","docker_attrs":["a=b"]}'
)
FIELDS = {"host": "moby", "@target": "shop", "docker_container": "web-1", "docker_app": "shop"}


def assert_recovered(segment: Segment, documents: list[bytes]) -> None:
    assert (segment.documents, segment.size) == (documents, sum(map(len, documents)))
    assert segment.stream.fields == FIELDS
    assert [document.time(one) for one in segment.documents] == ["2026-11-23T02:13:00.5Z"] * len(documents)
    assert (segment.stream.container_id, segment.stream.container, segment.stream.target) == ("c0ffee", "web-1", "shop")
    assert (segment.day, list(segment.ids)) == ("2026-11-23", ["a-1", "a-2"][: len(documents)])


def test_a_record_of_the_spool_of_0_1_0_gives_its_fields() -> None:
    kept = ["c0ffee", "web-1", "", "shop", "2026-11-23", ["a-1", "a-2"], [DOCUMENT, DOCUMENT]]
    payload = isal_zlib.compress(msgspec.msgpack.encode([[kept], []]), level=1, wbits=31)
    record = records.decode(records.Head(2, len(payload), crc32(payload)), payload)
    assert record is not None
    (segment,) = record.segments
    assert_recovered(segment, [DOCUMENT, DOCUMENT])


def test_a_dead_letter_of_0_1_0_gives_its_fields_and_its_original() -> None:
    head = (
        b'{"reason":"mapper_parsing_exception","detail":"","time":"2026-11-23T02:14:00+00:00","_id":"a-1",'
        b'"container_id":"c0ffee","container":"web-1","entry":"","target":"shop","day":"2026-11-23",'
    )
    text = (
        b'{"log":{"message":"{\\"level\\":\\"info\\",\\"msg\\":\\"x\\"}"}'
        + DOCUMENT[DOCUMENT.index(b',"stream"') : -1]
        + b',"delivery_error":"mapper_parsing_exception"}'
    )
    found = letter.read(head + b'"document":' + text + b"}\n")
    assert found is not None
    (segment,) = letter.segments([found])
    assert_recovered(segment, [DOCUMENT])


def test_a_spooled_segment_has_the_fields_of_the_one_that_was_read() -> None:
    fresh = plain_segment(3)
    text = as_text(Rejected(fresh, 1, "why", ""))
    for segment in (fresh, text):
        raw = records.encode([segment], frozenset())
        head = records.head_of(raw)
        assert head is not None
        record = records.decode(head, raw[records.RECORD_HEADER.size :])
        assert record is not None
        assert record.segments[0].stream.fields == fresh.stream.fields
        assert record.segments[0].documents == segment.documents
