"""Laws of opening beneath a root: no link leads out of it, with the call that kernels have for it and without."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import pytest

from collector.files import beneath

Open = Callable[[Path, str], int]


def by_the_call(root: Path, folder: str) -> int:
    return beneath.open_folder(str(root), folder)


def one_by_one(root: Path, folder: str) -> int:
    top = os.open(root, os.O_PATH)
    try:
        return beneath._open_one_by_one(top, [name for name in folder.split("/") if name])
    finally:
        os.close(top)


both = pytest.mark.parametrize("opened", [by_the_call, one_by_one])


def names(folder: int) -> set[str]:
    with os.scandir(beneath.path_in(folder)) as entries:
        found = {one.name for one in entries}
    os.close(folder)
    return found


@both
def test_a_folder_is_found_beneath_its_root(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "app.log").touch()
    assert names(opened(tmp_path, "/a/b")) == {"app.log"}
    assert names(opened(tmp_path, "a//b/")) == {"app.log"}
    assert names(opened(tmp_path, "")) == {"a"}


@both
@pytest.mark.parametrize("target", ["/etc", "../outside", "a", "/proc/self/root/etc"])
@pytest.mark.parametrize("place", ["first", "last"])
def test_a_link_is_followed_nowhere(tmp_path: Path, opened: Open, target: str, place: str) -> None:
    (tmp_path / "outside" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(target)
    (tmp_path / "root" / "a" / "link").symlink_to(target)
    with pytest.raises(OSError, match="link"):
        opened(tmp_path / "root", "link/b" if place == "first" else "a/link")


@both
def test_what_is_no_folder_or_is_not_there_is_told_as_such(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "fifo")
    for name in ("file", "fifo", "file/x"):
        with pytest.raises(NotADirectoryError):
            opened(tmp_path, name)
    with pytest.raises(FileNotFoundError):
        opened(tmp_path, "gone")


@pytest.mark.parametrize("folder", ["..", "a/../..", "a/..", "a\0b"])
def test_no_path_leads_up(tmp_path: Path, folder: str) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="out of its root"):
        beneath.open_folder(str(tmp_path), folder)


@both
def test_who_exchanges_folders_for_links_all_the_time_leads_nobody_out(tmp_path: Path, opened: Open) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").touch()
    (tmp_path / "root" / "logs").mkdir(parents=True)
    (tmp_path / "root" / "logs" / "app.log").touch()
    is_over = Event()

    def exchange() -> None:
        logs, aside = tmp_path / "root" / "logs", tmp_path / "root" / "aside"
        while not is_over.is_set():
            logs.rename(aside)
            logs.symlink_to(tmp_path / "outside")
            is_over.wait(0.0001)
            logs.unlink()
            aside.rename(logs)
            is_over.wait(0.0001)

    thread = Thread(target=exchange)
    thread.start()
    found = set()
    try:
        for _ in range(3000):
            with suppress(OSError):
                found |= names(opened(tmp_path / "root", "logs"))
    finally:
        is_over.set()
        thread.join()
    assert found == {"app.log"}
