"""Laws of the dead letters: whole lines on disk with their reason, capped by giving up the oldest."""

import json
import os
import stat
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from collector.dead_letters import DeadLetters
from collector.dead_letters.shares import excess, told
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


# ------------------------------------------------------------------ shares


def of_target(target: str, number: int, size: int = 100) -> Rejected:
    stream = log_stream(target, container_id=target)
    one = segment([document({"message": "x" * size}, stream)], stream, first=number)
    return Rejected(one, 0, "mapper_exception", f"{target} {number}")


def kept(directory: Path) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for line in lines(directory):
        found.setdefault(line["target"], []).append(int(line["detail"].split()[1]))
    return found


def test_letters_of_one_target_push_out_none_of_another(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 100_000)
    for number in range(20):
        letters.append([of_target("quiet", number)])
    dropped = 0
    for number in range(300):
        dropped += letters.append([of_target("loud", number, 2_000)])
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 100_000
    found = kept(tmp_path)
    assert found["quiet"] == list(range(20))
    assert found["loud"] == list(range(dropped, 300))
    assert dropped > 200


def test_what_a_quiet_target_leaves_of_its_share_is_the_others(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 100_000)
    for number in range(200):
        letters.append([of_target("a", number, 1_000), of_target("b", number, 1_000)])
        if number < 10:
            letters.append([of_target("c", number)])
    found = kept(tmp_path)
    assert found["c"] == list(range(10))
    assert abs(len(found["a"]) - len(found["b"])) <= 1
    assert (found["a"][-1], found["b"][-1]) == (199, 199)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 80_000


def test_many_targets_of_one_tenant_leave_another_an_equal_share(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 100_000)
    for number in range(10):
        letters.append([of_target("quiet", number)])
    for number in range(400):
        letters.append([of_target(f"loud{number % 10}", number, 1_000)])
    assert kept(tmp_path)["quiet"] == list(range(10))


def test_one_letter_larger_than_all_room_does_not_stop_the_others(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8_000)
    letters.append([of_target("quiet", 0)])
    assert letters.append([of_target("loud", 0, 100_000)]) == 0
    assert letters.append([of_target("quiet", 1)]) == 1
    assert kept(tmp_path) == {"quiet": [0, 1]}


def test_a_letter_that_had_to_go_is_written_when_it_comes_again(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 8_000)
    for number in range(60):
        letters.append([of_target("a", number)])
    assert 0 not in kept(tmp_path)["a"]
    letters.append([of_target("a", 0)])
    assert kept(tmp_path)["a"][-1] == 0


def test_a_file_under_replay_keeps_its_lines_where_they_stand(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path, 20_000)
    for number in range(60):
        letters.append([of_target("loud", number)])
    path = letters.set_aside()[0]
    with letters.at_work(path) as file:
        before = path.read_bytes()
        for number in range(100, 300):
            letters.append([of_target("loud", number)])
        assert path.read_bytes() == before == file.read()
        letters.settle(path, [(0, before.index(b"\n") + 1)])
    assert path.read_bytes() == before[: before.index(b"\n") + 1]
    letters.append([of_target("loud", 400)])
    assert kept(tmp_path)["loud"][-1] == 400


def test_dropped_letters_are_told_for_an_hour_with_their_targets(tmp_path: Path) -> None:
    clock = [0.0]
    letters = DeadLetters(tmp_path / "elastic", 8_000, now=lambda: clock[0])
    assert letters.dropping == ""
    with capture_logs() as logs:
        for number in range(60):
            letters.append([of_target("loud", number)])
    told = [entry for entry in logs if entry["event"] == "oldest dead letters removed: size limit reached"]
    assert {(entry["output"], entry["log_level"]) for entry in told} == {("elastic", "warning")}
    gone = 60 - len(kept(tmp_path / "elastic")["loud"])
    assert sum(entry["count"] for entry in told) == gone
    assert letters.dropping.startswith(
        f"oldest dead letters removed at the size limit, of loud ({gone}): fix the cause of the refusals"
    )
    clock[0] = 3_601.0
    assert letters.dropping == ""


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 1000), max_size=20), st.integers(0, 5000))
def test_shares_are_fair(sizes: dict[str, int], most: int) -> None:
    over = excess(sizes, most)
    left = {target: size - over.get(target, 0) for target, size in sizes.items()}
    assert sum(left.values()) <= most or not over
    assert bool(over) == (sum(sizes.values()) > most)
    assert all(over[target] > 0 for target in over)
    if over:  # who gave something up has as much as anybody
        assert {left[target] for target in over} == {max(left.values())}
        assert sum(left.values()) > most - len(over)


def test_few_targets_are_named_and_the_others_counted() -> None:
    assert told(Counter({"shop": 3, "": 1})) == "shop (3), unknown (1)"
    assert told(Counter({f"t{number}": 9 - number for number in range(8)})).endswith("t4 (5) and 3 more")
