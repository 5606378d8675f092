"""Laws of the positions: they move behind what is settled, in order; a crash leaves one whole generation."""

import asyncio
import json
import threading
import time
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.clock import SureClock
from collector.errors import StateError
from collector.model import Cursor, FileId, LogStream, Position, Segment, StreamKey, Ticket
from collector.state.checkpoint import Checkpoints
from collector.state.positions_file import SpoolMark
from tests.collector.waiting import until
from tests.contract.segments import log_stream, messages, segment

STREAM = log_stream()
UP = {"docker": True}
FILE = FileId(STREAM.container_id, "aa", 0)
NEWER = FileId(STREAM.container_id, "bb", 0)


def upto(line: int, *, stream: LogStream = STREAM, file: FileId = FILE, last_time: str = "", inode: int = 0) -> Segment:
    end = Position(FileId(stream.container_id, file.head, file.ordinal), 100 * line, line, inode)
    return replace(segment(messages(1, stream), stream), ticket=Ticket(end, last_time, documents=1))


def position(checkpoints: Checkpoints, stream: LogStream = STREAM) -> Position | None:
    resume = checkpoints.begin(stream).resume
    return None if resume is None else resume.position


def begun(directory: Path) -> Checkpoints:
    checkpoints = Checkpoints(directory, "out")
    checkpoints.begin(STREAM)
    return checkpoints


def settle(checkpoints: Checkpoints, *segments: Segment) -> None:
    for each in segments:
        checkpoints.track(each)
    for each in segments:
        checkpoints.settle(each)


# ------------------------------------------------------------------ in memory


@given(st.permutations(range(6)))
def test_a_position_moves_when_all_before_it_is_settled_in_whatever_order(order: list[int]) -> None:
    checkpoints = begun(Path("/nonexistent"))
    segments = [upto(line) for line in range(1, 7)]
    for each in segments:
        checkpoints.track(each)
    done: set[int] = set()
    for index in order:
        checkpoints.settle(segments[index])
        done.add(index)
        low = next((n for n in range(7) if n not in done), 6)
        found = position(checkpoints)
        assert (found.line if found else 0) == low


