"""The law of telling: of each line of a log, and of its end, once, wherever chunks are cut and reading goes back to."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from collector.model import Chunk, FileId, Position
from collector.pipeline.told import Told
from tests.collector.docker_lines import log_stream

LINES = 8  # of each file
END = 3 * LINES  # of three files
STREAM = log_stream("/none")
# Up to where is read in one go, then where reading goes back to: lines of all files, counted on.
STEPS = st.lists(st.tuples(st.integers(0, END), st.lists(st.integers(0, END), max_size=8), st.integers(0, END)))


def position(line: int, file: int) -> Position:
    return Position(FileId("c0ffee", f"head{file}", 0), (line - file * LINES) * 4, line - file * LINES)


def chunks(start: int, end: int, cuts: list[int], *, ended: bool) -> Iterator[Chunk]:
    """The lines from `start` to `end`, cut where files end and at `cuts`; the log's end comes with them or alone."""
    places = sorted({start, end, *(one for one in [*cuts, LINES, 2 * LINES] if start < one < end)})
    alone = bool(len(cuts) % 2)
    for first, last in pairwise(places):
        data = b"".join(b"%03d\n" % line for line in range(first, last))
        is_end = ended and last == END and not alone
        file = first // LINES
        yield Chunk(stream=STREAM, data=data, start=position(first, file), end=position(last, file), ended=is_end)
    if ended and (alone or start == end):
        yield Chunk(stream=STREAM, data=b"", start=position(END, 2), end=position(END, 2), ended=True)


@given(STEPS)
def test_each_line_is_told_once(steps: list[tuple[int, list[int], int]]) -> None:
    told, found = Told(), Counter[object]()
    at, is_over = 0, False
    for until, cuts, back in [*steps, (END, [], 0)]:
        for chunk in chunks(at, max(at, until), cuts, ended=max(at, until) == END and not is_over):
            pieces = list(told.pieces(chunk))
            assert b"".join(piece.data for piece, _ in pieces) == chunk.data
            assert [piece.start for piece, _ in pieces][1:] == [piece.end for piece, _ in pieces][:-1]
            for piece, is_new in pieces:
                if is_new:
                    told.until(piece)
                    found.update([*piece.data.split(), *(["ended"] if piece.ended else [])])
        at = max(at, until)
        is_over = at == END
        if back < at:
            at, is_over = back, False
            told.back()
    assert found == Counter([*(b"%03d" % line for line in range(END)), "ended"])


def test_lines_of_files_that_were_never_read_are_told() -> None:
    """Those that it was told of are lost."""
    told = Told()
    for chunk in chunks(0, LINES, [], ended=False):
        told.until(chunk)
    told.back()
    later = [list(told.pieces(chunk)) for chunk in chunks(LINES, END, [], ended=True)]
    assert all(is_new for pieces in later for _, is_new in pieces)
