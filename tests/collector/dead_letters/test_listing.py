"""Laws of the list: true totals, the newest or the oldest of all outputs, bounded."""

import json
from pathlib import Path

from collector.dead_letters import DeadLetters
from collector.dead_letters.letter import Wanted
from collector.dead_letters.listing import MOST_BYTES, find, outputs_of
from collector.model import Rejected
from tests.contract.segments import document, log_stream, plain_segment, segment


def write(root: Path, output: str, number: int, *, reason: str = "r", target: str = "shop") -> None:
    DeadLetters(root / output).append([Rejected(plain_segment(1, target, first=number), 0, reason, f"{number}")])


def details(lines: list[bytes]) -> list[tuple[str, str]]:
    return [(found["output"], found["detail"]) for found in map(json.loads, lines)]


def test_the_newest_of_all_outputs_come_last(tmp_path: Path) -> None:
    for number in range(6):
        write(tmp_path, "ab"[number % 2], number)
    found = find([tmp_path], ["a", "b"], Wanted(), limit=3)
    assert (found.total, found.damaged) == (6, 0)
    assert sorted(details(found.lines)) == [("a", "4"), ("b", "3"), ("b", "5")]
    oldest = find([tmp_path], ["a", "b"], Wanted(), limit=2, oldest=True)
    assert sorted(details(oldest.lines)) == [("a", "0"), ("b", "1")]


def test_totals_are_of_all_that_is_wanted_by_output_target_and_reason(tmp_path: Path) -> None:
    for number in range(4):
        write(tmp_path, "a", number, reason="xy"[number % 2])
    write(tmp_path, "a", 9, target="till", reason="x")
    found = find([tmp_path], ["a"], Wanted(reason="x"), limit=0)
    assert found.summary() == {
        "total": 3,
        "damaged": 0,
        "reasons": [
            {"output": "a", "target": "shop", "reason": "x", "letters": 2},
            {"output": "a", "target": "till", "reason": "x", "letters": 1},
        ],
    }
    assert found.lines == []


def test_damaged_lines_are_counted_and_hide_no_letter(tmp_path: Path) -> None:
    write(tmp_path, "a", 1)
    with (tmp_path / "a" / "00000001.ndjson").open("ab") as file:
        file.write(b'{"torn\n\n\xff\n')
    write(tmp_path, "a", 2)
    found = find([tmp_path], ["a"], Wanted(), limit=10)
    assert (found.total, found.damaged, details(found.lines)) == (2, 2, [("a", "1"), ("a", "2")])


def test_what_is_shown_is_bounded_in_bytes(tmp_path: Path) -> None:
    stream = log_stream()
    large = document({"message": "x" * (MOST_BYTES // 4)}, stream)
    for number in range(8):
        part = segment([large], stream, first=number)
        DeadLetters(tmp_path / "a").append([Rejected(part, 0, "r", f"{number}")])
    newest = find([tmp_path], ["a"], Wanted(), limit=10)
    assert (newest.total, details(newest.lines)) == (8, [("a", "5"), ("a", "6"), ("a", "7")])
    oldest = find([tmp_path], ["a"], Wanted(), limit=10, oldest=True)
    assert details(oldest.lines) == [("a", "0"), ("a", "1"), ("a", "2")]


def test_outputs_are_those_that_have_letters(tmp_path: Path) -> None:
    write(tmp_path, "b", 1)
    write(tmp_path, "a", 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / 'x"y').mkdir()
    (tmp_path / 'x"y' / "00000001.ndjson").touch()
    assert outputs_of([tmp_path]) == ["a", "b"]
    assert outputs_of([tmp_path / "none"]) == []


def test_what_is_shown_of_many_outputs_is_bounded_together(tmp_path: Path) -> None:
    stream = log_stream()
    large = document({"message": "x" * (MOST_BYTES // 4)}, stream)
    outputs = [f"o{number}" for number in range(6)]
    for output in outputs:
        for number in range(3):
            one = segment([large], stream, first=number)
            DeadLetters(tmp_path / output).append([Rejected(one, 0, "type", "reason")])
    for oldest in (False, True):
        listing = find([tmp_path], outputs, Wanted(), limit=100, oldest=oldest)
        assert listing.total == 18
        assert len(listing.lines) == 3
        assert sum(map(len, listing.lines)) <= MOST_BYTES
        assert all(f'"o{5 if not oldest else 0}"'.encode() in line for line in listing.lines)
