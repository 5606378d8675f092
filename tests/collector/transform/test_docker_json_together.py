"""Laws of chunks that are taken together: each becomes what it becomes by itself, whatever stands in the others."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.document import Pilotfish
from collector.model import Chunk, FileId, Segment
from collector.transform.docker_json import DockerJson
from collector.transform.stamps import Stamps
from tests.collector.docker_lines import log_stream, raw
from tests.collector.transform.test_docker_json import FILE, cut, inputs, lines_of
from tests.examples import examples

PLENTY = 1 << 20
ATTRS = b'{"log":"a\\n","stream":"stdout","attrs":{"tag":"t"},"time":"2017-11-27T02:13:01Z"}\n'


class Log:
    """A container's log, read twice: in `chunks` by itself, and together with others."""

    def __init__(self, number: int, data: bytes, cuts: Sequence[int], *, with_attrs: bool = False) -> None:
        file = FileId(f"c{number}", FILE.head, 0)
        stream = replace(log_stream("/x"), container_id=file.container_id, fields={"host": f"h{number}"})
        self.chunks = [
            replace(chunk, stream=stream, start=chunk.start._replace(file=file), end=chunk.end._replace(file=file))
            for chunk in cut(lines_of(data), cuts, ended=True)
        ]
        self.alone, self.together = (DockerJson(Stamps(), composer=Pilotfish(with_attrs=with_attrs)) for _ in range(2))
        self.found: list[Segment] = []

    def expected(self) -> list[Segment]:
        return [segment for chunk in self.chunks for segment in self.alone.segments(chunk)]


def said(segments: Sequence[Segment]) -> list[object]:
    return [
        (each.day, each.documents, list(each.ids), each.size, each.ticket.end, each.ticket.last_time)
        for each in segments
    ]


def read(logs: Sequence[Log], most_bytes: int = PLENTY) -> int:
    """Read round by round; how many chunks were taken together."""
    count = 0
    for number in range(max(len(log.chunks) for log in logs)):
        here = [log for log in logs if number < len(log.chunks)]
        made = DockerJson.together([(log.together, log.chunks[number]) for log in here], most_bytes)
        assert len(made) == len(here)
        count += sum(segments is not None for segments in made)
        for log, segments in zip(here, made, strict=True):
            log.found += log.together.segments(log.chunks[number]) if segments is None else segments
    return count


plain_inputs = st.lists(st.sampled_from([raw("a\n"), raw('{"b":1}\n'), raw("é\n")]), max_size=6).map(b"".join)
logs = st.lists(st.tuples(inputs | plain_inputs, st.lists(st.integers(0, 20), max_size=4)), min_size=1, max_size=5).map(
    lambda each: [Log(number, *one) for number, one in enumerate(each)]
)


@examples(4)
@given(logs, st.sampled_from([0, 300, PLENTY]))
def test_chunks_that_are_taken_together_become_what_each_becomes_alone(read_logs: list[Log], most_bytes: int) -> None:
    read(read_logs, most_bytes)
    for log in read_logs:
        assert said(log.found) == said(log.expected())
        assert (log.together.parse_errors, log.together.torn_lines) == (log.alone.parse_errors, log.alone.torn_lines)


@pytest.mark.parametrize("with_attrs", [False, True])
def test_plain_chunks_that_follow_plain_ones_are_taken_together(with_attrs: bool) -> None:
    several = [Log(number, 4 * raw("a\n") + 4 * ATTRS, [2, 5], with_attrs=with_attrs) for number in range(5)]
    assert read(several) == 2 * 5  # the first of each file is taken by itself, and its end
    for log in several:
        assert said(log.found) == said(log.expected())


def test_one_that_is_not_plain_is_not_tried_again_with_the_others() -> None:
    """Else each round would decode all of them twice for one that writes in pieces."""
    plain = [Log(number, 6 * raw("a\n"), [1, 2, 3, 4, 5]) for number in range(3)]
    odd = Log(9, b"".join([raw("a\n"), raw("piece"), raw("end\n"), raw("piece"), raw("end\n"), raw("a\n")]), range(6))
    assert read([*plain, odd]) == 4 * 3  # in the second round it is met, and the others are taken by themselves once


def test_no_more_is_added_to_their_lines_than_is_asked_for() -> None:
    def chunks_taken(most_bytes: int) -> int:
        return read([Log(number, 100 * raw("a\n"), [50]) for number in range(4)], most_bytes)

    one = 50 * (80 + len('"host":"h0"'))
    assert [chunks_taken(most) for most in (one - 1, one, 2 * one, 3 * one, 4 * one)] == [0, 0, 2, 3, 4]


def test_a_chunk_of_another_file_is_taken_by_itself() -> None:
    first, second = (Log(number, 4 * raw("a\n"), [2]) for number in range(2))
    other: list[Chunk] = [
        replace(
            chunk,
            start=chunk.start._replace(file=FileId("c0", "beef", 0)),
            end=chunk.end._replace(file=FileId("c0", "beef", 0)),
        )
        for chunk in first.chunks
    ]
    first.chunks[1] = other[1]
    assert read([first, second]) == 0
    assert said(first.found) == said(first.expected())
