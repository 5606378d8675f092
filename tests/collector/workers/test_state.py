"""Laws of the workers' state: whatever their number was, each position is where its worker looks; nothing is gone."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.dead_letters import DeadLetters
from collector.delivery.spool.entries import Entry
from collector.delivery.spool.files import Spool
from collector.discovery.share import Share
from collector.errors import StateError
from collector.model import Rejected
from collector.state.checkpoint import Checkpoints
from collector.state.positions_file import Saved, SpoolMark
from collector.transform import docker_event
from collector.workers.state import arrange
from tests.contract.segments import plain_segment

MANY = 1 << 30


def saved(number: int, line: int) -> Saved:
    return Saved(f"{number:064x}", "", "shop", 0.0, head="aa", offset=100 * line, line=line)


def write(directory: Path, output: str, *positions: Saved) -> None:
    (directory / "positions").mkdir(parents=True, exist_ok=True)
    Checkpoints(directory / "positions", output).replace(positions)


def read(directory: Path, output: str) -> dict[str, int]:
    """Container → line."""
    return {one.container_id: one.line for one in Checkpoints(directory / "positions", output).whole()}


def of(directories: list[Path], output: str) -> dict[str, int]:
    return {name: line for directory in directories for name, line in read(directory, output).items()}


def spool(directory: Path, first: int) -> None:
    """A record in a file of its own."""
    Spool(directory / "spool/out", MANY).append([plain_segment(3, first=first)], [])


def bury(directory: Path, first: int) -> None:
    letters = DeadLetters(directory / "dead_letters/out")
    letters.append([Rejected(plain_segment(1, first=first), 0, "mapper_exception", "")])


def spooled(directory: Path) -> list[str]:
    found = Spool(directory / "spool/out", MANY)
    entries = [entry for entry in iter(found.take, None) if isinstance(entry, Entry)]
    return [name for entry in entries for segment in entry.record.segments for name in segment.ids]


def letters(directory: Path) -> int:
    files = sorted((directory / "dead_letters/out").glob("*.ndjson"))
    return sum(len(path.read_bytes().splitlines()) for path in files)


def events(time: int) -> Saved:
    """How far Docker's events are settled."""
    return Saved(docker_event.TARGET, "", docker_event.TARGET, 0.0, head=docker_event.TARGET, offset=time)


def test_each_worker_goes_on_with_dockers_events_where_the_slowest_was(tmp_path: Path) -> None:
    def told(directories: list[Path]) -> list[int]:
        return [one.offset for each in directories for one in Checkpoints(each / "positions", "out").whole()]

    write(tmp_path, "out", events(500))
    two = arrange(tmp_path, 2)
    assert told(two) == [500, 500]
    write(two[0], "out", events(600))
    write(two[1], "out", events(900))
    three = arrange(tmp_path, 3)
    assert told(three) == [600, 600, 600]
    write(three[2], "out", events(700))
    assert told(arrange(tmp_path, 1)) == [600]


