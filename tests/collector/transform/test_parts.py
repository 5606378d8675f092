"""Laws of parts: together they are the chunk, and each becomes no more than is asked for."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.model import Chunk, Cursor, FileId, Position, Segment, Start
from collector.sources.fingerprint import fingerprint, last_line
from collector.transform.docker_json import DockerJson
from collector.transform.parts import parts
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream, raw

FILE = FileId("c0ffee", "0badcafe", 0)
ADDED = 2080
START = Position(FILE, 1000, 10)
lines = st.lists(
    st.sampled_from(
        [b"\n", b"torn\n", b"\0" * 300 + raw("x\n"), raw("x" * 5000), raw("y\n"), raw("z\n"), raw("é" * 400)]
    ),
    min_size=1,
    max_size=40,
)


def chunk_of(content: Sequence[bytes], *, ended: bool = False, left_out: int = 0) -> Chunk:
    data = b"".join(content)
    return Chunk(
        stream=replace(log_stream("/x"), fields={"host": "h" * 2000}),
        data=data,
        start=START,
        end=Position(FILE, START.offset + left_out + len(data), START.line + len(content)),
        ended=ended,
        fingerprint=fingerprint(last_line(data)),
    )


def documents(segments: Sequence[Segment]) -> list[tuple[str, bytes]]:
    return [pair for segment in segments for pair in zip(segment.ids, segment.documents, strict=True)]


@given(lines, st.sampled_from([1, 5_000, 30_000, 10_000_000]), st.booleans())
def test_parts_are_the_chunk_and_give_the_same_documents(content: list[bytes], most: int, ended: bool) -> None:
    chunk = chunk_of(content, ended=ended)
    found = list(parts(chunk, ADDED, most))
    assert b"".join(part.data for part in found) == chunk.data
    assert [part.start for part in found] == [START, *(part.end for part in found[:-1])]
    assert (found[-1].end, found[-1].fingerprint) == (chunk.end, chunk.fingerprint)
    assert [part.ended for part in found] == [*[False] * (len(found) - 1), ended]
    for part in found:
        assert part.end.offset == START.offset + chunk.data.index(part.data, part.start.offset - START.offset) + len(
            part.data
        )
        assert part.end.line - part.start.line == part.data.count(b"\n")
        assert part.fingerprint == fingerprint(last_line(part.data))
    together, each = (DockerJson(Stamps(), Start(last_time="2026-01-01T00:00:00Z")) for _ in range(2))
    apart = [segment for part in found for segment in each.segments(part)]
    assert documents(apart) == documents(together.segments(chunk))


@given(lines, st.integers(3_000, 100_000))
def test_no_part_becomes_more_than_is_asked_for_unless_it_is_one_line(content: list[bytes], most: int) -> None:
    for part in parts(chunk_of(content), ADDED, most):
        count = part.end.line - part.start.line
        assert count == 1 or count * ADDED <= most


def test_a_chunk_of_a_usual_log_stays_whole() -> None:
    chunk = chunk_of([raw("a line of a usual log\n")] * 3000)
    assert list(parts(chunk, 150, 1 << 20)) == [chunk]


def test_where_some_of_the_first_line_is_left_out_the_parts_stand_right_all_the_same() -> None:
    content = [b"\0" + raw("good\n"), raw("a\n"), raw("b\n")]
    chunk = chunk_of(content, left_out=1_000_000)
    first, second, third = parts(chunk, ADDED, 1)
    assert (first.start, first.end.offset) == (START, START.offset + 1_000_000 + len(content[0]))
    assert first.fingerprint == ""  # of that line nobody knows the end here
    assert second.end.offset == first.end.offset + len(content[1])
    assert (second.fingerprint, third.end) == (fingerprint(content[1][:-1]), chunk.end)


def test_a_part_of_what_is_no_file_is_read_again_from_where_the_whole_begins() -> None:
    data = b"".join(10 * [raw("a\n")])
    begin, end = (Position(FileId("c", "head", 0), 0, line, cursor=Cursor(line)) for line in (5, 15))
    chunk = Chunk(stream=log_stream("/x"), data=data, start=begin, end=end)
    found = list(parts(chunk, 80, 200))
    assert [(one.start.line, one.end.line) for one in found][0::2] != []
    assert {one.start.cursor for one in found} == {begin.cursor}
    assert [one.end.cursor for one in found] == [begin.cursor] * (len(found) - 1) + [end.cursor]
    assert b"".join(one.data for one in found) == data
