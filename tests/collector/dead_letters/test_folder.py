"""Laws of the dead letters: whole lines on disk with their reason, capped by giving up the oldest."""

import json
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collector.dead_letters import DeadLetters
from collector.model import Rejected
from tests.contract.faults import Unsyncable, file_size_limit
from tests.contract.segments import document, log_stream, plain_segment, segment

LETTERS = [Rejected(plain_segment(20), index, "mapper_exception", f"reason {index}") for index in range(20)]


def lines(directory: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(directory.iterdir()) for line in path.read_bytes().splitlines()]


def test_a_letter_holds_the_document_and_why_it_was_refused(tmp_path: Path) -> None:
    assert DeadLetters(tmp_path / "out", 1 << 20).append(LETTERS[:2]) == 0
    first, second = lines(tmp_path / "out")
    assert datetime.fromisoformat(first.pop("time")).utcoffset() is not None
    assert first == {
        "reason": "mapper_exception",
        "detail": "reason 0",
        "_id": LETTERS[0].segment.ids[0],
        "container_id": "c0ffee",
        "container": "c0ffee-1",
        "entry": "",
        "target": "shop",
        "day": LETTERS[0].segment.day,
        "document": json.loads(LETTERS[0].segment.documents[0]),
    }
    assert second["detail"] == "reason 1"


def test_a_document_that_no_parser_reads_alike_is_kept_byte_for_byte(tmp_path: Path) -> None:
    stream = log_stream()
    odd = document(b'{"n":123456789012345678901234567890,"a":1,"a":1e999}', stream)
    DeadLetters(tmp_path, 1 << 20).append([Rejected(segment([odd], stream), 0, "x", "y")])
    assert odd in (tmp_path / "00000001.ndjson").read_bytes()


def test_letters_are_added_behind_those_of_an_earlier_run(tmp_path: Path) -> None:
    for letter in LETTERS[:3]:
        DeadLetters(tmp_path, 1 << 20).append([letter])
    assert [line["detail"] for line in lines(tmp_path)] == ["reason 0", "reason 1", "reason 2"]


