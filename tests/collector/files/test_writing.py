"""Files of ours are replaced and made whole and lasting, whatever happens in the middle."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from collector.files.writing import fsync_directory, place, replace, replacing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "kept"
    path.write_bytes(b"before")
    return path


def names(path: Path) -> set[str]:
    return {one.name for one in path.parent.iterdir()}


def calls_of(run: Callable[[], None]) -> list[str]:
    """What it asks of the kernel for files, in order; a synced directory is told from a synced file by how it opens."""
    found: list[str] = []

    def see(_: object, event: str, called: object) -> None:
        if event == "c_call" and (name := getattr(called, "__name__", "")) in ("fsync", "replace", "rename", "link"):
            found.append(name)

    sys.setprofile(see)
    try:
        run()
    finally:
        sys.setprofile(None)
    return found


def test_a_file_is_replaced_and_nothing_is_left_beside_it(path: Path) -> None:
    replace(path, b"after")
    assert (path.read_bytes(), names(path)) == (b"after", {"kept"})


def test_the_content_lasts_before_it_has_the_name_and_the_name_before_we_go_on(path: Path) -> None:
    assert calls_of(lambda: replace(path, b"after")) == ["fsync", "replace", "fsync"]
    older = path.with_name("older")
    assert calls_of(lambda: replace(path, b"again", older=older)) == ["fsync", "replace", "replace", "fsync"]
    assert older.read_bytes() == b"after"
    assert calls_of(lambda: place(path.with_name("new"), b"one")) == ["fsync", "link", "fsync"]


def test_a_file_that_need_not_last_is_replaced_without_waiting_for_the_disk(path: Path) -> None:
    assert calls_of(lambda: replace(path, b"after", lasts=False)) == ["replace"]
    assert path.read_bytes() == b"after"


def test_whoever_has_the_file_open_reads_the_old_one_to_its_end(path: Path) -> None:
    with path.open("rb") as reader:
        replace(path, b"other")
        assert reader.read() == b"before"


def test_what_is_cut_off_by_an_error_leaves_the_file_as_it_was(path: Path) -> None:
    with pytest.raises(TypeError), replacing(path, older=path.with_name("older")) as file:
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert (path.read_bytes(), names(path)) == (b"before", {"kept"})


def test_what_finds_no_room_leaves_the_file_as_it_was(path: Path) -> None:
    """A limit of a process's files is told like a full disk, when the bytes are written out."""
    done = _python(
        path,
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "try: replace(path, bytes(1 << 20), older=path.with_name('older'))\n"
        "except OSError as error: print(error.strerror)",
    )
    assert done.stdout == "File too large\n"
    assert (path.read_bytes(), names(path)) == (b"before", {"kept"})


def test_a_process_that_is_killed_leaves_the_file_as_it_was_and_the_next_goes_on(path: Path) -> None:
    done = _python(
        path,
        "with replacing(path) as file:\n    file.write(b'half'); file.flush(); os.kill(os.getpid(), signal.SIGKILL)",
    )
    assert done.returncode == -signal.SIGKILL
    assert (path.read_bytes(), names(path)) == (b"before", {"kept", "kept.new"})
    replace(path, b"a")
    assert (path.read_bytes(), names(path)) == (b"a", {"kept"})


def _python(path: Path, text: str) -> "subprocess.CompletedProcess[str]":
    head = "import os, resource, signal, sys\nfrom pathlib import Path\n"
    head += "from collector.files.writing import replace, replacing\npath = Path(sys.argv[1])\n"
    return subprocess.run([sys.executable, "-c", head + text, str(path)], capture_output=True, text=True, check=False)


def test_a_link_that_somebody_put_beside_it_is_not_followed(path: Path) -> None:
    path.with_name("kept.new").symlink_to(path.with_name("victim"))
    with pytest.raises(OSError, match="is a link"):
        replace(path, b"after")
    assert (path.read_bytes(), names(path)) == (b"before", {"kept", "kept.new"})


def test_a_file_is_its_owners_alone(path: Path) -> None:
    before = os.umask(0)
    try:
        replace(path, b"secret")
        place(path.with_name("new"), b"secret")
    finally:
        os.umask(before)
    assert {one.stat().st_mode & 0o777 for one in path.parent.iterdir()} == {0o600}


def test_who_comes_second_to_make_a_file_finds_that_of_the_first(path: Path) -> None:
    place(path, b"mine")
    assert (path.read_bytes(), names(path)) == (b"before", {"kept"})


def test_the_names_on_the_way_to_a_file_last_with_those_above_it(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    directory.mkdir(parents=True)
    assert calls_of(lambda: fsync_directory(directory)) == ["fsync"]
    assert calls_of(lambda: fsync_directory(directory, parents=2)) == ["fsync"] * 3