def test_streams_move_apart(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    other = log_stream(container_id="decade")
    checkpoints.begin(other)
    slow, fast = upto(1), upto(9, stream=other)
    checkpoints.track(slow)
    checkpoints.track(fast)
    checkpoints.settle(fast)
    assert position(checkpoints) is None
    assert position(checkpoints, other) == fast.ticket.end


def test_one_container_may_have_several_streams_at_different_positions(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    web = replace(STREAM, entry="web", target="web")
    checkpoints.begin(web)
    settle(checkpoints, upto(3), upto(5, stream=web))
    assert [one.line for one in (position(checkpoints), position(checkpoints, web)) if one] == [3, 5]


def test_equal_segments_are_settled_one_by_one(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    first, second = upto(1), upto(1)
    checkpoints.track(first)
    checkpoints.track(second)
    checkpoints.settle(second)
    assert position(checkpoints) is None
    checkpoints.settle(first)
    assert position(checkpoints) == first.ticket.end


def test_what_was_left_out_is_passed_once_what_came_before_it_is_settled(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    checkpoints.clear(STREAM.key, Ticket(Position(FILE, 500, 5)))
    assert position(checkpoints) == Position(FILE, 500, 5)
    on_its_way = upto(7)
    checkpoints.track(on_its_way)
    checkpoints.clear(STREAM.key, on_its_way.ticket)
    checkpoints.clear(STREAM.key, Ticket(Position(FILE, 900, 9)))
    assert position(checkpoints) == Position(FILE, 500, 5)
    checkpoints.settle(on_its_way)
    assert position(checkpoints) == Position(FILE, 900, 9)


def test_what_is_left_out_while_an_output_is_away_takes_no_memory(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    on_its_way = upto(1, last_time="2026-11-23T02:13:00Z")
    checkpoints.track(on_its_way)
    for line in range(2, 1000):
        checkpoints.clear(STREAM.key, Ticket(Position(FILE, 100 * line, line)))
    newer = upto(1, file=NEWER)
    checkpoints.clear(STREAM.key, newer.ticket)
    assert len(checkpoints._pending[STREAM.key]) == 3
    checkpoints.settle(on_its_way)
    saved = checkpoints.begin(STREAM)
    assert position(checkpoints) == newer.ticket.end
    assert (saved.last_time, saved.ordinals) == ("2026-11-23T02:13:00Z", {"aa": 0, "bb": 0})


def test_the_inode_is_that_of_the_positions_file(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    older, newer = upto(3, inode=11), upto(1, file=NEWER, inode=22)
    checkpoints.track(older, newer)
    checkpoints.settle(older)
    assert position(checkpoints) == older.ticket.end
    checkpoints.settle(newer)
    assert position(checkpoints) == newer.ticket.end
    checkpoints.reach(STREAM.key, Position(newer.ticket.end.file, 0, 0, 33))  # it was copied, and the copy is read
    assert position(checkpoints) == newer.ticket.end._replace(inode=33)


def test_the_ordinals_of_all_files_behind_the_position_are_kept(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    third = FileId(STREAM.container_id, FILE.head, 1)
    settle(checkpoints, upto(1), upto(2, file=NEWER), upto(1, file=third))
    resume = checkpoints.begin(STREAM).resume
    assert resume is not None
    assert resume.ordinals == {NEWER.head: 0, FILE.head: 1}


def test_the_last_good_time_is_kept_and_never_lost(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    settle(checkpoints, upto(1, last_time="2026-11-23T02:13:00Z"), upto(2))
    assert checkpoints.begin(STREAM).last_time == "2026-11-23T02:13:00Z"


# ------------------------------------------------------------------ streams that come and go


def test_the_target_of_a_stream_is_that_of_its_first_sight(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    checkpoints.begin(replace(STREAM, target="another"))
    assert checkpoints.target_of(STREAM.key) == "shop"
    assert checkpoints.target_of(replace(STREAM, entry="web").key) is None


def test_the_cutoff_of_a_stream_is_that_of_its_first_sight(tmp_path: Path) -> None:
    """Else a restart before the first acknowledgement would leave out what came since the first start."""
    checkpoints = Checkpoints(tmp_path, "out")
    checkpoints.begin(STREAM, "2026-11-23T00:00:00")
    assert checkpoints.begin(STREAM, "2026-11-24T00:00:00").cutoff == "2026-11-23T00:00:00"


def test_a_container_that_is_gone_is_forgotten_once_its_lines_are_settled(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    last = upto(3)
    checkpoints.track(last)
    checkpoints.leave(STREAM.key)
    assert checkpoints.target_of(STREAM.key) == "shop"
    checkpoints.settle(last)
    assert checkpoints.target_of(STREAM.key) is None


def test_a_container_that_is_gone_with_nothing_on_its_way_is_forgotten_at_once(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    settle(checkpoints, upto(3))
    checkpoints.leave(STREAM.key)
    assert checkpoints.target_of(STREAM.key) is None


def test_a_container_that_comes_back_before_its_lines_are_settled_is_not_forgotten(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    last = upto(3)
    checkpoints.track(last)
    checkpoints.leave(STREAM.key)
    checkpoints.begin(STREAM)
    checkpoints.settle(last)
    assert position(checkpoints) == last.ticket.end


async def test_streams_unseen_for_a_week_are_forgotten_and_others_stay(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    other = log_stream(container_id="decade")
    checkpoints.begin(other)
    await checkpoints.flush()
    rewrite(tmp_path / "out.positions", seen=time.time() - 8 * 86400)
    checkpoints = Checkpoints(tmp_path, "out", now=time.time)
    checkpoints.see({STREAM.key: "docker"}, UP)
    assert checkpoints.target_of(STREAM.key) == "shop"
    assert checkpoints.target_of(other.key) is None


def test_a_clock_that_is_wrong_for_a_while_forgets_no_stream(tmp_path: Path) -> None:
    """What would be forgotten is read again from the start when its container comes back."""
    ahead = [0.0]
    steady = [0.0]
    clock = SureClock(lambda: time.time() + steady[0] + ahead[0], lambda: steady[0])
    checkpoints = Checkpoints(tmp_path, "out", now=clock.now)
    checkpoints.begin(STREAM)
    for jump in (0, 0, 0, 30 * 86400, 30 * 86400, 0, 0, 0, 0):
        steady[0] += 300
        ahead[0] = jump
        checkpoints.see({}, UP)
    assert checkpoints.target_of(STREAM.key) == "shop"


async def test_a_stream_that_was_seen_in_the_future_is_seen_from_now_on(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    await checkpoints.flush()
    rewrite(tmp_path / "out.positions", seen=time.time() + 300 * 86400)
    now = [time.time()]
    checkpoints = Checkpoints(tmp_path, "out", now=lambda: now[0])
    checkpoints.see({}, UP)
    assert checkpoints.target_of(STREAM.key) == "shop"
    now[0] += 8 * 86400
    checkpoints.see({}, UP)
    assert checkpoints.target_of(STREAM.key) is None


def seen_long_ago(tmp_path: Path, inputs: Mapping[str, str]) -> Checkpoints:
    """Positions of containers by the input that listed each, "" for one that an older version wrote; 8 days ago."""
    now = [time.time() - 8 * 86400]
    checkpoints = Checkpoints(tmp_path, "out", now=lambda: now[0])
    for container_id in inputs:
        checkpoints.begin(log_stream(container_id=container_id)).seen = now[0]
    present = {StreamKey(one, ""): name for one, name in inputs.items() if name}
    checkpoints.see(present, dict.fromkeys(inputs.values(), True))
    now[0] = time.time()
    return checkpoints


@pytest.mark.parametrize(
    ("answers", "kept"),
    [
        ({"left": True, "right": False}, {"r", "gone", "old"}),
        ({"left": False, "right": True}, {"l", "gone", "old"}),
        ({"left": False, "right": False}, {"l", "r", "gone", "old"}),
        ({"left": True, "right": True}, set()),
        ({"left": True, "renamed": False}, {"r", "gone", "old"}),
        ({}, {"l", "r", "gone", "old"}),
    ],
)
def test_a_stream_is_forgotten_when_the_input_that_listed_it_answers_whatever_the_others_do(
    tmp_path: Path, answers: dict[str, bool], kept: set[str]
) -> None:
    """Of one that is no more, or was never told, nobody can say that another one does not have it now: all have to."""
    checkpoints = seen_long_ago(tmp_path, {"l": "left", "r": "right", "gone": "an input of before", "old": ""})
    checkpoints.see({}, answers)
    assert {one.container_id for one in checkpoints.whole()} == kept


async def test_a_stream_belongs_to_the_input_that_lists_it_now_over_a_restart(tmp_path: Path) -> None:
    checkpoints = seen_long_ago(tmp_path, {"moved": "left", "stays": "left"})
    checkpoints.see({StreamKey("moved", ""): "right"}, {"left": True, "right": True})
    assert await checkpoints.flush()
    now = [time.time() + 8 * 86400]
    again = Checkpoints(tmp_path, "out", now=lambda: now[0])
    again.see({}, {"left": True, "right": False})
    assert [one.container_id for one in again.whole()] == ["moved"]


def test_the_input_of_a_stream_is_known_before_the_clock_is_sure(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "out", now=lambda: None)
    checkpoints.begin(STREAM)
    checkpoints.see({STREAM.key: "left"}, {"left": True})
    assert [one.input for one in checkpoints.whole()] == ["left"]


def test_a_stream_that_is_away_for_a_while_is_not_forgotten(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    checkpoints.see({}, UP)
    assert checkpoints.target_of(STREAM.key) == "shop"


# ------------------------------------------------------------------ on disk


def rewrite(path: Path, *, seen: float | None = None, **changes: object) -> None:
    """Change what a positions file says, with the right checksum."""
    found = json.loads(path.read_bytes().split(b"\n", 1)[1])
    found.update(changes)
    for one in found["streams"]:
        one["seen"] = one["seen"] if seen is None else seen
    body = json.dumps(found).encode()
    path.write_bytes(blake2b(body, digest_size=16).hexdigest().encode() + b"\n" + body + b"\n")


async def two_generations(directory: Path) -> None:
    checkpoints = begun(directory)
    settle(checkpoints, upto(1))
    assert await checkpoints.flush()
    settle(checkpoints, upto(2))
    assert await checkpoints.flush()


def kept(directory: Path) -> int | None:
    found = position(Checkpoints(directory, "out"))
    return None if found is None else found.line


async def test_what_was_flushed_is_there_after_a_restart(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "out")
    checkpoints.begin(STREAM, "2026-11-23T00:00:00")
    settle(checkpoints, upto(4, last_time="2026-11-23T02:13:00Z", inode=11))
    assert await checkpoints.flush()
    again = Checkpoints(tmp_path, "out")
    assert again.begin(replace(STREAM, target="another"), "2030-01-01T00:00:00") == checkpoints.begin(STREAM)
    assert again.target_of(STREAM.key) == "shop"


@pytest.mark.parametrize(("last_time", "is_unsettled"), [("2026-11-23T02:13:00Z", False), ("", True)])
async def test_the_cutoff_that_older_versions_kept_is_over_once_a_line_was_settled(
    tmp_path: Path, last_time: str, is_unsettled: bool
) -> None:
    await two_generations(tmp_path)
    path = tmp_path / "out.positions"
    found = json.loads(path.read_bytes().split(b"\n", 1)[1])
    found["streams"][0] |= {"cutoff": "2026-11-23T00:00:00", "last_time": last_time}
    rewrite(path, streams=found["streams"])
    resume = Checkpoints(tmp_path, "out").begin(STREAM).resume
    assert resume is not None
    assert resume.is_unsettled == is_unsettled


async def test_outputs_have_positions_of_their_own(tmp_path: Path) -> None:
    await two_generations(tmp_path)
    assert position(Checkpoints(tmp_path, "other")) is None
    assert kept(tmp_path) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes().replace(b"shop", b"shot")),
        lambda path: path.write_bytes(b"\x00" * path.stat().st_size),
    ],
    ids=["missing", "empty", "torn at the end", "torn", "changed", "zeros"],
)
async def test_a_damaged_file_gives_way_to_the_generation_before(tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    await two_generations(tmp_path)
    damage(tmp_path / "out.positions")
    assert kept(tmp_path) == 1
    damage(tmp_path / "out.positions.old")
    assert kept(tmp_path) is None


async def test_a_half_written_new_file_is_not_looked_at(tmp_path: Path) -> None:
    await two_generations(tmp_path)
    (tmp_path / "out.positions.new").write_bytes((tmp_path / "out.positions").read_bytes()[:50])
    assert kept(tmp_path) == 2


async def test_a_damaged_file_never_takes_the_place_of_the_whole_generation(tmp_path: Path) -> None:
    """A crash between the two renames of the next save must leave a whole one."""
    await two_generations(tmp_path)
    (tmp_path / "out.positions").write_text("damaged")
    whole = (tmp_path / "out.positions.old").read_bytes()
    checkpoints = Checkpoints(tmp_path, "out")
    settle(checkpoints, upto(3))
    assert await checkpoints.flush()
    assert kept(tmp_path) == 3
    assert (tmp_path / "out.positions.old").read_bytes() == whole
    assert (tmp_path / "out.positions.damaged").read_text() == "damaged"


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"version":1,"id_scheme":1,"streams":7}', b"\xff"])
async def test_positions_of_another_form_are_damaged_even_with_their_checksum(tmp_path: Path, body: bytes) -> None:
    await two_generations(tmp_path)
    checksum = blake2b(body, digest_size=16).hexdigest().encode()
    (tmp_path / "out.positions").write_bytes(checksum + b"\n" + body + b"\n")
    assert kept(tmp_path) == 1


@pytest.mark.parametrize("key", ["version", "id_scheme"])
async def test_positions_of_a_newer_version_are_not_touched(tmp_path: Path, key: str) -> None:
    await two_generations(tmp_path)
    rewrite(tmp_path / "out.positions", **{key: 99})
    before = (tmp_path / "out.positions").read_bytes()
    with pytest.raises(StateError, match="newer"):
        Checkpoints(tmp_path, "out")
    assert (tmp_path / "out.positions").read_bytes() == before


async def test_a_failed_flush_keeps_both_generations_and_is_tried_again(tmp_path: Path) -> None:
    await two_generations(tmp_path)
    checkpoints = Checkpoints(tmp_path, "out")
    settle(checkpoints, upto(3))
    (tmp_path / "out.positions.new").mkdir()
    assert not await checkpoints.flush()
    assert (checkpoints.failures, bool(checkpoints.error)) == (1, True)
    assert kept(tmp_path) == 2
    (tmp_path / "out.positions.new").rmdir()
    assert await checkpoints.flush()
    assert (checkpoints.failures, checkpoints.error) == (1, "")
    assert kept(tmp_path) == 3


async def test_nothing_is_written_while_nothing_has_moved(tmp_path: Path) -> None:
    await two_generations(tmp_path)
    before = inode(tmp_path / "out.positions")
    checkpoints = Checkpoints(tmp_path, "out")
    assert await checkpoints.flush()
    assert inode(tmp_path / "out.positions") == before


async def test_positions_that_did_not_move_are_as_good_as_saved_now(tmp_path: Path) -> None:
    """One of several workers may have nothing to do for hours: its positions are not stale."""
    await two_generations(tmp_path)
    checkpoints = Checkpoints(tmp_path, "out")
    checkpoints.last_success -= 3600
    await checkpoints.flush()
    assert time.time() - checkpoints.last_success < 60


async def test_a_flush_that_was_cancelled_does_not_spoil_the_next_one(tmp_path: Path) -> None:
    await two_generations(tmp_path)
    checkpoints = Checkpoints(tmp_path, "out")
    for line in range(3, 60):
        settle(checkpoints, upto(line))
        cancelled = asyncio.ensure_future(checkpoints.flush())
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        assert await checkpoints.flush()
        assert kept(tmp_path) == line


def test_nothing_is_left_out_for_its_age_after_positions_were_lost(tmp_path: Path) -> None:
    (tmp_path / "out.positions").write_text("damaged")
    assert Checkpoints(tmp_path, "out").begin(STREAM, "2026-11-23T10:00:00").cutoff == ""


def test_a_positions_file_that_cannot_be_read_is_a_state_error(tmp_path: Path) -> None:
    (tmp_path / "out.positions").mkdir()
    with pytest.raises(StateError, match="cannot be read"):
        Checkpoints(tmp_path, "out")


# ------------------------------------------------------------------ how often


async def test_large_positions_are_written_less_often_and_small_ones_each_time(tmp_path: Path) -> None:
    """Forty labels with names of 100 KB are 8 MB, of which one line of one of them moves some bytes."""
    written = {}
    for name, size in (("small", 10), ("large", 100_000)):
        checkpoints = Checkpoints(tmp_path, name)
        for number in range(40):
            checkpoints.begin(replace(STREAM, entry=f"{number}{'n' * size}"))
        written[name] = 0
        for line in range(1, 6):
            settle(checkpoints, upto(line, stream=replace(STREAM, entry=f"0{'n' * size}")))
            before = inode(tmp_path / f"{name}.positions")
            if name == "small":
                await until(lambda: checkpoints._file.is_due)  # noqa: B023 - awaited at once
            await checkpoints.flush_when_due()
            written[name] += inode(tmp_path / f"{name}.positions") != before
        assert checkpoints.failures == 0
    assert written == {"small": 5, "large": 1}
    assert await checkpoints.flush()  # as at a stop
    again = Checkpoints(tmp_path, "large")
    assert position(again, replace(STREAM, entry=f"0{'n' * 100_000}")) == upto(5).ticket.end


def inode(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


async def test_the_place_in_a_stream_without_files_is_kept_as_its_source_wrote_it(tmp_path: Path) -> None:
    checkpoints = begun(tmp_path)
    for order in (3, 70):
        end = Position(FileId(STREAM.container_id, "topic", 0), 0, order, cursor=Cursor(order, f'{{"at":{order}}}'))
        settle(checkpoints, replace(upto(1), ticket=Ticket(end, documents=1)))
    await checkpoints.flush()
    kept = position(Checkpoints(tmp_path, "out"))
    assert kept == end
    assert kept.order == 70
    settle(checkpoints, upto(1))
    assert position(checkpoints) == upto(1).ticket.end  # of a file again


async def test_two_who_want_all_on_disk_get_it_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the first writes may be older than what the second wants to have there."""
    checkpoints = Checkpoints(tmp_path, "out")
    writing, may_write = threading.Event(), threading.Event()
    write = checkpoints._file.write

    def slow(*content: Any) -> None:
        writing.set()
        assert may_write.wait(10)
        write(*content)

    monkeypatch.setattr(checkpoints._file, "write", slow)
    checkpoints.begin(log_stream("/logs/a", container_id="a"))
    first = asyncio.ensure_future(checkpoints.flush())
    await asyncio.to_thread(writing.wait, 10)
    checkpoints.begin(log_stream("/logs/b", container_id="b"))
    second = asyncio.ensure_future(checkpoints.flush())
    await asyncio.sleep(0.05)
    assert not second.done()
    may_write.set()
    assert all(await asyncio.gather(first, second))
    again = Checkpoints(tmp_path, "out")
    assert all(again.target_of(StreamKey(name, "")) for name in "ab")


def test_a_file_that_may_come_again_is_no_container_that_is_gone(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    kept = Checkpoints(tmp_path / "state", "out")
    for name in ("/srv/app.log", "c0ffee"):
        kept.begin(replace(log_stream(), container_id=name, entry=""))
        kept.reach(StreamKey(name, ""), Position(FileId(name, "head", 0), 0, 0))
    kept.drop({}, [StreamKey("/srv/app.log", ""), StreamKey("c0ffee", "")], lambda live, head: True)
    kept._logs.clear()  # as after a restart
    assert kept.vanished([], {"docker": True}) == ["c0ffee"]


# ------------------------------------------------------------------ how far they cover the spool


@pytest.mark.parametrize(("newest", "is_known"), [("whole", True), ("missing", True), ("damaged", False)])
async def test_it_is_known_how_far_they_cover_the_spool_unless_what_was_written_last_is_damaged(
    tmp_path: Path, newest: str, is_known: bool
) -> None:
    """A crash may come before the newest is in its place: then nobody has acted by it."""
    checkpoints = begun(tmp_path)
    for end in (100, 200):
        checkpoints.cover(SpoolMark(7, end))
        await checkpoints.flush()
    path = tmp_path / "out.positions"
    if newest == "missing":
        path.unlink()
    elif newest == "damaged":
        path.write_bytes(b"?")
    end = 100 if newest == "missing" else 200
    assert Checkpoints(tmp_path, "out").spool_mark == (SpoolMark(7, end) if is_known else None)
