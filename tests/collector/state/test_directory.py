"""Laws of the state directory: made when missing, usable or refused in plain words, one agent at a time."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from collector.errors import StateError
from collector.state.directory import locked


def test_a_missing_directory_is_made_for_its_owner_only(tmp_path: Path) -> None:
    with locked(tmp_path / "a" / "state") as directory:
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_a_second_agent_is_refused_and_told_the_first_ones_pid(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StateError, match=rf"another agent \(pid {os.getpid()}\)"), locked(tmp_path):
        pass


def test_the_lock_ends_with_the_context(tmp_path: Path) -> None:
    for _ in range(2):
        with locked(tmp_path):
            pass


def test_the_lock_ends_with_a_process_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time, pathlib; from collector.state.directory import locked\n"
        "with locked(pathlib.Path(sys.argv[1])): print('locked', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(StateError, match=f"pid {other.pid}"), locked(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait(timeout=20)
    with locked(tmp_path):
        pass


def test_a_path_that_is_no_directory_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with (
        pytest.raises(StateError, match=r"/state is a file: set state_dir to a directory$"),
        locked(tmp_path / "state"),
    ):
        pass
    below = tmp_path / "state" / "a" / "b"
    with (
        pytest.raises(StateError, match=r"cannot be created: \S+/state is a file: set state_dir to a dir"),
        locked(below),
    ):
        pass


def test_a_link_in_place_of_the_lock_is_refused(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lock").symlink_to(tmp_path / "victim")
    with pytest.raises(StateError), locked(tmp_path / "state"):
        pass
    assert (tmp_path / "victim").read_text() == "precious"
