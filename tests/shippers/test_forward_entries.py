"""Laws of entries: a record says what its document says, or the document is told; times are exact."""

import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.forms import form_of
from shippers.forward.entries import entries_of, event_time, message
from tests.contract.segments import document, log_stream, segment
from tests.examples import examples

FORM = form_of("pilotfish")
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(['":', '\\":', '{"a":1}', "["])
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    plain | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=20,
)
separators = st.sampled_from([(",", ":"), (", ", ": "), (" , ", " : "), (",", "\t:")])
logs = st.dictionaries(texts, values, max_size=6)


def records(data: bytes, count: int) -> list[Any]:
    entries = msgspec.msgpack.decode(b"\xdd" + count.to_bytes(4, "big") + data)
    assert {each.code for each, _ in entries} <= {0}
    return [record for _, record in entries]


@given(st.lists(logs, max_size=3), separators)
@examples(1)
def test_a_record_says_what_its_document_says(found: list[dict[str, Any]], separators: tuple[str, str]) -> None:
    stream = log_stream()
    bodies = [json.dumps(log, separators=separators).encode() for log in found]
    sent = segment([document(body, stream) for body in bodies], stream)
    entries = entries_of(sent, FORM)
    assert entries.misfits == []
    expected = [{"_id": name, **orjson.loads(body)} for name, body in zip(sent.ids, sent.documents, strict=True)]
    assert records(entries.data, len(expected)) == expected


@given(logs.filter(bool), separators, st.data())
@examples(1)
def test_an_object_with_one_key_twice_is_never_sent_as_if_it_had_it_once(
    log: dict[str, Any], separators: tuple[str, str], data: st.DataObject
) -> None:
    stream = log_stream()
    key = data.draw(st.sampled_from(sorted(log)))
    whole, more = (json.dumps(each, separators=separators) for each in (log, {key: "again"}))
    entries = entries_of(segment([document(f"{whole[:-1]},{more[1:]}".encode(), stream)], stream), FORM)
    assert [misfit.reason for misfit in entries.misfits] == ["it has one key twice in an object"]
    assert entries.data == b""


@given(
    st.datetimes(datetime(1970, 1, 2), datetime(2106, 2, 1), timezones=st.just(UTC)),
    st.integers(-14 * 60, 14 * 60),
    st.text("0123456789", max_size=9),
)
@examples(3)
def test_a_time_is_exact_in_whatever_zone_it_is_written(when: datetime, minutes: int, fraction: str) -> None:
    local = when.astimezone(timezone(timedelta(minutes=minutes)))
    text = local.isoformat(timespec="seconds")
    stamp = f"{text[:19]}{f'.{fraction}' if fraction else ''}{text[19:]}"
    assert event_time(stamp) == struct.pack(">II", int(when.timestamp()), int(fraction.ljust(9, "0")))


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        ("1969-12-31T23:59:59Z", 0),
        ("2107-01-01T00:00:00Z", 2**32 - 1),
        ("2026-02-31T00:00:00Z", 0),
        ("yesterday", 0),
        ("", 0),
    ],
)
def test_what_is_no_time_or_beyond_all_times_is_the_nearest(stamp: str, seconds: int) -> None:
    assert event_time(stamp) == struct.pack(">II", seconds, 0)


def test_the_text_that_acknowledges_is_of_the_tag_and_the_ids() -> None:
    made = [
        message(tag, b"", [names], count=1, compress=False)[0]
        for tag, names in (("a", ["1", "2"]), ("a", ["1", "2"]), ("b", ["1", "2"]), ("a", ["12"]))
    ]
    assert made[0] == made[1]
    assert len(set(made)) == 3
