"""`collector.documents.apart`: documents taken apart for outputs with forms of their own."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.apart import Apart, level_of_line, line_of, text_of
from collector.documents.composer import FinishedLine
from collector.documents.document import Pilotfish
from collector.text.times import iso
from tests.contract.segments import log_stream

STREAM = log_stream()


def made(text: str, *, time: str = "2026-11-23T02:13:00.5Z", is_cut: bool = False) -> bytes:
    line = FinishedLine(text, "stderr", time, "id-1", is_cut=is_cut)
    return Pilotfish().finished(STREAM, [line], [time]).documents[0]


@given(st.text())
def test_a_line_that_is_text_is_given_as_it_was_and_one_of_json_as_json(text: str) -> None:
    taken = Apart(dict)(made(text))
    line = line_of(taken.log)
    whole = text_of(taken.log)
    if whole is None:
        assert orjson.loads(line) == orjson.loads(taken.log)
    else:
        assert line.decode() == orjson.loads(whole) == orjson.loads(taken.log)["message"]


@pytest.mark.parametrize("text", ['{"a":1}', ' {"message":"x"} ', '{"message":"{}"}'])
def test_a_text_that_would_be_read_as_json_stays_in_its_object(text: str) -> None:
    log = b'{"message":%b}' % orjson.dumps(text)
    assert text_of(log) is None
    assert line_of(log) == log


def test_a_text_that_begins_like_json_is_a_text() -> None:
    assert line_of(Apart(dict)(made("{not json")).log) == b"{not json"


@given(st.integers(0, 253_402_300_799_999_999_999))
def test_every_nanosecond_of_a_time_is_read(nanoseconds: int) -> None:
    assert Apart(dict)(made("x", time=iso(nanoseconds))).nanoseconds == nanoseconds


def test_what_is_made_of_the_members_is_made_once_for_a_stream() -> None:
    seen: list[Mapping[str, Any]] = []

    def number(members: Mapping[str, Any]) -> int:
        seen.append(dict(members))
        return len(seen)

    apart = Apart(number)
    times = ("2026-11-23T02:13:00Z", "2026-11-24T00:00:00.1Z")
    assert [apart(made(time, time=time)).around for time in times] == [1, 1]
    assert seen == [{"stream": "stderr", **STREAM.fields}]
    assert apart(made("three", is_cut=True)).around == 2
    assert seen[1] == {"stream": "stderr", "truncated": True, **STREAM.fields}


@pytest.mark.parametrize("other", [b"", b"{}", b'{"log":{}}', b'{"log":{},"stream":"x"}'])
def test_what_is_no_document_is_refused(other: bytes) -> None:
    with pytest.raises(ValueError, match="document"):
        Apart(dict)(other)


def test_the_level_is_read_from_text_and_json() -> None:
    levels = [level_of_line(log, text_of(log)) for log in (b'{"message":"ERROR: x"}', b'{"level":"warn"}', b'{"a":1}')]
    assert levels == ["error", "warn", ""]
