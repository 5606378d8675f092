"""Laws of the forms of documents: each can be undone, no line loses anything, and none reaches what is trusted."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.documents.document import is_text
from collector.documents.forms import FORMS, KEPT, form_of
from collector.documents.refused import as_original
from tests.collector.documents.test_refused import JSON, LINES, documents, text_of

NAMES = st.sampled_from(
    [
        "target",
        "delivery",
        "docker_image",
        "docker_service",
        "k8s_pod",
        "team",
        "host",
        "docker_label_a",
        "level",
        "app",
    ]
)
OWN = {"truncated": True, "line": 7, "severity_number": 9, "repeated": 3, "sampled": 10, "docker_attrs": ["a=b"],
       "docker_time": "2026", "first": "2026", "last": "2027"}  # fmt: skip
TRUSTED = ("message", "stream", "host", "log", "labels", "container", "attributes", "resource", "body", "severity_text")
OTHERS = [name for name in FORMS if name != KEPT]
each_form = pytest.mark.parametrize("form", FORMS)


def with_members(document: bytes, members: dict[str, object]) -> bytes:
    return b"%b,%b" % (document[:-1], json.dumps(members).encode()[1:]) if members else document


def members_of(document: bytes) -> dict[str, Any]:
    """All but `log`, which may hold what this parser changes."""
    found: dict[str, Any] = json.loads(document)
    del found["log"]
    return found


def log_bytes(document: bytes) -> bytes:
    return document[: document.rindex(b',"stream":"')]


@each_form
@given(
    LINES,
    st.dictionaries(NAMES, st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0, 9) | st.booleans()),
    st.sets(st.sampled_from(sorted(OWN))),
)
@example('{"message":"x"}', {}, set())
@example('{"message":"\\u00e9\\"\\\\"}', {}, set())
@example('{"message": "x"}', {}, set())
@example('{"target":5}', {"target": 5}, set())
@example('{"message":"x","message":"y"}', {}, set())
@example('{"a":1e999,"a":12345678901234567890123}', {}, set())
@example('{"body":{"text":"x"},"app":1,"@timestamp":"x"}', {}, set())
@example('{"message":1e999,"msg":"x"}', {}, set())
@example('{"message":1234567890123456789012345678901234567890}', {}, set())
@example('{"message":' + "[" * 900 + "]" * 900 + "}", {}, set())
@example(',"stream":"stdout","delivery_error":"x"}', {}, set())
@example("[" * 2000, {}, set())
def test_a_form_can_be_undone_and_the_line_stands_in_it_as_it_was_written(
    form: str, text: str, chosen: dict[str, object], own: set[str]
) -> None:
    made = form_of(form)
    for kept in documents(text):
        for document in (with_members(kept, {**chosen, **{name: OWN[name] for name in own}}), text_of(kept)):
            (written,) = made.written([document])
            read = made.read(written)
            assert log_bytes(read) == log_bytes(document)
            assert members_of(read) == members_of(document)
            assert is_text(read) == is_text(document)
            assert b"\n" not in written
            assert (written == document) == (form == KEPT)


@each_form
def test_a_document_in_the_order_of_the_specification_is_itself_again(form: str) -> None:
    made = form_of(form)
    for document in documents("plain", '{"a":1}', '{"msg": "x", "trace_id": "y"}'):
        for each in (document, text_of(document)):
            (written,) = made.written([each])
            assert made.read(written) == each


@pytest.mark.parametrize("form", OTHERS)
def test_a_refused_document_becomes_itself_again_in_whatever_order_a_server_gives_its_members(form: str) -> None:
    """Elasticsearch makes documents anew of their fields where an index is in the mode `logsdb`, by name."""
    made = form_of(form)
    for kept in documents('{"a":1}'):
        document = with_members(kept, {"team": "x", "docker_attrs": ["a=b"]})
        (written,) = made.written([text_of(document)])
        read = made.read(json.dumps(json.loads(written), sort_keys=True).encode())
        assert json.loads(as_original(read)) == json.loads(document)


@pytest.mark.parametrize("form", OTHERS)
@given(st.dictionaries(st.sampled_from(TRUSTED) | st.text(), JSON, max_size=5))
def test_no_line_reaches_a_member_that_is_not_its_own(form: str, line: dict[str, object]) -> None:
    made = form_of(form)
    (plain,), (hostile,) = (
        [json.loads(each) for each in made.written(documents(text))] for text in ("plain", json.dumps(line))
    )
    for own in ("message", "app", "body", "trace", "span", "trace_id", "span_id"):
        plain.pop(own, None)
        hostile.pop(own, None)
    assert hostile == plain


@pytest.mark.parametrize("form", OTHERS)
@given(st.binary(max_size=200))
@example(b'{"log":{},"stream":"')
@example(b'{"log":{},"stream":"x"}')
@example(b'{"log":{},"stream":"x","@timestamp":"}')
@example(b'{"log":{},"stream":"x","@timestamp":"","host":x}')
def test_what_is_no_document_stays_as_it_is(form: str, found: bytes) -> None:
    assert form_of(form).written([found]) == [found]
    assert b'"app":' in found or b'"body":' in found or form_of(form).read(found) == found


@pytest.mark.parametrize(
    ("text", "message", "trace"),
    [
        ("plain words", "plain words", None),
        ('{"message":"a","msg":"b"}', "a", None),
        ('{"message":{"a":1},"msg":"b","trace_id":"t"}', "b", "t"),
        ('{"message":5,"trace.id":"t"}', "5", "t"),
        ('{"a":1,"trace_id":7,"traceId":"t"}', None, "t"),
        ('{"a":1,"trace_id":7}', None, None),
    ],
)
def test_the_message_and_the_trace_of_a_line_stand_where_the_form_has_them(
    text: str, message: str | None, trace: str | None
) -> None:
    (document,) = documents(text)
    ecs, otel = (json.loads(form_of(form).written([document])[0]) for form in OTHERS)
    assert (ecs.get("message"), otel["body"].get("text")) == (message, message)
    assert (ecs.get("trace", {}).get("id"), otel.get("trace_id")) == (trace, trace)
    assert (ecs.get("app"), otel["body"].get("flattened")) == (
        (None, None) if text[0] != "{" else (json.loads(text),) * 2
    )


def test_the_published_documents() -> None:
    page = (Path(__file__).parents[3] / "docs" / "document.md").read_text()
    kept, *others = (json.dumps(json.loads(block)) for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    document = kept.replace(": ", ":").replace(", ", ",").encode()
    assert [json.dumps(json.loads(form_of(form).written([document])[0])) for form in OTHERS] == others


@each_form
def test_each_trusted_member_has_a_field_of_its_own(form: str) -> None:
    made = form_of(form)
    names = ["@timestamp", "stream", "host", "@target", "docker_container", "docker_container_id", "docker_image",
             "docker_app", "docker_service", "docker_task", "k8s_pod", "k8s_pod_namespace", "k8s_container_name",
             "truncated", "docker_attrs", "delivery_error", "level", "severity_number", "line", "docker_time",
             "repeated", "sampled", "first", "last", "team",
             "docker_label_a"]  # fmt: skip
    fields = [made.field(name, is_trusted=True) for name in names]
    fields += [made.field(name, is_trusted=False) for name in ("message", "msg", "level", "a.b")]
    assert len({*fields}) == len(fields)


def test_a_form_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="there is no form 'gelf'; the forms are ecs, otel, pilotfish"):
        form_of("gelf")
