"""Laws of `docker_attrs`: there only where it is asked for, trusted, bounded, and the same on both paths."""

import json
from typing import Any

import pytest
from msgspec.structs import replace

from collector.documents.document import Pilotfish
from collector.documents.refused import as_original, as_text
from collector.model import Chunk, FileId, Position, Rejected
from collector.text.bounds import MOST_BYTES
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import TIME, log_stream, raw

FILE = FileId("c0ffee", "0badcafe", 0)
BLANK = b"\n"  # a chunk with a blank line is never taken on the fast path
SHOP = {"tag": "shop/1", "com.example.team": "web", "LANG": "C"}
SHIPPED = ["LANG=C", "com.example.team=web", "tag=shop/1"]


def with_attrs(line: bytes, attrs: str) -> bytes:
    """As Docker writes it: before the time."""
    return line.replace(b',"time"', f',"attrs":{attrs},"time"'.encode())


def read(*lines: bytes, asked: bool = True) -> list[dict[str, Any]]:
    return [json.loads(document) for document in documents(*lines, asked=asked)]


def documents(*lines: bytes, asked: bool = True) -> list[bytes]:
    data = b"".join(lines)
    chunk = Chunk(
        stream=log_stream("/x"),
        data=data,
        start=Position(FILE, 0, 0),
        end=Position(FILE, len(data), len(lines)),
        ended=True,
    )
    segments = DockerJson(Stamps(), composer=Pilotfish(with_attrs=asked)).segments(chunk)
    return [document for segment in segments for document in segment.documents]


@pytest.mark.parametrize("slow", [False, True])
def test_what_log_opts_add_is_a_list_of_texts_where_it_is_asked_for(slow: bool) -> None:
    lines = [with_attrs(raw(text), json.dumps(SHOP)) for text in ("text\n", '{"a":1}\n')]
    found = read(*lines, raw("without\n"), *lines[:1], *([BLANK] if slow else []))
    assert [one.get("docker_attrs") for one in found[:4]] == [SHIPPED, SHIPPED, None, SHIPPED]
    assert [one["log"] for one in found[:4]] == [
        {"message": "text"},
        {"a": 1},
        {"message": "without"},
        {"message": "text"},
    ]
    assert all(one["docker_container"] == "c0ffee-1" for one in found)


@pytest.mark.parametrize("slow", [False, True])
def test_without_being_asked_for_nothing_changes(slow: bool) -> None:
    blank = [BLANK] if slow else []
    plain = documents(raw("text\n"), *blank, asked=False)
    assert documents(with_attrs(raw("text\n"), json.dumps(SHOP)), *blank, asked=False) == plain
    assert documents(raw("text\n"), *blank, asked=True) == plain


def test_pieces_of_a_line_have_it_once() -> None:
    (found,) = read(*(with_attrs(raw(piece), json.dumps(SHOP)) for piece in ("a", "b", "c\n")))
    assert (found["log"], found["docker_attrs"]) == ({"message": "abc"}, SHIPPED)


@pytest.mark.parametrize(
    "attrs",
    [
        {"@timestamp": "x", "host": "evil", "@target": "victim", "docker_container": "evil", "log": "{}"},
        {'","stream":"stderr","x":"': '","host":"evil","y":"'},
        {'x","stream': '"stderr"'},
        {"a\nb": "c\r\n\0"},
        {"a": "b", "a.b": "c", "a.b.c": "d"},
    ],
)
def test_no_attribute_reaches_a_trusted_member(attrs: Any) -> None:
    if isinstance(attrs, set):
        attrs = dict.fromkeys(attrs, "y")
    (body,) = documents(with_attrs(raw("text\n", stream="stderr"), json.dumps(attrs)))
    found = json.loads(body, object_pairs_hook=list)
    assert len({name for name, _ in found}) == len(found)
    members = dict(found)
    assert (members["stream"], members["@timestamp"], members["host"]) == ("stderr", TIME, "moby")
    assert members["docker_attrs"] == [f"{key}={value}" for key, value in sorted(attrs.items())]
    assert b"\n" not in body
    assert_text_form_can_be_undone(body)


def assert_text_form_can_be_undone(body: bytes) -> None:
    data = with_attrs(raw('{"a":1}\n'), json.dumps({'","stream":"': '","delivery_error":"'}))
    chunk = Chunk(stream=log_stream("/x"), data=data, start=Position(FILE, 0, 0), end=Position(FILE, len(data), 1))
    (segment,) = DockerJson(Stamps(), composer=Pilotfish(with_attrs=True)).segments(chunk)
    for document in (body, segment.documents[0]):
        text = as_text(Rejected(replace(segment, documents=[document], size=len(document)), 0, "why", "because"))
        assert json.loads(text.documents[0])["delivery_error"] == "why"
        assert as_original(text.documents[0]) == document


@pytest.mark.parametrize(
    ("attrs", "shipped"),
    [
        ("{}", None),
        ('{"a":1}', None),
        ("null", None),
        ('"text"', None),
        ('["a","b"]', None),
        ('{"a":1,"b":null,"c":{"d":"e"},"f":"g"}', ["f=g"]),
        ('{"half":"\\\\ud83d"}'.replace("\\\\", "\\"), ["half=\ufffd"]),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_what_is_no_text_is_left_out(attrs: str, shipped: list[str] | None, slow: bool) -> None:
    found = read(with_attrs(raw("text\n"), attrs), *([BLANK] if slow else []))[0]
    assert (found["log"], found.get("docker_attrs")) == ({"message": "text"}, shipped)


def test_they_are_bounded_whatever_a_container_is_labelled() -> None:
    (found,) = read(with_attrs(raw("x\n"), json.dumps({"k": "A" * 204_800})))
    assert len(found["docker_attrs"][0].encode()) <= MOST_BYTES
    (found,) = read(with_attrs(raw("x\n"), json.dumps({f"key {n:04}": "v" for n in range(5000)})))
    assert (len(found["docker_attrs"]), found["docker_attrs"][-1]) == (65, "…")
