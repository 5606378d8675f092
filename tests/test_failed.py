"""What failed in a run of pytest, for `script/test` to run it once more alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import failed

SUITE = """
import pytest

@pytest.fixture
def broken():
    raise OSError

def test_passes(): pass
def test_fails(): assert False
def test_has_no_fixture(broken): pass
"""


def run(directory: Path, *arguments: str) -> int:
    command = [sys.executable, "-m", "pytest", "--quiet", f"--override-ini=cache_dir={directory}/cache", *arguments]
    return subprocess.run(command, cwd=directory, capture_output=True, check=False).returncode


def test_it_names_what_failed_and_what_could_not_be_set_up(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(SUITE)
    assert failed.failed(tmp_path / "cache") == []
    assert run(tmp_path) == 1
    assert failed.failed(tmp_path / "cache") == ["test_it.py::test_fails", "test_it.py::test_has_no_fixture"]


@pytest.mark.parametrize(("most", "never", "status"), [("1", "faults/", 1), ("2", "faults/", 0), ("2", "test_it", 1)])
def test_neither_many_nor_those_of_the_folder_are_run_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], most: str, never: str, status: int
) -> None:
    (tmp_path / "test_it.py").write_text(SUITE)
    run(tmp_path)
    assert failed.main([str(tmp_path / "cache"), "--most", most, "--never", never]) == status
    assert "test_it.py::test_fails\n" in capsys.readouterr().out


def test_it_is_an_error_if_nothing_failed(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("def test_passes(): pass")
    assert run(tmp_path) == 0
    assert failed.main([str(tmp_path / "cache"), "--most", "3", "--never", "faults/"]) == 1
