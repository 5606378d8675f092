"""Laws of a document's bytes: what was composed is found in it again, and no bytes harm who looks into them."""

import json
from collections import UserDict
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents import document
from collector.documents.composer import FinishedLine, Made
from collector.documents.document import Pilotfish
from collector.documents.json_text import log_of
from collector.model import Chunk, FileId, LogStream, Position
from collector.transform.docker_json import DockerJson
from collector.transform.envelope import LineWithAttrs
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import TIME, log_stream, raw

STREAM = log_stream("/x")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
HOSTILE = st.sampled_from(
    [
        ',"stream":"stderr","@timestamp":"1970-01-01T00:00:00Z","host":"evil"}',
        '{"log":{},"stream":"x","@timestamp":"x","delivery_error":"x"}',
        '{"a":"x\\",\\"stream\\":\\"stderr\\","}',
        '{",\\"stream\\":\\"":",\\"delivery_error\\":\\""}',
        '{"stream":"x","a":1,"stream":"y","@timestamp":"z","delivery_error":"w","docker_attrs":["v"]}',
        '{"a":{"b":1,"stream":"x","@timestamp":"y","delivery_error":"x"}}',
        '","truncated":true,"',
        "{\n}",
        "}",
    ]
)
WRITTEN = TEXTS | HOSTILE | st.dictionaries(TEXTS | HOSTILE, TEXTS | HOSTILE | st.integers()).map(json.dumps)
FIELDS = st.dictionaries(TEXTS.filter(lambda name: name not in document.NOT_FIELDS), TEXTS | HOSTILE, max_size=4)
ATTRS = st.dictionaries(TEXTS | HOSTILE, TEXTS | HOSTILE, max_size=3)


def composed(
    written: str, fields: Mapping[str, str], attrs: Mapping[str, str], *, is_cut: bool = False
) -> tuple[bytes, str]:
    """The document of a line, and the JSON of its `log`."""
    log = log_of(written)
    line = FinishedLine(written, "stdout", TIME, "a", json.dumps(attrs).encode() if attrs else b"", is_cut)
    (found,) = Pilotfish(with_attrs=True).finished(replace(STREAM, fields=fields), [line], [TIME]).documents
    return found, log


@given(WRITTEN, FIELDS, ATTRS, st.booleans())
@example("", {}, {}, True)
def test_what_was_composed_is_found_again(
    written: str, fields: Mapping[str, str], attrs: Mapping[str, str], is_cut: bool
) -> None:
    found, log = composed(written, fields, attrs, is_cut=is_cut)
    assert b"\n" not in found
    assert document.is_document(found)
    assert not document.is_text(found)
    assert document.split(found).log == log.encode()
    assert b"%b%b%b}" % (document.HEAD, *document.split(found)) == found
    assert document.time(found) == TIME
    assert document.fields(found) == fields
    members = json.loads(found, object_pairs_hook=list)
    names = ["log", "stream", "@timestamp", *["truncated"] * is_cut, *fields, *["docker_attrs"] * bool(attrs)]
    assert [name for name, _ in members] == names


@given(WRITTEN, FIELDS, ATTRS)
def test_a_whole_line_gives_the_same_document_at_one_go(
    written: str, fields: Mapping[str, str], attrs: Mapping[str, str]
) -> None:
    text = written.removesuffix("\r")
    given_attrs = json.dumps(attrs).encode() if attrs else b""
    line = LineWithAttrs(log=f"{text}\n", time=TIME, stream="stdout", attrs=given_attrs)  # type: ignore[arg-type]
    stream = replace(STREAM, fields=fields)
    made = Pilotfish(with_attrs=True).whole_lines(stream, [line], [TIME], ["a"])
    assert made == ([composed(text, fields, attrs)[0]], [TIME], ["a"])


@given(st.binary() | st.builds(bytes.__add__, st.just(b'{"log":'), st.binary()) | HOSTILE.map(str.encode))
@example(b'{"log":{"message":"x')
@example(b'{"log":,"stream":"}')
@example(b'{"log":' + b"[" * 100_000 + b',"stream":"}')
@example(b'{"log":{"message":"\xff"},"stream":"x","@timestamp":"\xff"}')
@example(b'{"log":{"level":1e999},"stream":"","@timestamp":}')
def test_nothing_that_is_asked_of_other_bytes_fails(other: bytes) -> None:
    assert isinstance(document.time(other), str)
    assert isinstance(document.message(other), str)
    assert isinstance(document.level(other), str)
    assert isinstance(document.fields(other), dict)
    if not document.is_document(other):
        assert (document.message(other), document.level(other), document.fields(other)) == ("", "", {})
        with pytest.raises(ValueError, match="no document"):
            document.split(other)


