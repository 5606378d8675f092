"""Laws of the files that come one after another: none is read twice, none goes unread unless that is counted."""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from collector.sources.log_files import generations
from collector.sources.successors import Successors
from collector.sources.tail_counts import TailCounts
from collector.sources.watcher import Watcher
from tests.collector.docker_lines import ContainerLog, numbered, raw
from tests.collector.sources.reading import UNWATCHED, Reading, reading, resume_at
from tests.collector.waiting import until


@pytest.fixture
def log(tmp_path: Path) -> ContainerLog:
    return ContainerLog(tmp_path)


def fill(log: ContainerLog, files: int, *, lines: int = 10) -> list[bytes]:
    """So many files with so many lines each."""
    written = numbered(range(files * lines))
    for number in range(files):
        if number:
            log.rotate()
        log.write(*written[number * lines : (number + 1) * lines])
    return written


async def idle(found: Reading) -> None:
    await until(lambda: found.tail._is_followed and found.tail.pace.quiet_looks > 10)


# ------------------------------------------------------------------ what was read stays read


@pytest.mark.parametrize("watched", [True, False])
async def test_older_files_are_not_read_again_when_the_live_one_is_removed(
    log: ContainerLog, watcher: Watcher, watched: bool
) -> None:
    """The container still writes to it, whatever its name."""
    lines = fill(log, 3)
    async with reading(log, watcher=watcher if watched else UNWATCHED) as found:
        await found.until(*lines)
        with log.live.open("ab") as held:
            log.live.unlink()
            await until(lambda: found.tail.pace.quiet_looks > 3)
            held.write(raw("more\n"))
        await found.until(*lines, raw("more\n"))
        log.write(raw("anew\n"))
        await found.until(*lines, raw("more\n"), raw("anew\n"))
        assert found.tail.counts.gaps <= (not watched)


@pytest.mark.parametrize("compress", [False, True])
async def test_a_folder_that_goes_file_by_file_is_not_read_again(
    log: ContainerLog, watcher: Watcher, compress: bool
) -> None:
    lines = fill(log, 4)
    async with reading(log, watcher=watcher) as found:
        await found.until(*lines)
        if compress:
            log.compress(1)
        await idle(found)
        for path in sorted(log.live.parent.iterdir()):  # the live file first
            path.unlink()
            await until(lambda: found.tail.pace.quiet_looks > 1)
        log.live.parent.rmdir()
        found.tail.remove()
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert found.lines == lines
        assert found.tail.counts.gaps == 0


async def test_the_number_of_a_removed_file_given_to_the_next_one_is_no_gap(
    log: ContainerLog, watcher: Watcher, tmp_path: Path
) -> None:
    """File systems do so at once: after a restart, each rotation gives the live file the number of the oldest."""
    lines = fill(log, 3)
    async with reading(log, watcher=watcher) as found:
        await found.until(*lines)
        resume = resume_at(found)
    async with reading(log, watcher=watcher, resume=resume) as found:
        await idle(found)
        number = tmp_path / "number"
        number.hardlink_to(log.generation(2))
        log.generation(2).unlink()
        log.generation(1).rename(log.generation(2))
        log.live.rename(log.generation(1))
        number.write_bytes(raw("next\n"))
        log.live.hardlink_to(number)
        await found.until(raw("next\n"))
        assert found.tail.counts.gaps == 0


async def test_a_restart_without_the_live_file_reads_nothing_again(log: ContainerLog) -> None:
    lines = fill(log, 3)
    async with reading(log) as found:
        await found.until(*lines)
        resume = resume_at(found)
    log.live.unlink()
    async with reading(log, resume=resume) as found:
        await until(lambda: found.tail.pace.quiet_looks > 2)
        log.write(raw("anew\n"))
        await found.until(raw("anew\n"))


# ------------------------------------------------------------------ what cannot be read is counted


async def test_a_file_that_went_with_its_folder_before_anybody_looked_is_a_gap(
    log: ContainerLog, watcher: Watcher
) -> None:
    lines = fill(log, 1)
    async with reading(log, watcher=watcher) as found:
        await found.until(*lines)
        await idle(found)
        log.rotate()
        log.write(raw("unseen\n"))
        shutil.rmtree(log.live.parent)
        await until(lambda: found.tail._log.successors.unseen)
        found.tail.remove()
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert found.tail.counts.gaps == 1


