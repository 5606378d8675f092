"""A server is ready, or it is gone: whatever it does, and whatever happens to the tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines.directories import discard, new_directory
from tests.engines.process import EngineError, ServerProcess, wait_until

_STARTS_A_SERVER_IN_A_THREAD = """
import os, sys, threading
from pathlib import Path
from tests.engines.directories import discard, new_directory
from tests.engines.process import ServerProcess

server = ServerProcess(["sleep", "1000"], log=Path(sys.argv[1]), env={"PATH": os.environ["PATH"]})
starter = threading.Thread(target=server.start, args=(lambda: True,), kwargs={"within_seconds": 5})
starter.start()
starter.join()
print(server.pid, flush=True)
sys.stdin.read()
"""


_LEAVES_A_DIRECTORY = "from tests.engines.directories import new_directory; print(new_directory('abandoned'))"


def _server(log: Path, *words: str) -> ServerProcess:
    return ServerProcess(words, log=log, env={"PATH": os.environ["PATH"]})


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "(sleep)" in stat and ") Z" not in stat  # before it is called so, it has no death signal yet


def test_a_server_that_ends_while_it_starts_is_told_with_its_last_words(tmp_path: Path) -> None:
    server = _server(tmp_path / "boaster.log", "sh", "-c", "echo no licence; exit 3")
    with pytest.raises(EngineError, match=r"(?s)boaster ended while it was starting.*no licence"):
        server.start(lambda: False, within_seconds=20)
    assert not server.running


def test_a_server_that_is_not_ready_in_time_is_killed(tmp_path: Path) -> None:
    server = _server(tmp_path / "sleeper.log", "sleep", "1000")
    with pytest.raises(EngineError, match="sleeper was not ready in time"):
        server.start(lambda: False, within_seconds=0.2)
    assert not server.running


def test_what_a_server_started_ends_with_it(tmp_path: Path) -> None:
    server = _server(tmp_path / "parent.log", "sh", "-c", "sleep 1000 & echo $!; wait")
    server.start(lambda: (tmp_path / "parent.log").read_text().endswith("\n"), within_seconds=20)
    child = int((tmp_path / "parent.log").read_text())
    assert wait_until(lambda: _runs(child), within_seconds=5)
    server.stop()
    assert not _runs(child)


def test_a_server_outlives_the_thread_that_started_it_and_ends_with_killed_tests(tmp_path: Path) -> None:
    words = [sys.executable, "-c", _STARTS_A_SERVER_IN_A_THREAD, str(tmp_path / "orphan.log")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        pid = int(tests.stdout.readline())
        assert wait_until(lambda: _runs(pid), within_seconds=5)
        tests.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not _runs(pid), within_seconds=5)


def test_directories_of_killed_tests_are_discarded() -> None:
    words = [sys.executable, "-c", _LEAVES_A_DIRECTORY]
    left = Path(subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip())
    assert left.is_dir()
    own = new_directory("own")
    assert not left.exists()
    discard(own)
    assert not own.exists()