def test_half_a_line_that_a_crash_left_spoils_no_other_one(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    letters.append(LETTERS[:1])
    with (tmp_path / "00000001.ndjson").open("ab") as file:
        file.write(b'{"reason":"torn')
    letters.append(LETTERS[1:2])
    first, torn, last = (tmp_path / "00000001.ndjson").read_bytes().splitlines()
    assert torn == b'{"reason":"torn'
    assert [json.loads(first)["detail"], json.loads(last)["detail"]] == ["reason 0", "reason 1"]


def test_letters_for_which_there_is_no_room_on_the_disk_leave_nothing_behind(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    letters.append(LETTERS[:1])
    before = (tmp_path / "00000001.ndjson").read_bytes()
    with file_size_limit(len(before) + 100), pytest.raises(OSError, match="too large"):
        letters.append(LETTERS[1:])
    assert (tmp_path / "00000001.ndjson").read_bytes() == before
    letters.append(LETTERS[1:])
    assert len(lines(tmp_path)) == 20


def test_a_letter_counts_when_the_directories_above_are_synced_and_stands_there_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    state = Unsyncable(tmp_path)
    letters = DeadLetters(state.below / "out", 1 << 20)
    for _ in range(2):
        with pytest.raises(OSError, match="Invalid argument"):
            letters.append(LETTERS[:1])
        assert lines(state.below / "out") == []
    state.mend()
    letters.append(LETTERS[:1])
    assert len(lines(state.below / "out")) == 1


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(OSError, match="exists"):
        DeadLetters(tmp_path / "out", 1 << 20).append(LETTERS[:1])


def numbered(number: int) -> Rejected:
    """A letter like no other."""
    return Rejected(plain_segment(1, first=number), 0, "mapper_exception", f"reason {number}")


def test_the_oldest_go_when_the_cap_is_reached_and_are_counted(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8000)
    dropped = 0
    for number in range(400):
        dropped += letters.append([numbered(number)])
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 8000
    assert dropped > 0
    assert len(lines(tmp_path)) == 400 - dropped
    assert lines(tmp_path)[-1]["detail"] == "reason 399"


# ------------------------------------------------------------------ once


def test_a_letter_that_comes_again_after_a_crash_is_not_written_twice(tmp_path: Path) -> None:
    DeadLetters(tmp_path, 1 << 20).append(LETTERS[:10])
    after = DeadLetters(tmp_path, 1 << 20)
    assert after.append(LETTERS[5:15]) == 0
    assert after.append(LETTERS[5:15]) == 0
    assert [line["detail"] for line in lines(tmp_path)] == [f"reason {n}" for n in range(15)]


def test_a_letter_is_found_in_the_file_before_the_newest(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8000)
    for number in range(5):
        letters.append([numbered(number)])
    assert len(list(tmp_path.iterdir())) > 1
    assert DeadLetters(tmp_path, 8000).append([numbered(4), numbered(3)]) == 0
    assert len(lines(tmp_path)) == 5


def test_the_ids_of_old_files_are_forgotten(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8000)
    for number in range(100):
        letters.append([numbered(number)])
    assert letters._known is not None
    assert len(letters._known) == 2
    assert sum(map(len, letters._known.values())) < 10


def test_a_letter_that_is_there_twice_in_one_call_is_written_once(tmp_path: Path) -> None:
    DeadLetters(tmp_path, 1 << 20).append([LETTERS[0], LETTERS[0]])
    assert len(lines(tmp_path)) == 1


def test_letters_of_several_workers_at_once_are_whole_lines(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    with ThreadPoolExecutor(8) as workers:
        list(workers.map(lambda number: letters.append([numbered(number)]), range(200)))
    assert sorted(int(line["detail"].split()[1]) for line in lines(tmp_path)) == list(range(200))


# ------------------------------------------------------------------ set aside


def test_what_comes_after_files_were_set_aside_goes_to_a_new_one_even_if_it_stands_in_them(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    letters.append(LETTERS[:2])
    (aside,) = letters.set_aside()
    before = aside.read_bytes()
    assert letters.append(LETTERS[1:3]) == 0
    assert letters.append(LETTERS[1:3]) == 0
    assert aside.read_bytes() == before
    assert [line["detail"] for line in lines(tmp_path)] == ["reason 0", "reason 1", "reason 1", "reason 2"]
    assert letters.holds([LETTERS[0].segment.ids[n] for n in range(4)]) == 2
    letters.settle(aside, [])
    letters.settle(letters.set_aside()[0], [])
    letters.append(LETTERS[:1])
    assert [path.name for path in tmp_path.iterdir()] == ["00000003.ndjson"]


def test_a_file_at_work_does_not_go_for_newer_letters_and_others_do(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8000)
    for number in range(10):
        letters.append([numbered(number)])
    oldest, second, *_ = letters.set_aside()
    dropped = 0
    with letters.at_work(oldest):
        for number in range(10, 100):
            dropped += letters.append([numbered(number)])
    assert (oldest.exists(), second.exists()) == (True, False)
    assert len(lines(tmp_path)) == 100 - dropped


def test_of_a_settled_file_the_kept_spans_are_left(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    letters.append(LETTERS[:3])
    (path,) = letters.set_aside()
    first, second, third = path.read_bytes().splitlines(keepends=True)
    letters.settle(path, [(0, len(first)), (len(first) + len(second), path.stat().st_size)])
    assert path.read_bytes() == first + third
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    letters.settle(path, [])
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_anew_stays_as_it_was(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 1 << 20)
    letters.append(LETTERS)
    (path,) = letters.set_aside()
    before = path.read_bytes()
    with file_size_limit(len(before) // 2), pytest.raises(OSError, match="too large"):
        letters.settle(path, [(0, len(before) - 1)])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_what_an_operator_put_beside_them_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "export.ndjson").write_bytes(b"{}\n" * 5000)
    for number in range(20):
        DeadLetters(tmp_path, 8000).append([numbered(number)])
    assert (tmp_path / "export.ndjson").read_bytes() == b"{}\n" * 5000
    assert (tmp_path / "00000001.ndjson").exists()


def test_one_letter_over_the_cap_is_kept(tmp_path: Path) -> None:
    assert DeadLetters(tmp_path, 10).append(LETTERS[:1]) == 0
    assert len(lines(tmp_path)) == 1


def test_letters_are_for_their_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        DeadLetters(tmp_path / "out", 1 << 20).append(LETTERS[:1])
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "out" / "00000001.ndjson").stat().st_mode) == 0o600
