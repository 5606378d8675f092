"""Laws of the transform: one line, one document; the same ones however the input is cut, read or read again."""

import json
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.ids import id_prefix
from collector.model import Chunk, FileId, Position, Segment, Start
from collector.sources.log_files import MAX_RAW_LINE_BYTES
from collector.transform.docker_json import DockerJson
from collector.transform.joining import MAX_JOINED_CHARACTERS
from collector.transform.stamps import Stamps, from_nanoseconds
from tests.collector.docker_lines import TIME, escaped, log_stream, raw
from tests.examples import examples

FILE = FileId("c0ffee", "0badcafe", 0)
STREAM = log_stream("/logs/c0ffee/c0ffee-json.log")
TRUSTED = {"host": "moby", "@target": "shop", "docker_container": "c0ffee-1"}
MEMBERS = {"log", "stream", "@timestamp", *TRUSTED}
TIMES = (
    TIME,
    "2017-11-27T02:13:01Z",
    "2017-11-27T23:59:59.999999999Z",
    "2017-11-28T00:00:00.5Z",
    "2017-11-28T00:00:01.000000001Z",
)
BLANK = b"\n"  # a chunk with a blank line is never taken on the fast path

# ------------------------------------------------------------------ input

json_objects = st.dictionaries(
    st.text(max_size=6) | st.sampled_from(["log", "stream", "@timestamp", "host", "@target", "_id", "message"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)
hostile_texts = st.sampled_from(
    (
        '{"a":1,"a":2}',
        '{"n":9223372036854775808}',
        '{"a":\n1}',
        '{"a":1}{"b":2}',
        '{"a":1}\r',
        " {}",
        "\n{}",
        "{",
        "[1]",
        '"x"',
        "",
        "\r",
        "\x00",
        '{"create":{}}\n{"x":1}',
        '","stream":"stderr","time":"',
        '{"log":"","stream":"stdout","time":"2017-11-27T02:13:00Z"}',
        'Z"}\n{"log":"',
    )
)
texts = (
    st.text(max_size=30)
    | json_objects.map(json.dumps)
    | json_objects.map(lambda it: json.dumps(it, indent=1))
    | hostile_texts
)
streams = st.sampled_from(["stdout", "stderr"])
whole_lines = st.builds(
    lambda text, stream, time: raw(f"{text}\n", stream=stream, time=time), texts, streams, st.sampled_from(TIMES)
)
pieces = st.builds(
    lambda text, stream, time: raw(text, stream=stream, time=time), texts, streams, st.sampled_from(TIMES[:2])
)
broken_lines = st.sampled_from(
    (
        b"\n",
        b"\r\n",
        b"   \n",
        b"{\n",
        b"half an env\n",
        b'{"log":"half\n',
        b'{"log":"x\\n","stream":"stdout"\n',
        b',"time":"2017-11-27T02:13:00Z"}\n',
        b'{"log":"bad utf-8 \xff\xfe\\n","stream":"stdout","time":"2017-11-27T02:13:00Z"}\n',
        b"\xff\xfe\n",
        b"\x00\x00\x00\n",
        b"\x00" + raw("behind a NUL\n"),
        b"\x00" * 4096 + raw("behind many\n"),
        b'{"log":"torn' + b"\x00" * 700 + raw("whole\n"),
        raw("no newline\n")[:-1] + b"\x00\x00" + raw("piece"),
        b"\x00torn\x00\x00torn again\x00" + raw("whole\n"),
        b"torn\x00\x00\n",
        raw("one\n")[:-1] + raw("two\n"),
        b'{"stream":"stderr","time":"2017-11-27T02:13:01Z"}\n',
        b'{"log":"a\\n","stream":"stdout","attrs":{"stream":"stderr","time":"x"},"time":"2017-11-27T02:13:01Z"}\n',
        b'{"log":"a\\n","stream":"stdin","time":"2017-11-27T02:13:00Z"}\n',
        b'{"log":"a\\n","stream":"stdout","time":"2017-02-30T02:13:00Z"}\n',
        b'{"log":"a\\n","stream":"stdout","time":"2017-11-27T25:00:00Z"}\n',
        b'{"log":"a\\n","stream":"stdout","time":"now\\",\\"x\\":\\"Z"}\n',
        b'{"log":"a\\n","stream":"stdout","time":17}\n',
        b'{"log":"a\\n","stream":"stdout","time":"0001-01-01T00:00:00Z"}\n',
        b'{"log":"piece","stream":"stdout","time":"0001-01-01T00:00:00Z"}\n',
        b'{"log":"piece","stream":"stderr"}\n',
        b'{"log":"a\\n","time":"2017-11-28 00:00:00,25+08:00"}\n',
        b'{"log":"half \\ud83d\\n","stream":"stdout"}\n',
        b'{"log":"lone \\ud800\\n","stream":"stdout","time":"2017-11-27T02:13:00Z"}\n',
        b'{"log":{"no":"text"},"stream":"stdout","time":"2017-11-27T02:13:00Z"}\n',
        b' {"log":"indented\\n","stream":"stdout","time":"2017-11-27T02:13:00Z"} \n',
        b'["log","stream","time"]\n',
        b"null\n",
    )
) | st.binary(max_size=20).map(lambda found: found.replace(b"\n", b"") + b"\n")
# One envelope over two lines is two broken lines.
inputs = st.lists(
    whole_lines | pieces | broken_lines | st.just(raw("over two\n").replace(b',"time"', b'\n,"time"')), max_size=14
).map(b"".join)


def lines_of(data: bytes) -> list[bytes]:
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def cut(
    lines: Sequence[bytes], cuts: Iterable[int] = (), *, start: Position | None = None, ended: bool = False
) -> list[Chunk]:
    """`lines` as chunks, cut before the lines with these numbers."""
    start = start or Position(FILE, 0, 0)
    offsets = [start.offset, *accumulate(map(len, lines), initial=start.offset)][1:]
    edges = sorted({0, len(lines), *(number % (len(lines) + 1) for number in cuts)})
    chunks = [
        Chunk(
            stream=STREAM,
            data=b"".join(lines[first:last]),
            start=Position(start.file, offsets[first], start.line + first),
            end=Position(start.file, offsets[last], start.line + last),
        )
        for first, last in pairwise(edges)
    ]
    if ended:
        end = chunks[-1].end if chunks else start
        chunks.append(Chunk(stream=STREAM, data=b"", start=end, end=end, ended=True))
    return chunks


def transform(chunks: Iterable[Chunk], zone: str = "UTC", last_time: str = "") -> list[Segment]:
    transforming = DockerJson(Stamps(ZoneInfo(zone)), Start(last_time=last_time))
    return [segment for chunk in chunks for segment in transforming.segments(chunk)]


def documents(segments: Iterable[Segment]) -> list[tuple[str, bytes, str]]:
    return [
        (one, document, segment.day)
        for segment in segments
        for one, document in zip(segment.ids, segment.documents, strict=True)
    ]


def read(*lines: bytes, zone: str = "UTC", ended: bool = False) -> list[dict[str, Any]]:
    """The documents of some lines."""
    return [json.loads(document) for _, document, _ in documents(transform(cut(lines, ended=ended), zone))]


def logs(*lines: bytes, ended: bool = False) -> list[object]:
    return [document["log"] for document in read(*lines, ended=ended)]


# ------------------------------------------------------------------ properties


@given(st.lists(whole_lines, min_size=1, max_size=12))
def test_the_fast_and_the_slow_path_give_the_same_documents(lines: list[bytes]) -> None:
    fast = documents(transform(cut(lines)))
    slow = documents(transform(cut([*lines, BLANK])))
    assert len(fast) == len(lines)
    assert fast == slow[:-1]


@given(inputs, st.lists(st.integers(0, 100), max_size=6))
def test_documents_and_ids_do_not_depend_on_where_the_input_is_cut(data: bytes, cuts: list[int]) -> None:
    lines = lines_of(data)
    assert documents(transform(cut(lines, cuts, ended=True))) == documents(transform(cut(lines, ended=True)))


@given(inputs, st.lists(st.integers(0, 100), max_size=3))
def test_each_document_is_one_line_of_json_with_the_trusted_members_and_no_other(data: bytes, cuts: list[int]) -> None:
    for _, document, day in documents(transform(cut(lines_of(data), cuts, ended=True))):
        assert b"\n" not in document
        members: list[tuple[str, Any]] = json.loads(document, object_pairs_hook=list)
        assert len(members) == len(MEMBERS)
        assert dict(members).keys() == MEMBERS
        found = orjson.loads(document)
        assert isinstance(found["log"], dict)
        assert found["stream"] in ("stdout", "stderr")
        assert found["@timestamp"][:10] == day
        assert {name: found[name] for name in TRUSTED} == TRUSTED


@given(inputs)
def test_ids_are_unique(data: bytes) -> None:
    ids = [one for one, _, _ in documents(transform(cut(lines_of(data), ended=True)))]
    assert len(ids) == len(set(ids))


@examples(3)
@given(inputs, st.lists(st.integers(0, 100), max_size=6))
def test_reading_again_from_the_end_of_any_segment_gives_the_rest_and_nothing_else(
    data: bytes, cuts: list[int]
) -> None:
    lines = lines_of(data)
    segments = transform(cut(lines, cuts, ended=True))
    everything = documents(segments)
    done = 0
    for segment in segments:
        done += segment.count
        rest = cut(lines[segment.ticket.end.line :], start=segment.ticket.end, ended=True)
        again = documents(transform(rest, last_time=segment.ticket.last_time))
        assert set(again) <= set(everything)
        assert set(everything[done:]) <= set(again)


@given(inputs, st.lists(st.integers(0, 100), max_size=4))
def test_positions_stand_behind_whole_lines_and_never_go_back(data: bytes, cuts: list[int]) -> None:
    lines = lines_of(data)
    ends = [segment.ticket.end for segment in transform(cut(lines, cuts, ended=True))]
    assert ends == sorted(ends, key=lambda end: end.line)
    assert all(end.offset == sum(map(len, lines[: end.line])) for end in ends)


@given(texts, streams)
def test_a_text_arrives_as_it_was_written(text: str, stream: str) -> None:
    (found,) = logs(raw(f"{text}\n", stream=stream))
    assert found == {"message": text.removesuffix("\r")} or found == json.loads(text)


@given(json_objects, st.sampled_from([None, 1]))
@example({"beyond 64 bits": -(1 << 63) - 1}, 1)
@example({"beyond a float's digits": 12345678901234567890123}, 1)
def test_a_json_object_is_nested_as_it_is(value: dict[str, Any], indent: int | None) -> None:
    assert logs(raw(json.dumps(value, indent=indent) + "\n"))[0] in (
        value,
        {"message": json.dumps(value, indent=indent)},
    )


# ------------------------------------------------------------------ text


def test_a_document_looks_as_published() -> None:
    (found,) = transform(cut([raw('{"level":"info","message":"x"}\n')]))
    assert found.documents == [
        b'{"log":{"level":"info","message":"x"},"stream":"stdout","@timestamp":"2017-11-27T02:13:00.768123456Z",'
        b'"host":"moby","@target":"shop","docker_container":"c0ffee-1"}'
    ]
    assert list(found.ids) == [id_prefix(FILE, "") + "0"]
    assert found.size == len(found.documents[0])
    assert (found.day, found.ticket.last_time) == ("2017-11-27", TIME)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("x\n", "x"),
        ("x\r\n", "x"),
        ("x\r\r\n", "x\r"),
        ("x\n\n", "x\n"),
        ("\n", ""),
        ("\r\n", ""),
        ("  indented \n", "  indented "),
        ("<b>&\u2028</b>\n", "<b>&\u2028</b>"),
        ("größe 日本 🐟\n", "größe 日本 🐟"),
        ("nul \x00\n", "nul \x00"),
        ("\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m"),
        ("[1,2]\n", "[1,2]"),
        ("17\n", "17"),
        ("null\n", "null"),
        ('"text"\n', '"text"'),
        ('{"a":1}{"b":2}\n', '{"a":1}{"b":2}'),
        ('{"a":NaN}\n', '{"a":NaN}'),
        ('{"a":\n', '{"a":'),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_a_line_that_is_no_json_object_is_a_message(written: str, message: str, slow: bool) -> None:
    assert logs(raw(written), *([BLANK] if slow else []))[0] == {"message": message}


@pytest.mark.parametrize(
    "written",
    [
        '{"a":1,"a":2}',
        '{"n":9223372036854775808}',
        '{"n":123456789012345678901234567890}',
        '{"n":1.0e3,"m":-0}',
        '{"t":"\\u003c\\/"}',
        ' {"a": 1} ',
        "{}",
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_a_json_object_keeps_every_digit_and_key(written: str, slow: bool) -> None:
    ((_, document, _), *_) = documents(transform(cut([raw(written + "\n"), *([BLANK] if slow else [])])))
    assert document.startswith(b'{"log":' + written.encode() + b',"stream":"stdout"')


@pytest.mark.parametrize("written", ['{"a":\n1}', '{\n"delete":{"_id":"1"}\n}', '\n{"a":1}', '{"a":1}\n'])
def test_json_with_newlines_between_its_tokens_is_written_anew(written: str) -> None:
    ((_, document, _),) = documents(transform(cut([raw(written + "\n")])))
    assert b"\n" not in document
    assert orjson.loads(document)["log"] == json.loads(written)


@pytest.mark.parametrize("opening", ['{"d":', "["])
def test_json_nested_beyond_every_parser_is_a_message(opening: str) -> None:
    deep = '{"x":' + opening * 10_000 + "1" + ("}" if opening[0] == "{" else "]") * 10_000 + "}"
    assert logs(raw(deep + "\n"), raw("next\n")) == [{"message": deep}, {"message": "next"}]


def test_a_line_of_a_megabyte_arrives_whole() -> None:
    long = "größe " * 180_000
    assert logs(raw(long + "\n")) == [{"message": long}]


def test_a_line_over_the_bound_becomes_marked_documents_and_loses_nothing() -> None:
    piece = "0123456789abcdef" * 1024
    pieces = 2 * MAX_JOINED_CHARACTERS // len(piece) + 5
    found = read(*[raw(piece)] * pieces, raw("end\n"), raw("next\n"))
    assert "".join(one["log"]["message"] for one in found) == piece * pieces + "endnext"
    assert [one.get("truncated") for one in found] == [True, True, None, None]
    assert all(len(one["log"]["message"]) <= MAX_JOINED_CHARACTERS + len(piece) for one in found)


def test_only_the_carriage_return_before_a_newline_is_no_part_of_a_line() -> None:
    assert logs(raw("10 %\r"), raw("other\n", time=TIMES[1])) == [{"message": "10 %\r"}, {"message": "other"}]


def test_a_raw_line_that_was_cut_is_marked() -> None:
    (found,) = read(b"x" * MAX_RAW_LINE_BYTES + b"\n")
    assert found["truncated"] is True
    assert found["log"] == {"message": "x" * MAX_RAW_LINE_BYTES}


def test_the_applications_members_never_reach_the_trusted_ones() -> None:
    mine = {"stream": "stderr", "@timestamp": "x", "host": "evil", "@target": "evil", "_id": "evil", "log": "evil"}
    (found,) = read(raw(json.dumps(mine) + "\n"))
    assert found["log"] == mine
    assert (found["stream"], found["@timestamp"], found["host"], found["@target"]) == ("stdout", TIME, "moby", "shop")


# ------------------------------------------------------------------ pieces


def test_pieces_of_one_time_are_one_line() -> None:
    ((one, document, _),) = documents(transform(cut([raw("a" * 16_384), raw("b" * 16_384), raw("c\n")])))
    assert json.loads(document)["log"] == {"message": "a" * 16_384 + "b" * 16_384 + "c"}
    assert one == id_prefix(FILE, "") + "0.3"


def test_a_json_object_in_pieces_is_nested() -> None:
    value = {"text": "x" * 40_000}
    whole = json.dumps(value) + "\n"
    assert logs(*(raw(whole[at : at + 16_384]) for at in range(0, len(whole), 16_384))) == [value]


def test_a_line_of_exactly_one_piece_ends_with_its_lone_newline() -> None:
    assert logs(raw("x" * 16_384), raw("\n"), raw("next\n")) == [{"message": "x" * 16_384}, {"message": "next"}]


def test_pieces_of_both_streams_are_joined_apart() -> None:
    found = read(
        raw("out 1 ", stream="stdout"),
        raw("err 1 ", stream="stderr"),
        raw("out 2\n", stream="stdout"),
        raw("err 2\n", stream="stderr"),
    )
    assert [(one["stream"], one["log"]["message"]) for one in found] == [
        ("stdout", "out 1 out 2"),
        ("stderr", "err 1 err 2"),
    ]


def test_a_process_that_ended_within_a_line_does_not_join_the_next_one() -> None:
    assert logs(raw("half", time=TIMES[0]), raw("again\n", time=TIMES[1])) == [
        {"message": "half"},
        {"message": "again"},
    ]


def test_half_a_line_waits_and_holds_its_position() -> None:
    (found,) = transform(cut([raw("whole\n"), raw("half")]))
    assert found.count == 1
    assert (found.ticket.end.line, found.ticket.end.offset) == (1, len(raw("whole\n")))
    assert transform(cut([raw("half")])) == []


def test_half_a_line_ends_when_its_container_has_stopped() -> None:
    (found,) = transform(cut([raw("half")], ended=True))
    assert json.loads(found.documents[0])["log"] == {"message": "half"}
    assert found.ticket.end.line == 1


def test_half_a_line_goes_on_in_the_next_file_under_the_id_of_its_first_piece() -> None:
    newer = FileId("c0ffee", "feedbeef", 0)
    chunks = [*cut([raw("whole\n"), raw("a")]), *cut([raw("b"), raw("c\n"), raw("d")], start=Position(newer, 0, 0))]
    first, second = transform(chunks)
    assert first.ticket.end == Position(FILE, len(raw("whole\n")), 1)
    assert list(second.ids) == [id_prefix(FILE, "") + "1.3"]
    assert second.ticket.end == Position(newer, len(raw("b") + raw("c\n")), 2)


def test_half_a_line_holds_the_position_in_its_own_file_over_several_rotations() -> None:
    files = [FileId("c0ffee", name, 0) for name in ("aa", "bb", "cc")]
    chunks = [
        *cut([raw("1\n"), raw("2\n"), raw("half", stream="stdout")], start=Position(files[0], 0, 0)),
        *cut([raw("half", stream="stderr")], start=Position(files[1], 0, 0)),
        *cut([b"broken\n"], start=Position(files[2], 0, 0)),
    ]
    *_, last = transform(chunks)
    assert last.ticket.end == Position(files[0], len(raw("1\n") + raw("2\n")), 2)


def test_an_empty_log_is_an_empty_message() -> None:
    missing = f'{{"stream":"stdout","time":"{TIME}"}}\n'.encode()
    assert logs(missing, ended=True) == [{"message": ""}]


# ------------------------------------------------------------------ broken lines


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"no json",
        b'{"log":"half',
        raw("one\n")[:-1] + raw("two\n")[:-1],
        b'{"log":{"no":"text"},"stream":"stdout","time":"2017-11-27T02:13:00Z"}',
        b'{"create":{}}',
        b"null",
    ],
)
def test_a_broken_line_ships_as_it_is_at_the_time_of_the_last_good_one(line: bytes) -> None:
    transforming = DockerJson(Stamps())
    (chunk,) = cut([raw("good\n", stream="stderr", time=TIMES[1]), line + b"\n", raw("later\n", time=TIMES[2])])
    (segment,) = transforming.segments(chunk)
    found = json.loads(segment.documents[1])
    assert found["log"] == {"message": line.decode()}
    assert (found["stream"], found["@timestamp"]) == ("stdout", TIMES[1])
    assert transforming.parse_errors == 1


def test_a_broken_line_after_a_restart_takes_the_time_kept_with_the_position() -> None:
    (found,) = transform(cut([b"broken\n"], start=Position(FILE, 100, 7)), last_time=TIMES[3])
    assert json.loads(found.documents[0])["@timestamp"] == TIMES[3]
    assert found.day == "2017-11-28"
    assert list(found.ids) == [id_prefix(FILE, "") + "7"]


# ------------------------------------------------------------------ times


@pytest.mark.parametrize(
    ("rest", "time"),
    [
        ('"stream":"stderr","time":"2017-11-28T07:59:59.5+08:00"', "2017-11-27T23:59:59.5Z"),
        ('"stream":"stderr","time":"2017-11-27T18:00:00-0530"', "2017-11-27T23:30:00Z"),
        ('"stream":"stderr","time":"2017-11-27T02:13:00.25z"', "2017-11-27T02:13:00.25Z"),
        ('"stream":"stderr","time":"2017-11-27t02:13:00Z"', "2017-11-27T02:13:00Z"),
        ('"stream":"stderr","time":"2017-11-27 02:13:00,123"', "2017-11-27T02:13:00.123Z"),
        ('"stream":"stderr","time":"2017-11-27T02:13:00.1234567890123Z"', "2017-11-27T02:13:00.123456789Z"),
        ('"stream":"stderr","time":"2017-11-27T02:13:00"', "2017-11-27T02:13:00Z"),
        ('"stream":"stderr","time":"0001-01-01T00:00:00Z"', TIME),
        ('"stream":"stderr","time":"9999-12-31T23:59:59-08:00"', TIME),
        ('"stream":"stderr","time":"2017-02-30T02:13:00Z"', TIME),
        ('"stream":"stderr","time":"2017-11-27T25:00:00Z"', TIME),
        ('"stream":"stderr","time":"yesterday"', TIME),
        ('"stream":"stderr","time":1511748780', TIME),
        ('"stream":"stderr","time":null', TIME),
        ('"stream":"stderr"', TIME),
    ],
)
@pytest.mark.parametrize("text", ["a text", '{"level":"info"}'])
def test_a_readable_envelope_keeps_text_and_stream_and_has_a_sane_time(rest: str, time: str, text: str) -> None:
    line = f'{{"log":{escaped(text + chr(10))},{rest}}}\n'.encode()
    _, found, _ = read(raw("before\n"), line, raw("later\n", time=TIMES[4]))
    assert found["log"] == ({"message": text} if text[0] != "{" else json.loads(text))
    assert (found["stream"], found["@timestamp"]) == ("stderr", time)


@pytest.mark.parametrize("stream", ["", '"stream":"stdin",', '"stream":null,', '"stream":["stderr"],'])
def test_an_envelope_of_no_known_stream_is_stdout(stream: str) -> None:
    (found,) = read(f'{{"log":"a\\n",{stream}"time":"{TIME}"}}\n'.encode())
    assert (found["log"], found["stream"], found["@timestamp"]) == ({"message": "a"}, "stdout", TIME)


TORN = b'ed\\n","stream":"stdout","time":"2026-11-20T09:59:59.5Z"}\n'
NEXT = raw("good\n", time=TIMES[3])


def stamps_of(*chunks: Chunk, last_time: str = "") -> list[tuple[str, str]]:
    return [(json.loads(body)["@timestamp"], day) for _, body, day in documents(transform(chunks, last_time=last_time))]


@pytest.mark.parametrize("cuts", [[], [1], [2], [1, 2, 3]])
def test_a_torn_first_line_has_the_time_of_the_next_good_one_wherever_it_was_read(cuts: list[int]) -> None:
    lines = [TORN, b"\n", b'{"log":"year one\\n","stream":"stderr","time":"0001-01-01T00:00:00Z"}\n', NEXT]
    assert stamps_of(*cut(lines, cuts)) == [(TIMES[3], "2017-11-28")] * 4


def test_a_torn_first_line_is_not_shipped_and_not_passed_before_its_time_is_known() -> None:
    transforming = DockerJson(Stamps())
    first, second = cut([TORN, NEXT], [1])
    assert transforming.segments(first) == []
    (segment,) = transforming.segments(second)
    assert (segment.count, segment.ticket.end.line, segment.ticket.last_time) == (2, 2, TIMES[3])


def test_a_torn_first_line_never_has_the_time_of_another_file() -> None:
    """That may be gone at the next read, and then the line had another time under the same id."""
    newer = FileId("c0ffee", "feedbeef", 0)
    chunks = [*cut([raw("old\n")]), *cut([TORN, NEXT], [1], start=Position(newer, 0, 0))]
    assert stamps_of(*chunks) == [(TIME, "2017-11-27"), (TIMES[3], "2017-11-28"), (TIMES[3], "2017-11-28")]
    assert stamps_of(*chunks[1:]) == stamps_of(*chunks[1:], last_time=TIME) == stamps_of(*chunks)[1:]


CHANGED = 1_511_748_780_768_123_456  # TIME


@pytest.mark.parametrize("end", ["ended", "another file"])
def test_a_file_without_any_time_lends_its_own(end: str) -> None:
    newer = FileId("c0ffee", "feedbeef", 0)
    torn = [replace(chunk, changed=lambda: CHANGED) for chunk in cut([TORN, b"torn\n"], [1])]
    after = (
        [replace(torn[-1], data=b"", start=torn[-1].end, ended=True, changed=lambda: CHANGED)]
        if end == "ended"
        else cut([raw("new\n", time=TIMES[4])], start=Position(newer, 0, 0))
    )
    assert stamps_of(*torn, *after)[:2] == [(TIME, "2017-11-27")] * 2


@pytest.mark.parametrize("line", [b"\n", b"torn\n", b"torn " * 1000 + b"\n"])
def test_lines_without_a_time_wait_in_bounded_memory(line: bytes) -> None:
    lines = [line] * (4_000_000 // (len(line) + 256))
    transforming = DockerJson(Stamps())
    chunks = [replace(chunk, changed=lambda: CHANGED) for chunk in cut(lines, range(0, len(lines), 500))]
    found = [segment for chunk in chunks for segment in transforming.segments(chunk)]
    assert sum(segment.count for segment in found) == len(lines)
    assert {json.loads(body)["@timestamp"] for segment in found for body in segment.documents} == {TIME}


@pytest.mark.parametrize(("since_1970", "time"), [(CHANGED, TIME), (0, "2000-01-02T00:00:00.000000000Z"),
                                                  (-1, "2000-01-02T00:00:00.999999999Z"),
                                                  (2**62, "2099-12-30T00:00:00.427387904Z"),
                                                  (10**30, "2099-12-30T00:00:00.000000000Z")])  # fmt: skip
def test_whatever_a_file_system_gives_is_a_time_of_an_index_that_templates_and_roles_meet(
    since_1970: int, time: str
) -> None:
    assert from_nanoseconds(since_1970) == time
    assert Stamps().are_times([time])
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        assert Stamps(ZoneInfo(zone)).render([time])[0].startswith("20")


# ------------------------------------------------------------------ NUL bytes


@pytest.mark.parametrize("count", [1, 511, 4096, 300_000])
@pytest.mark.parametrize("before", [[], [raw("before\n")]])
def test_nul_bytes_before_an_envelope_are_no_part_of_it(count: int, before: list[bytes]) -> None:
    transforming = DockerJson(Stamps())
    lines = [*before, b"\0" * count + raw("good\n", stream="stderr"), raw("after\n")]
    (segment,) = transforming.segments(cut(lines)[0])
    found = [json.loads(body) for body in segment.documents]
    assert [one["log"]["message"] for one in found] == [*["before"] * len(before), "good", "after"]
    assert (found[-2]["stream"], found[-2]["@timestamp"]) == ("stderr", TIME)
    assert [name.rsplit("-")[-1] for name in segment.ids] == [str(number) for number in range(len(lines))]
    assert (transforming.torn_lines, transforming.parse_errors) == (1, 0)


@pytest.mark.parametrize("count", [1, 4096])
def test_what_nul_bytes_tore_off_is_a_text_of_its_own_and_the_line_behind_them_whole(count: int) -> None:
    nuls = b"\0" * count
    ((name, torn, _), (other, good, _)) = documents(
        transform(cut([nuls + b'{"log":"to' + nuls + b"rn" + nuls + raw('{"a":1}\n', time=TIMES[1])]))
    )
    assert json.loads(torn)["log"] == {"message": '{"log":"to\0rn'}
    assert json.loads(good)["log"] == {"a": 1}
    assert json.loads(torn)["@timestamp"] == json.loads(good)["@timestamp"] == TIMES[1]
    assert (name, other) == (id_prefix(FILE, "") + "0t", id_prefix(FILE, "") + "0")


def test_an_envelope_that_lost_only_its_newline_to_nul_bytes_is_whole_too() -> None:
    line = raw("one\n", stream="stderr")[:-1] + b"\0" * 100 + raw("two\n")
    assert [(one["stream"], one["log"]["message"]) for one in read(line)] == [("stderr", "one"), ("stdout", "two")]


def test_no_line_goes_on_over_nul_bytes() -> None:
    """What is read from a position behind the one and before the other would be another line."""
    line = raw("a")[:-1] + b"\0" * 9 + raw("b")
    lines = [raw("x"), line, line, raw("c\n")]
    assert [one["log"]["message"] for one in read(*lines)] == ["x", "a", "b", "a", "bc"]
    (segment, _) = transform(cut(lines, [3]))
    again = documents(
        transform(cut(lines[segment.ticket.end.line :], start=segment.ticket.end), last_time=segment.ticket.last_time)
    )
    assert again == documents(transform(cut(lines)))[-len(again) :]


def test_a_line_of_nul_bytes_is_a_blank_one() -> None:
    assert logs(raw("a\n"), b"\0" * 4096 + b"\n", raw("b\n")) == [{"message": text} for text in ("a", "", "b")]


# ------------------------------------------------------------------ halves of surrogate pairs


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (r'{"text":"cut \ud83d"}', {"text": "cut \ufffd"}),
        (r'{"text":"\uDE00 cut","n":1}', {"text": "\ufffd cut", "n": 1}),
        (r'{"text":"\ud83d\ud83d\ude00"}', {"text": "\ufffd\U0001f600"}),
        (r'{"text":"\ud83d\ude00"}', {"text": "\U0001f600"}),
        (r'{"text":"\\ud83d \ud83d"}', {"text": "\\ud83d \ufffd"}),
        (r'{"\ud83d":[{"\ude00":"\ud83dx"}]}', {"\ufffd": [{"\ufffd": "\ufffdx"}]}),
    ],
)
@pytest.mark.parametrize("slow", [False, True])
def test_half_a_surrogate_pair_is_replaced_and_its_line_stays_json(
    written: str, found: dict[str, object], slow: bool
) -> None:
    assert logs(raw(written + "\n"), *([BLANK] if slow else []))[0] == found


def test_half_a_surrogate_pair_in_the_envelope_is_replaced() -> None:
    line = b'{"log":"half \\ud83d, whole \\ud83d\\ude00\\n","stream":"stderr","time":"' + TIME.encode() + b'"}\n'
    (found,) = read(line)
    assert (found["log"], found["stream"]) == ({"message": "half \ufffd, whole \U0001f600"}, "stderr")


def test_invalid_utf_8_is_replaced_and_its_line_keeps_its_envelope() -> None:
    bad = b'{"log":"caf\xe9\\n","stream":"stderr","time":"' + TIME.encode() + b'"}\n'
    (found,) = read(bad)
    assert (found["log"], found["stream"], found["@timestamp"]) == ({"message": "caf\ufffd"}, "stderr", TIME)
    transform = DockerJson(Stamps())
    (chunk,) = cut([bad, raw("größe\n"), raw("plain\n")])
    assert transform.take(chunk).parse_errors == 1


ON_ONE_LINE = raw("a\n")[:-1] + raw("b\n")


@pytest.mark.parametrize(
    "wrong",
    [
        [raw("c\n").replace(b',"stream"', b'\n,"stream"'), ON_ONE_LINE],
        [raw("c\n").replace(b',"stream"', b',\n"stream"'), ON_ONE_LINE],
        [raw("c\n").replace(b'"stream":', b'"stream":\n'), ON_ONE_LINE],
        [raw("c\n").replace(b'"stream":', b'"x":[\n],"stream":'), ON_ONE_LINE],
        [raw("c\n").replace(b'"stream":', b'"x":[1,\n1],"stream":'), ON_ONE_LINE],
        [raw("c\n").replace(b'"stream":', b'"x":{\n},"stream":'), ON_ONE_LINE],
        [raw("c\n").replace(b'"stream":', b'"x":"\n","stream":'), ON_ONE_LINE],
        [b"\n", ON_ONE_LINE],
        [b" \t\r\n", ON_ONE_LINE],
        [b"null\n"],
        [b"null\n", raw("c\n")[:-1] + b"null\n"],
        [b"null\n", b"\n", ON_ONE_LINE],
        [raw("c\n")[:-1] + b"null\n", b"\n"],
        [raw("c\n")[:-1] + b" null null\n", ON_ONE_LINE],
        [raw("c\n")[:-1] + b"nul\n", b"l\n"],
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_envelopes_on_wrong_lines_do_not_shift_the_others(wrong: list[bytes], order: int) -> None:
    """The decoder alone would find as many envelopes as there are lines."""
    lines = lines_of(b"".join([raw("first\n"), *wrong[::order], raw("last\n")]))
    found = documents(transform(cut(lines)))
    assert found == documents(transform(cut(lines, range(len(lines)))))
    assert [one.rsplit("-")[-1] for one, _, _ in found] == [str(number) for number in range(len(lines))]
    assert json.loads(found[-1][1])["log"] == {"message": "last"}


# ------------------------------------------------------------------ days, zones, ids


def test_a_chunk_over_midnight_gives_a_segment_a_day_and_only_the_last_moves_the_position() -> None:
    lines = [raw("a\n", time=TIMES[2]), raw("b\n", time=TIMES[3]), raw("c\n", time=TIMES[2])]
    found = transform(cut(lines))
    assert [(one.day, one.count, one.ticket.end.line) for one in found] == [
        ("2017-11-27", 1, 0),
        ("2017-11-28", 1, 0),
        ("2017-11-27", 1, 3),
    ]


def test_another_zone_dates_documents_and_days() -> None:
    (found,) = transform(cut([raw("x\n")]), "Asia/Shanghai")
    assert json.loads(found.documents[0])["@timestamp"] == "2017-11-27T10:13:00.768123456+08:00"
    (late,) = transform(cut([raw("x\n", time="2017-11-27T16:00:00Z")]), "Asia/Shanghai")
    assert late.day == "2017-11-28"


def test_ids_tell_apart_files_entries_and_containers() -> None:
    names = {
        id_prefix(file, entry)
        for file in (
            FILE,
            FileId("c0ffee", "0badcafe", 1),
            FileId("c0ffee", "cafe", 0),
            FileId("decade", "0badcafe", 0),
        )
        for entry in ("", "web")
    }
    assert len(names) == 8
    assert id_prefix(FILE, "") == id_prefix(FileId(*FILE), "")


def test_the_scheme_of_ids_is_what_positions_were_kept_with() -> None:
    """Another prefix for the same line would send everything twice: then `ID_SCHEME` must change, too."""
    assert id_prefix(FileId("c0ffee", "0badcafe", 0), "web") == "fks4_EGNaZuZ-"


def test_lines_left_out_before_the_first_chunk_do_not_bring_the_position_back() -> None:
    skipped = Position(FILE, 1000, 10)
    left_out = [Chunk(stream=STREAM, data=b"", start=at, end=at) for at in (Position(FILE, 500, 5), skipped)]
    chunks = [*left_out, *cut([raw("a\n", time=TIMES[2]), raw("b\n", time=TIMES[3])], start=skipped)]
    assert [segment.ticket.end.line for segment in transform(chunks)] == [10, 12]


def test_escapes_of_docker_are_undone() -> None:
    assert b"\\u003c" in raw("<a&b>\n")
    assert escaped("\u2028") == '"\\u2028"'
    assert logs(raw('{"html":"<a&b>"}\n')) == [{"html": "<a&b>"}]