@pytest.mark.parametrize(
    "other",
    [
        b'{"@timestamp":"2026-11-23T02:13:00Z","message":"x"}',
        b'{"log":{"@timestamp":"2026-11-23T02:13:00Z"},"stream":"x"}',
        b'{"log":{},"stream":"x","@timestamp":"2026',
        b'{"log":{},"stream":"x","@timestamp":2026}',
        b',"stream":"',
        b"",
    ],
)
def test_a_time_is_read_only_where_a_document_has_it(other: bytes) -> None:
    assert document.time(other) == ""


@pytest.mark.parametrize(
    ("log", "message", "level"),
    [
        ("plain text", "plain text", ""),
        ('{"message":"m","level":"warn"}', "m", "warn"),
        ('{"msg":"m","severity":"ERROR","message":{"no":"text"}}', "m", "ERROR"),
        ('{"@m":"m","@l":"Fatal"}', "m", "Fatal"),
        ('{"msg":"m","level":50}', "m", "error"),
        ('{"msg":"m","level":35}', "m", "35"),
        ('{"log.level":"info","message":"m"}', "m", "info"),
        ('{"a":{"message":"inner","level":"inner"},"b":[1]}', '{"a":{"message":"inner","level":"inner"},"b":[1]}', ""),
        ('{"message":"first","message":"last"}', "last", ""),
        ('{"message":7,"level":null}', "7", ""),
        ('{"n":123456789012345678901234567890,"message":"größe \\u20ac","level":"x"}', "größe €", "x"),
        ("{}", "{}", ""),
    ],
)
def test_message_and_level_are_what_the_application_calls_so(log: str, message: str, level: str) -> None:
    found, _ = composed(log, {"host": "h", "level": "trusted", "message": "trusted"}, {})
    assert (document.message(found), document.level(found)) == (message, level)


def test_a_composer_follows_a_rename_and_encodes_the_fields_of_a_stream_once() -> None:
    class Counted(UserDict[str, str]):
        times = 0

        def keys(self) -> Any:
            Counted.times += 1
            return super().keys()

    composer = Pilotfish()
    line = FinishedLine("{}", "stdout", TIME, "a")

    def made(stream: LogStream) -> str:
        (found,) = composer.finished(stream, [line], [TIME]).documents
        return document.fields(found)["docker_container"]

    before, after = (replace(STREAM, fields=Counted({"docker_container": name})) for name in ("before", "after"))
    assert [made(before), made(before), made(after), made(after)] == ["before", "before", "after", "after"]
    assert Counted.times == 2


class Shouting(Pilotfish):
    """Another form: what a composer gives is taken as it is."""

    def whole_lines(self, *args: Any) -> Made | None:
        found = super().whole_lines(*args)
        return None if found is None else _shouted(found)

    def finished(self, *args: Any) -> Made:
        return _shouted(super().finished(*args))


def _shouted(made: Made) -> Made:
    return made._replace(documents=[one.upper() for one in made.documents])


@pytest.mark.parametrize("blank", [b"", b"\n"])
def test_the_form_of_a_document_is_its_composers_on_both_paths(blank: bytes) -> None:
    data = raw("text\n") + blank
    file = FileId("c0ffee", "head", 0)
    end = Position(file, len(data), data.count(b"\n"))
    chunk = Chunk(stream=STREAM, data=data, start=Position(file, 0, 0), end=end)
    (plain,) = DockerJson(Stamps()).segments(chunk)
    (shouted,) = DockerJson(Stamps(), composer=Shouting()).segments(chunk)
    assert shouted.documents == [one.upper() for one in plain.documents]
    assert (shouted.size, list(shouted.ids)) == (plain.size, list(plain.ids))


@given(TEXTS, st.sampled_from(["stdout", "stderr"]))
def test_the_line_and_its_source_are_found_again(text: str, output: str) -> None:
    log = log_of(text)
    made = f'{{"log":{log},"stream":"{output}","@timestamp":"{TIME}","host":"x"}}'.encode()
    assert document.source(made) == output
    is_object = text.strip().startswith("{") and log == text.strip()
    assert document.line(made) == (log if is_object else text)


def test_the_line_of_a_json_line_is_its_json_and_of_no_document_its_bytes() -> None:
    for log in ('{"level":"info","message":"x"}', '{"message":1}', '{"message":"a","n":1}', "{}"):
        assert document.line(b'{"log":%b,"stream":"stdout","@timestamp":"x"}' % log.encode()) == log
    assert (document.line(b"\xff no"), document.source(b"no")) == ("\ufffd no", "")


@pytest.mark.parametrize("name", ["a-1", 'x,"log":{', "{", ""])
def test_a_document_that_was_found_is_as_it_was_shipped_without_its_id(name: str) -> None:
    shipped = b'{"log":{"a":",\\"log\\":"},"stream":"stdout"}'
    found = b'{"_id":%b,%b' % (json.dumps(name).encode(), shipped[1:])
    assert document.without_id(found) == document.without_id(shipped) == shipped
