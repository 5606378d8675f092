"""Lines that are read in a format: the same laws as without one, whatever the format says of a line."""

import json
from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from collector import formats
from collector.documents.formatted import Formatted
from collector.documents.json_text import message
from collector.model import Chunk
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import raw
from tests.collector.transform.test_docker_json import cut, documents, inputs, lines_of

names = st.sampled_from(["none", "json", "odd"])


def odd(text: str) -> str | None:
    """Of every second length a line fits."""
    return message(text[::-1]) if len(text) % 2 else None


def formatted(name: str) -> DockerJson:
    read = odd if name == "odd" else formats.make(name, {}).log
    return DockerJson(Stamps(), composer=Formatted(read))


def made(name: str, chunks: Iterable[Chunk]) -> tuple[list[tuple[str, bytes, str]], int]:
    """Documents with ids, and how many lines did not fit."""
    transform = formatted(name)
    taken = [transform.take(chunk) for chunk in chunks]
    segments = [segment for one in taken for segment in one.segments]
    return documents(segments), sum(one.counts.misfits for one in taken if one.counts)


@given(names, inputs, st.lists(st.integers(0, 100), max_size=6))
def test_documents_ids_and_misfits_do_not_depend_on_where_the_input_is_cut(
    name: str, data: bytes, cuts: list[int]
) -> None:
    lines = lines_of(data)
    assert made(name, cut(lines, cuts, ended=True)) == made(name, cut(lines, ended=True))


@given(names, inputs)
def test_a_line_has_the_id_that_it_has_without_a_format_and_is_one_line_of_json(name: str, data: bytes) -> None:
    chunks = cut(lines_of(data), ended=True)
    plain = DockerJson(Stamps())
    expected = documents([segment for chunk in chunks for segment in plain.segments(chunk)])
    found, _ = made(name, chunks)
    assert [one for one, _, _ in found] == [one for one, _, _ in expected]
    assert all(b"\n" not in document and json.loads(document)["stream"] for _, document, _ in found)


def test_what_does_not_fit_is_as_without_a_format_and_is_counted_once() -> None:
    lines = [raw("abc\n"), raw("ab\n"), raw('{"a":1}\n'), raw('{"a":12}\n')]
    found, misfits = made("odd", cut(lines))
    assert [json.loads(document)["log"] for _, document, _ in found] == [
        {"message": "cba"},
        {"message": "ab"},
        {"message": '}1:"a"{'},
        {"a": 12},
    ]
    assert misfits == 2


def test_the_format_none_keeps_json_as_text() -> None:
    found, misfits = made("none", cut([raw('{"a":1}\n'), raw("x\n")]))
    assert [json.loads(document)["log"] for _, document, _ in found] == [{"message": '{"a":1}'}, {"message": "x"}]
    assert misfits == 0


def test_logs_of_several_streams_that_are_taken_together_count_what_does_not_fit() -> None:
    first, plain = formatted("odd"), DockerJson(Stamps())
    (before, chunk) = cut([raw("abc\n"), raw("ab\n")], [1])
    first.take(before)
    plain.take(before)
    made_together = DockerJson.together([(first, chunk), (plain, chunk)], 1 << 20)
    assert made_together[0] is None
    taken = first.take(chunk)
    assert taken.counts is not None
    assert taken.counts.misfits == 1
