"""Laws of watching: a change wakes whoever armed, once; without inotify nobody is told that he is watched."""

import os
from pathlib import Path

import pytest

from collector.sources.wake import Wake
from collector.sources.watcher import Watcher


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "x.log"
    found.touch()
    return found


async def woken(wake: Wake) -> None:
    assert await wake.sleep(10)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


async def test_each_kind_of_change_wakes(watcher: Watcher, path: Path) -> None:
    wake = Wake()
    renamed = path.with_name("x.log.1")
    for at, change in (
        (path, lambda: append(path)),
        (path, lambda: os.truncate(path, 0)),
        (path, lambda: path.rename(renamed)),
        (renamed, renamed.unlink),
    ):
        assert watcher.arm(str(at), wake)
        change()
        await woken(wake)


async def test_everyone_who_armed_the_same_file_is_woken(watcher: Watcher, path: Path) -> None:
    wakes = [Wake() for _ in range(3)]
    for wake in wakes:
        assert watcher.arm(str(path), wake)
    append(path)
    for wake in wakes:
        await woken(wake)


async def test_one_who_has_disarmed_is_left_alone_and_others_are_not(watcher: Watcher, path: Path) -> None:
    gone, stays = Wake(), Wake()
    for wake in (gone, stays):
        assert watcher.arm(str(path), wake)
    watcher.disarm(gone)
    watcher.disarm(gone)
    append(path)
    await woken(stays)
    assert not await gone.sleep(0)


async def test_a_watch_is_for_one_change_and_can_be_set_again(watcher: Watcher, path: Path) -> None:
    wake = Wake()
    for _ in range(50):
        assert watcher.arm(str(path), wake)
        assert watcher.arm(str(path), wake)
        append(path)
        await woken(wake)


async def test_disarming_after_the_file_is_gone_is_fine(watcher: Watcher, path: Path) -> None:
    wake = Wake()
    assert watcher.arm(str(path), wake)
    os.unlink(path)  # noqa: PTH108
    watcher.disarm(wake)
    assert not watcher.arm(str(path), wake)


async def test_what_cannot_be_watched_is_told(path: Path) -> None:
    wake = Wake()
    never_entered = Watcher()
    assert not never_entered.arm(str(path), wake)
    never_entered.disarm(wake)
    await never_entered.run()
    with Watcher() as left:
        assert left.arm(str(path), wake)
    assert not left.arm(str(path), Wake())
    left.disarm(wake)


async def test_each_file_that_is_made_in_a_followed_directory_is_told_even_of_one_name(
    watcher: Watcher, tmp_path: Path
) -> None:
    """The kernel makes one event of equal ones in a row."""
    told: list[str] = []
    made = Wake()

    def created(name: str) -> None:
        told.append(name)
        made.set()

    assert watcher.follow(tmp_path, created)
    assert watcher.follow(tmp_path, created)
    for number in range(5):  # nobody looks meanwhile
        (tmp_path / "x.log").touch()
        if number % 2:
            (tmp_path / "x.log").unlink()
        else:
            (tmp_path / "x.log").rename(tmp_path / "x.log.1")
    (tmp_path / "last").touch()
    while told[-1:] != ["last"]:
        await woken(made)
    assert told == ["x.log"] * 5 + ["last"]


async def test_all_who_follow_a_directory_are_told_until_they_unfollow(watcher: Watcher, tmp_path: Path) -> None:
    first: list[str] = []
    second: list[str] = []
    wake = Wake()
    assert watcher.follow(tmp_path, first.append)
    assert watcher.follow(tmp_path, second.append)
    (tmp_path / "a").touch()
    watcher.arm(str(tmp_path / "a"), wake)
    append(tmp_path / "a")
    await woken(wake)
    watcher.unfollow(first.append)
    watcher.unfollow(first.append)
    (tmp_path / "b").touch()
    watcher.arm(str(tmp_path / "b"), wake)
    append(tmp_path / "b")
    await woken(wake)
    assert (first, second) == (["a"], ["a", "b"])


async def test_a_directory_that_is_none_cannot_be_followed(watcher: Watcher, path: Path) -> None:
    assert not watcher.follow(path, print)
    assert not watcher.follow(path / "none", print)
    assert not Watcher().follow(path.parent, print)
