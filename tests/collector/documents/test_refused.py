"""Laws of the text form: it can be undone, whatever the line was."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collector.documents.document import is_document, is_text
from collector.documents.json_text import log_of
from collector.documents.refused import as_original, as_text
from collector.model import Chunk, FileId, Position, Rejected, Segment, Ticket
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream, raw

FILE = FileId("c0ffee", "head", 0)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
LINES = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"])),
    JSON.map(json.dumps),
    st.builds(lambda inner: json.dumps({"message": inner}), st.text() | JSON.map(json.dumps)),
    st.builds(lambda inner: json.dumps({"message": inner}, separators=(",", ":")), st.text() | JSON.map(json.dumps)),
)


def documents(*texts: str) -> list[bytes]:
    data = b"".join(raw(f"{text}\n") for text in texts)
    file = FileId("c0ffee", "head", 0)
    chunk = Chunk(
        stream=log_stream("/x"), data=data, start=Position(file, 0, 0), end=Position(file, len(data), len(texts))
    )
    return [document for segment in DockerJson(Stamps()).segments(chunk) for document in segment.documents]


def text_of(document: bytes) -> bytes:
    segment = Segment(
        stream=log_stream("/x"),
        day="2017-11-27",
        documents=[document],
        ids=["a"],
        size=len(document),
        ticket=Ticket(Position(FILE, 0, 0)),
    )
    return as_text(Rejected(segment, 0, "mapper_parsing_exception", "")).documents[0]


@given(LINES)
@example('{"message":"{\\"a\\":1}"}')
@example('{"message":"x"}')
@example('{"a":1e999}')
@example('{"a":1,"a":2}')
@example(',"stream":"stdout","delivery_error":"x"}')
@example('{"a":\n1}')
@example("[" * 2000)
def test_a_document_that_was_made_text_becomes_itself_again(text: str) -> None:
    for document in documents(text):
        made = text_of(document)
        assert is_text(made)
        assert is_document(made)
        assert not is_text(document)
        assert as_original(made) == document
        assert as_original(document) == document


@given(LINES)
def test_a_line_is_taken_for_an_object_where_the_transform_does_so(text: str) -> None:
    (document,) = documents(text.replace("\n", " ").removesuffix("\r"))
    assert document.startswith(b'{"log":' + log_of(text.replace("\n", " ").removesuffix("\r")).encode() + b',"stream"')


@pytest.mark.parametrize("log", [b"7", b'{"other":1}', b"{", b'"x"', b""])
def test_a_text_that_somebody_else_changed_stays_as_it_is(log: bytes) -> None:
    odd = b'{"log":%b,"stream":"stdout","delivery_error":"x"}' % log
    assert as_original(odd) == odd
