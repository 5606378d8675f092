"""What protocols for single lines ask of a document."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.summary import Summary, summary
from tests.contract.segments import document, log_stream
from tests.examples import examples

TIME = "2026-11-23T02:13:00.768123456Z"


@pytest.mark.parametrize(
    ("log", "level", "message"),
    [
        ({"message": "hello"}, "", "hello"),
        ({"message": "[ERROR] no disk"}, "error", "[ERROR] no disk"),
        ({"message": "[ERROR] no disk", "level": "info"}, "info", "[ERROR] no disk"),
        ({"msg": "hello", "severity": "WARNING"}, "warn", "hello"),
        ({"level": 50, "msg": "x"}, "error", "x"),
        ({"a": 1}, "", '{"a": 1}'),
        ({"message": "two\nlines"}, "", "two\nlines"),
        ({"message": "a", "user": "ERROR"}, "", "a"),
    ],
)
def test_level_and_message_are_those_of_the_line(log: object, level: str, message: str) -> None:
    assert summary(document(log, log_stream())) == Summary(TIME, "stdout", level, message)


def test_a_trusted_level_goes_before_that_of_the_line() -> None:
    found = document({"message": "x", "level": "info"}, log_stream())[:-1] + b',"level":"fatal","severity_number":21}'
    assert summary(found).level == "fatal"


def test_members_of_a_line_are_not_taken_for_trusted_ones() -> None:
    log = {"message": ',"stream":"no","@timestamp":"no","level":"fatal"', "stream": "no", "@timestamp": "no"}
    found = summary(document(log, log_stream(), output="stderr"))
    assert found == Summary(TIME, "stderr", "", log["message"])


@given(st.binary(max_size=200))
@examples(3)
def test_what_is_no_document_is_all_message(data: bytes) -> None:
    assert isinstance(summary(data).message, str)


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=5), st.sampled_from(["stdout", "stderr"]))
@examples(3)
def test_any_line_has_the_time_and_stream_that_docker_gave_it(log: dict[str, str], output: str) -> None:
    found = summary(document(json.dumps(log).encode(), log_stream('t",'), output=output))
    assert (found.time, found.stream) == (TIME, output)