async def test_each_of_several_files_that_could_not_be_opened_in_time_is_a_gap(
    log: ContainerLog, watcher: Watcher
) -> None:
    counts = TailCounts(most_open_files=4)
    log.write(raw("first\n"))
    async with reading(log, watcher=watcher, counts=counts) as found:
        await found.until(raw("first\n"))
        counts.open_files += 4  # others have them
        for number in range(6):
            log.rotate(keep=3)
            log.write(raw(f"{number}\n"))
        await until(lambda: raw("5\n") in found.lines)
        counts.open_files -= 4
        unread = 7 - len(found.lines)
        await until(lambda: counts.gaps == unread > 1)


async def test_a_file_lost_at_the_beginning_of_a_new_log_is_one_gap(log: ContainerLog, watcher: Watcher) -> None:
    async with reading(log, watcher=watcher, files_kept=2) as found:
        await until(lambda: found.tail._is_followed)
        fill_keeping(log, 3, keep=2)
        await until(lambda: len(found.lines) == 20)
        await until(lambda: found.tail.pace.quiet_looks > 1)
        assert found.tail.counts.gaps == 1


def fill_keeping(log: ContainerLog, files: int, *, keep: int) -> None:
    for number in range(files):
        if number:
            log.rotate(keep=keep)
        log.write(*numbered(range(10 * number, 10 * number + 10)))


@pytest.mark.parametrize("how", ["truncated", "copied"])
async def test_files_that_are_opened_once_more_hide_no_later_gap(log: ContainerLog, watcher: Watcher, how: str) -> None:
    log.write(*numbered(range(6000)))
    async with reading(log, watcher=watcher, is_slow=True) as found:
        await until(lambda: found.chunks)
        if how == "truncated":
            log.rotate()
            log.write(raw("behind\n"))
            await until(lambda: len(found.tail._log.successors) == 1)
            for path in log.live.parent.iterdir():
                os.truncate(path, 0)
        else:
            for number in range(2):
                log.copy_and_truncate()
                log.write(raw(f"copied {number}\n"))
        log.write(raw("go on\n"))
        found.may_go_on.set()
        await until(lambda: raw("go on\n") in found.lines)
        await idle(found)
        before = found.tail.counts.gaps
        fill_keeping(log, 4, keep=2)  # on top of the live one: two of four files are left
        await until(lambda: found.tail.counts.gaps > before)


# ------------------------------------------------------------------ cut while it waits


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("watched", [True, False])
async def test_a_live_file_that_is_cut_before_its_turn_is_read_in_its_copy(
    log: ContainerLog, watcher: Watcher, watched: bool, compress: bool
) -> None:
    lines = numbered(range(18_000))
    log.write(*lines[:6000])
    log.copy_and_truncate()
    log.write(*lines[6000:12_000])
    async with reading(log, watcher=watcher if watched else UNWATCHED, is_slow=True) as found:
        await until(lambda: len(found.tail._log.successors) == 1)
        log.copy_and_truncate(compress=compress)
        log.write(*lines[12_000:])
        found.may_go_on.set()
        await found.until(*lines)
        assert found.tail.counts.truncated == 1


# ------------------------------------------------------------------ turns


async def test_a_removed_log_that_waits_for_its_turn_is_read_when_it_comes(log: ContainerLog) -> None:
    counts = TailCounts(most_open_files=4)
    counts.open_logs = 2  # others have their turn
    lines = fill(log, 1)
    async with reading(log, counts=counts) as found:
        await until(lambda: found.tail._log.awaits_turn)
        found.tail.remove()
        await until(lambda: found.tail.pace.quiet_looks > 1)
        assert not found.ended.is_set()
        counts.open_logs = 0
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert found.lines == lines


async def test_a_removed_log_whose_files_go_before_its_turn_is_a_gap(log: ContainerLog) -> None:
    counts = TailCounts(most_open_files=4)
    counts.open_logs = 2
    fill(log, 1)
    async with reading(log, counts=counts) as found:
        await until(lambda: found.tail._log.awaits_turn)
        shutil.rmtree(log.live.parent)
        found.tail.remove()
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert counts.gaps == 1


async def test_a_folder_that_never_had_a_log_is_no_gap_when_it_goes(log: ContainerLog, watcher: Watcher) -> None:
    async with reading(log, watcher=watcher) as found:
        await idle(found)
        log.live.parent.rmdir()
        await until(lambda: not found.tail._is_followed)
        found.tail.remove()
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert found.tail.counts.gaps == 0


