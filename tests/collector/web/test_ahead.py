"""`collector.web.ahead`: of several outputs that read the same logs, what the one that is ahead of the others reads."""

import tracemalloc

import pytest
from msgspec.structs import replace

from collector.documents.ids import NumberedIds
from collector.model import FileId, LogStream, Position, Segment, Ticket
from collector.reading import Reading
from collector.web.ahead import Ahead, Reached, view_of
from collector.web.live import Live, Wanted

_BYTES = 100  # a line


def part(lines: range, file: str = "first", *, container: str = "c", time: str = "") -> Segment:
    """These lines of a file, a document each."""
    stream = LogStream(
        container_id=container, container=container, entry="", target="shop", path="/x", running=True, fields={}
    )
    documents = [f"{file} {line}".encode() for line in lines]
    return Segment(
        stream=stream,
        day="2026-11-23",
        documents=documents,
        ids=NumberedIds(f"{file}-", lines),
        size=sum(map(len, documents)),
        ticket=Ticket(Position(FileId(container, file, 0), lines.stop * _BYTES, lines.stop), time),
    )


def at(output: str, segment: Segment) -> Reached:
    return Reached(output, segment.stream.key, segment.ticket.end, segment.ticket.last_time)


def shown(ahead: Ahead, output: str, segment: Segment) -> list[str]:
    new = ahead.new(output, segment)
    return [] if new is None else [document.decode().split()[-1] for document in new.documents]


def test_what_two_outputs_cut_at_other_places_is_shown_once() -> None:
    ahead = Ahead()
    seen = []
    reads = [("a", range(4)), ("b", range(3)), ("b", range(3, 9)), ("a", range(4, 6)), ("a", range(6, 12))]
    for output, lines in reads:
        seen += shown(ahead, output, part(lines))
    assert seen == [str(line) for line in range(12)]
    new = ahead.new("b", part(range(9, 14)))
    assert new is not None
    assert (list(new.ids), new.size) == (["first-12", "first-13"], 16)


def test_an_output_that_lost_what_was_shown_last_goes_on_behind_it() -> None:
    ahead = Ahead()
    assert shown(ahead, "a", part(range(5)))
    assert shown(ahead, "b", part(range(2))) == []
    assert shown(ahead, "b", part(range(7, 9))) == ["7", "8"]
    assert shown(ahead, "c", part(range(3))) == []
    assert shown(ahead, "c", part(range(2), "second")) == ["0", "1"]


def test_no_clock_that_was_set_back_brings_a_file_back_that_was_shown() -> None:
    ahead = Ahead()
    late, early = "2026-11-23T02:00:00Z", "2026-11-23T01:00:00.5Z"
    assert shown(ahead, "a", part(range(5), time=late))
    assert shown(ahead, "a", part(range(2), "second", time=early)) == ["0", "1"]
    assert shown(ahead, "b", part(range(9), time=late)) == []
    assert shown(ahead, "b", part(range(4), "second", time=early)) == ["2", "3"]


def test_of_files_that_nobody_came_to_from_each_other_the_later_is_ahead() -> None:
    ahead = Ahead()
    ahead.begin(
        [
            at("a", part(range(50), "old", time="2026-11-23T01:00:00.49Z")),
            at("b", part(range(5), "new", time="2026-11-23T01:00:00.5Z")),
        ]
    )
    assert shown(ahead, "a", part(range(50, 60), "old", time="2026-11-23T01:00:00.499Z")) == []
    assert shown(ahead, "b", part(range(5, 6), "new")) == ["5"]
    assert shown(ahead, "a", part(range(7), "new")) == ["6"]


def test_outputs_at_one_place_may_both_go_on() -> None:
    for first in "ab":
        ahead = Ahead()
        ahead.begin([at("a", part(range(5))), at("b", part(range(5)))])
        assert shown(ahead, first, part(range(5, 7))) == ["5", "6"]