@given(st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_positions_follow_their_container_whatever_the_number_of_workers(numbers: list[int]) -> None:
    with TemporaryDirectory() as name:
        state = Path(name)
        lines = {f"{number:064x}": 1 for number in range(20)}
        write(state, "out", *(saved(number, 1) for number in range(20)))
        write(state, "other", saved(7, 3))
        for workers in numbers:
            directories = arrange(state, workers)
            assert len(directories) == workers
            for number, directory in enumerate(directories):
                share = Share(number, workers)
                mine = {name: line for name, line in lines.items() if share.has(name)}
                assert read(directory, "out") == mine
                moved = [saved(int(name, 16), line + 1) for name, line in mine.items()]
                write(directory, "out", *moved)
            lines = {name: line + 1 for name, line in lines.items()}
            assert of(directories, "other") == {f"{7:064x}": 3}
        assert arrange(state, 1) == [state]
        assert read(state, "out") == lines
        assert not (state / "workers").exists()


def test_what_a_worker_forgot_does_not_come_back(tmp_path: Path) -> None:
    write(tmp_path, "out", *(saved(number, 1) for number in range(8)))
    for directory in arrange(tmp_path, 2):
        write(directory, "out")
    arrange(tmp_path, 1)
    assert read(tmp_path, "out") == {}


async def test_a_record_that_positions_do_not_cover_is_not_kept_when_the_number_changes(tmp_path: Path) -> None:
    """Its documents are read again, and would be there in another batch, too."""
    write(tmp_path, "out", saved(1, 5))
    stored = Spool(tmp_path / "spool/out", MANY).append([plain_segment(3)], [])
    checkpoints = Checkpoints(tmp_path / "positions", "out")
    checkpoints.cover(SpoolMark(stored.file, stored.end))
    await checkpoints.flush()
    spool(tmp_path, 3)
    first = arrange(tmp_path, 2)[0]
    assert spooled(first) == plain_segment(3).ids
    assert Checkpoints(first / "positions", "out").spool_mark is None
    assert spooled(*arrange(tmp_path, 1)) == plain_segment(3).ids


def test_spooled_documents_and_letters_are_kept_when_the_number_changes(tmp_path: Path) -> None:
    spool(tmp_path, 0)
    bury(tmp_path, 0)
    for time, workers in enumerate((2, 3, 1, 2), 1):
        directories = arrange(tmp_path, workers)
        assert len(spooled(directories[0])) == 3 * letters(directories[0])
        if len(directories) > 1:
            spool(directories[1], 100 * time)
            bury(directories[1], 100 * time)
    arrange(tmp_path, 1)
    assert len(set(spooled(tmp_path))) == 12
    assert letters(tmp_path) == 4


def test_a_torn_record_of_one_worker_is_cut_off_before_it_stands_among_others(tmp_path: Path) -> None:
    first, second = arrange(tmp_path, 2)
    spool(first, 0)
    spool(second, 100)
    (file,) = (second / "spool/out").glob("*.spool")
    with file.open("ab") as torn:
        torn.write(b"PF")
    arrange(tmp_path, 1)
    found = Spool(tmp_path / "spool/out", MANY)
    assert [type(entry) for entry in iter(found.take, None)] == [Entry, Entry]


# ------------------------------------------------------------------ cut off in the middle


def test_workers_that_were_made_halfway_are_made_again(tmp_path: Path) -> None:
    write(tmp_path, "out", saved(1, 5))
    write(tmp_path / "workers.new/0of2", "out")
    assert of(arrange(tmp_path, 2), "out") == {f"{1:064x}": 5}
    assert not (tmp_path / "workers.new").exists()


def test_positions_that_were_dealt_already_count_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "out", saved(1, 5))
    for directory in arrange(tmp_path, 2):
        write(directory, "out", *(saved(int(name, 16), 9) for name in read(directory, "out")))
    write(tmp_path, "out", saved(1, 5))
    assert of(arrange(tmp_path, 2), "out") == {f"{1:064x}": 9}
    write(tmp_path, "out", saved(1, 5))
    assert of(arrange(tmp_path, 3), "out") == {f"{1:064x}": 9}


def test_what_was_gathered_and_not_yet_removed_is_gathered_again(tmp_path: Path) -> None:
    write(tmp_path, "out", saved(1, 5), saved(2, 5))
    directories = arrange(tmp_path, 2)
    spool(directories[1], 0)
    kept = tmp_path / "kept"
    shutil.copytree(tmp_path / "workers", kept)
    arrange(tmp_path, 1)
    shutil.rmtree(kept / "1of2/spool")  # files were moved one by one
    kept.rename(tmp_path / "workers")
    assert read(arrange(tmp_path, 1)[0], "out") == {f"{1:064x}": 5, f"{2:064x}": 5}
    assert len(spooled(tmp_path)) == 3


def test_workers_that_were_left_behind_halfway_count_for_nothing(tmp_path: Path) -> None:
    write(tmp_path, "out", saved(1, 5))
    arrange(tmp_path, 2)
    arrange(tmp_path, 1)
    write(tmp_path / "workers.old/0of2", "out", saved(1, 2))
    arrange(tmp_path, 2)
    assert read(arrange(tmp_path, 1)[0], "out") == {f"{1:064x}": 5}


def test_damaged_positions_are_not_dealt(tmp_path: Path) -> None:
    """Of a worker with a backlog of `new` the lines behind them would be left out."""
    write(tmp_path, "out", saved(1, 5))
    for path in (tmp_path / "positions").iterdir():
        path.write_bytes(b"?")
    with pytest.raises(StateError, match="damaged"):
        arrange(tmp_path, 2)
    assert not (tmp_path / "workers").exists()