async def test_a_log_that_came_and_went_unseen_with_its_folder_is_a_gap(log: ContainerLog, watcher: Watcher) -> None:
    async with reading(log, watcher=watcher) as found:
        await idle(found)
        log.live.touch()
        shutil.rmtree(log.live.parent)
        await until(lambda: not found.tail._is_followed)
        found.tail.remove()
        async with asyncio.timeout(10):
            await found.ended.wait()
        assert found.tail.counts.gaps == 1


async def test_what_is_told_late_of_a_file_that_was_there_is_no_gap(log: ContainerLog) -> None:
    """A watch is set, the file is made, and only then it is looked: the kernel tells of it all the same."""
    log.write(raw("first\n"))
    counts = TailCounts()
    successors = Successors(log.live, counts, [])
    successors.tell(is_told=True)
    (found,) = generations(log.live)
    file = successors.start([found], [])
    successors.created(file)
    successors.look(file)
    assert (counts.gaps, successors.unseen) == (0, 0)
    log.rotate(keep=1)
    successors.created(file)
    log.rotate(keep=1)
    successors.created(file)  # the one before was opened: none was lost
    assert (counts.gaps, len(successors)) == (0, 2)
    successors.close()
    successors.leave(file)


@pytest.mark.parametrize("content", [b"", raw("whole\n") + b"half"])
async def test_a_quiet_log_gives_its_turn_away_whatever_it_ends_in(tmp_path: Path, content: bytes) -> None:
    counts = TailCounts(most_open_files=2)
    quiet, other = ContainerLog(tmp_path, "quiet"), ContainerLog(tmp_path, "other")
    quiet.write(content)
    lines = fill(other, 1)
    async with reading(quiet, counts=counts) as first:
        await until(lambda: first.tail._log.is_parked)
        async with reading(other, counts=counts) as second:
            await second.until(*lines)
            quiet.write(b"" if not content else b"\n", raw("more\n"))
            await until(lambda: raw("more\n") in first.lines)
            whole = content + b"\n" if content else b""
            assert first.lines == [*whole.splitlines(keepends=True), raw("more\n")]


# ------------------------------------------------------------------ watches that end


async def test_a_directory_that_is_made_anew_is_followed_anew(log: ContainerLog, watcher: Watcher) -> None:
    lines = fill(log, 1)
    async with reading(log, watcher=watcher) as found:
        await found.until(*lines)
        await idle(found)
        shutil.rmtree(log.live.parent)
        log.live.parent.mkdir()
        log.write(raw("anew\n"))
        await until(lambda: raw("anew\n") in found.lines and found.tail._is_followed)
        fill_keeping(log, 5, keep=2)
        await until(lambda: found.tail.counts.gaps >= 2)


async def test_events_that_the_kernel_dropped_are_made_good_by_a_look(log: ContainerLog, watcher: Watcher) -> None:
    lines = fill(log, 1)
    async with reading(log, watcher=watcher) as found:
        await found.until(*lines)
        await idle(found)
        other = log.live.with_name("other")
        for _ in range(20_000):  # more than the queue of the kernel holds
            other.touch()
            other.unlink()
        fill_keeping(log, 6, keep=2)
        await until(lambda: len(found.lines) >= 30 and found.tail.counts.gaps >= 1)
        await idle(found)
        log.write(raw("late\n"))
        await found.until(*found.lines, raw("late\n"))


async def test_a_loss_is_told_under_the_name_that_the_container_has_by_then(
    log: ContainerLog, watcher: Watcher, capsys: pytest.CaptureFixture[str]
) -> None:
    log.write(*numbered(range(3)))
    async with reading(log, watcher=watcher, is_slow=True) as found:
        await until(lambda: found.chunks)
        found.tail.update(replace(found.tail.stream, container="renamed"))
        log.rotate()
        log.write(*numbered(range(3, 6)))
        await until(lambda: len(found.tail._log.successors) == 1)
        log.rotate(keep=1)
        log.write(*numbered(range(6, 9)))
        log.live.with_name(f"{log.live.name}.1").unlink(missing_ok=True)
        await until(lambda: len(found.tail._log.successors) == 2)
        assert found.tail.let_go() > 0
    told = capsys.readouterr().out
    assert "lines may be lost" in told
    assert "renamed" in told