def test_what_an_output_reads_once_more_is_not_shown_again() -> None:
    ahead = Ahead()
    stream = part(range(1)).stream.key
    assert shown(ahead, "a", part(range(9)))
    ahead.back("a", stream)
    assert shown(ahead, "a", part(range(3, 6))) == []
    assert shown(ahead, "a", part(range(6, 11))) == ["9", "10"]


def test_streams_do_not_meet() -> None:
    ahead = Ahead()
    for container in "cd":
        assert shown(ahead, "a", part(range(5), container=container))
        assert shown(ahead, "b", part(range(7), container=container)) == ["5", "6"]


def test_places_are_bounded_however_many_containers_come() -> None:
    ahead = Ahead()
    for number in range(10_000):
        ahead.new("a", part(range(1), container=str(number)))
    tracemalloc.start()
    try:
        for number in range(10_000, 20_000):
            ahead.new("a", part(range(1), container=str(number)))
        assert tracemalloc.get_traced_memory()[0] < 30 << 20
        assert len(ahead._fronts) == 10_000
    finally:
        tracemalloc.stop()


def test_nothing_is_kept_while_nobody_looks() -> None:
    live = Live()
    tap = live.tap("a")
    tap.show(part(range(5)))
    assert live._ahead._fronts == {}
    with live.subscribe(Wanted()):
        tap.show(part(range(5, 9)))
        assert len(live._ahead._fronts) == 1
    assert live._ahead._fronts == {}


def left(segment: Segment, *lines: int, reading: Reading) -> Segment:
    """What an output that reads so has of it."""
    part = segment.part([index for index in range(segment.count) if index in lines])
    return replace(part, stream=replace(segment.stream, reading=reading))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Reading(of_stream="stdout"), Reading(of_stream="stderr")),
        (Reading(targets=("shop-*",)), Reading(targets=("!shop-*",))),  # of a relay, as the two below
        (Reading(containers=("web",)), Reading()),
        (Reading(container_ids=("c0",)), Reading(container_ids=("ff",))),
    ],
)
def test_outputs_that_leave_out_different_lines_hide_none_of_each_other(one: Reading, other: Reading) -> None:
    ahead = Ahead()
    seen = []
    for number in range(3):
        whole = part(range(4 * number, 4 * number + 4))
        seen += shown(ahead, "a", left(whole, 0, 3, reading=one))
        seen += shown(ahead, "b", left(whole, 1, 2, reading=other))
    assert sorted(map(int, seen)) == list(range(12))


def test_what_is_shown_before_a_second_output_comes_is_not_shown_again() -> None:
    ahead = Ahead(differ=True)
    assert shown(ahead, "few", left(part(range(4)), 1, reading=Reading(level="error"))) == ["1"]
    assert shown(ahead, "all", part(range(4))) == ["0", "2", "3"]


def test_where_redaction_decides_what_is_left_out_outputs_have_views_of_their_own() -> None:
    ahead = Ahead(differ=True)
    readings = [Reading(include="a", redact=names) for names in ((), ("pii",))]
    assert [shown(ahead, "ab"[number], left(part(range(4)), number, 2, reading=reading))
            for number, reading in enumerate(readings)] == [["0", "2"], ["1"]]  # fmt: skip


def test_what_outputs_with_different_levels_have_is_shown_once() -> None:
    bad = Reading(level="error")
    for is_few_first in (True, False):
        ahead = Ahead()
        ahead.begin([at("few", part(range(0)))._replace(view=view_of(bad)), at("all", part(range(0)))])
        seen = []
        for number in range(3):
            whole = part(range(4 * number, 4 * number + 4))
            few = left(whole, 2, reading=bad)
            for output, segment in [("few", few), ("all", whole)] if is_few_first else [("all", whole), ("few", few)]:
                seen += shown(ahead, output, segment)
        assert sorted(map(int, seen)) == list(range(12))
