"""Lines that say the same within some seconds become two documents, whatever stands between them."""

from collector.documents.composer import FinishedLine
from collector.filters.folding import Folding, Repeats
from tests.collector.filters.test_limits import at


def fold(lines: list[tuple[float, str]], seconds: float = 10) -> tuple[list[int], list[Repeats]]:
    """The lines that pass, by number, and the documents that count others."""
    one, passed, told = Folding(seconds), list[int](), list[Repeats]()
    for number, (time, text) in enumerate(lines):
        told += one.over(at(time))
        line = FinishedLine(text, "stderr", at(time), f"a-{number}")
        if not one.repeats(line, text, "error", lambda text=text: text):  # type: ignore[misc]  # its default is it
            passed.append(number)
    return passed, told


def test_the_first_passes_and_the_others_are_counted_when_a_line_shows_that_their_time_is_over() -> None:
    passed, told = fold([(0, "boom 1"), (1, "boom 2"), (2, "other"), (9, "boom 34"), (11, "x")])
    assert passed == [0, 2, 4]
    assert told == [Repeats(at(0), 2, at(9), "a-3", "stderr", "boom 34", "error")]


def test_a_text_that_comes_once_is_told_once() -> None:
    assert fold([(0, "a"), (20, "b"), (40, "c")]) == ([0, 1, 2], [])


def test_the_time_of_a_text_begins_anew_with_the_first_line_behind_it() -> None:
    passed, told = fold([(0, "a"), (9, "a"), (11, "a"), (12, "a"), (30, "b")])
    assert passed == [0, 2, 4]
    assert [(one.times, one.id) for one in told] == [(1, "a-1"), (1, "a-3")]


def test_of_many_texts_the_oldest_makes_room_and_none_is_forgotten_in_the_count() -> None:
    lines = [(number / 1000, f"{letter} said") for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz" * 2)]
    passed, told = fold([*lines, (60.0, "end")])
    assert len(passed) + sum(one.times for one in told) == len(lines) + 1


def test_long_texts_differ_by_their_beginning_alone_and_are_told_in_part() -> None:
    passed, told = fold([(0, "x" * 2000), (1, "x" * 3000), (2, "y" + "x" * 2000), (60, "end")])
    assert passed == [0, 2, 3]
    assert [one.text for one in told] == ["x" * 256]


def test_a_clock_that_was_wrong_folds_nothing_that_is_not_near() -> None:
    passed, told = fold([(100, "a"), (100.5, "a"), (0, "a"), (1, "a"), (200, "b")])
    assert passed == [0, 2, 4]
    assert [(one.times, one.id) for one in told] == [(1, "a-1"), (1, "a-3")]
