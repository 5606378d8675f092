"""Each signal that a process can be sent stops the agent with a drain, or changes nothing; in real processes."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from collector.state.places import LISTEN_VARIABLE
from tests.collector.cli.pilotfish import COMMAND, SECONDS, envelope, environment, tree

CALM = ["SIGHUP", "SIGXCPU", "SIGPWR"]
STOPS = ["SIGTERM", "SIGINT", "SIGQUIT", *CALM]
ENDS = [one for one in STOPS if one != "SIGHUP"]  # those of an agent that can reload
OTHERS = [signal.SIGUSR1, signal.SIGUSR2, signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGIO, 34, 37, 64]
# For each line on stdin a process begins, since to load Python takes longer than the test. What it tells on stdout: its
# number, then the name of the signal that stops, then `hurry`. At its end `ended` is told.
SCRIPT = """
import asyncio, os, sys
from collector.runtime import signals
async def main(*stops):
    signals.handle(lambda name: print(name, flush=True), lambda: print("hurry", flush=True), *stops)
    print(os.getpid(), flush=True)
    await asyncio.sleep(60)
for line in sys.stdin:
    if child := os.fork():
        os.waitpid(child, 0)
        print("ended", flush=True)
    else:
        asyncio.run(main(*[[int(number)] for number in line.split()]))
"""

pytestmark = pytest.mark.slow


class Process:
    """A process that tells its signals."""

    def __init__(self, source: subprocess.Popen[bytes], stops: str) -> None:
        self._source = source
        self._lines = b""
        assert source.stdin is not None
        source.stdin.write(f"{stops}\n".encode())
        source.stdin.flush()
        self._pid = int(self.told())

    def send(self, name: str) -> None:
        os.kill(self._pid, signal.Signals[name])

    def told(self, seconds: float = 20) -> str:
        """Its next line; "" if none comes."""
        assert self._source.stdout is not None
        while b"\n" not in self._lines:
            if not select.select([self._source.stdout], [], [], seconds)[0]:
                return ""
            self._lines += os.read(self._source.stdout.fileno(), 1 << 16)
        line, _, self._lines = self._lines.partition(b"\n")
        return line.decode()

    def end(self) -> None:
        self.send("SIGKILL")
        while self.told() != "ended":
            pass


@pytest.fixture(scope="module")
def source() -> Iterator[subprocess.Popen[bytes]]:
    """Where such processes come from."""
    words = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ.copy()) as process:
        yield process  # ends with its stdin


@contextmanager
def telling(source: subprocess.Popen[bytes], stops: str = "") -> Iterator[Process]:
    process = Process(source, stops)
    try:
        yield process
    finally:
        process.end()


@pytest.mark.parametrize("first", STOPS)
@pytest.mark.parametrize("second", STOPS)
def test_a_second_signal_hurries_unless_one_of_them_comes_beside_others(
    source: subprocess.Popen[bytes], first: str, second: str
) -> None:
    """systemd can send SIGHUP right after SIGTERM, and a terminal that is closed sends it more than once."""
    with telling(source) as process:
        process.send(first)
        assert process.told() == first
        process.send(second)
        process.send("SIGTERM" if {first, second} <= set(CALM) else second)
        expected = "" if first in CALM or second in CALM else "hurry"
        if expected:
            assert process.told() == expected
        elif second in CALM:
            assert process.told(0.2) == ""


def test_a_worker_stops_at_one_signal_alone_and_is_never_in_a_hurry(source: subprocess.Popen[bytes]) -> None:
    """All processes of a unit or of a terminal are sent one: the parent tells its workers when to end."""
    with telling(source, "15") as process:
        for name in [one for one in STOPS if one != "SIGTERM"]:
            process.send(name)
            assert "signal ignored" in process.told()
        process.send("SIGTERM")
        assert process.told() == "SIGTERM"


def config(home: Path, **more: object) -> Path:
    (home / "pilotfish.yml").write_text(
        json.dumps(
            {
                "state_dir": str(home / "state"),
                "inputs": {"directory": {"path": str(home / "logs")}},
                "outputs": {"file": {"type": "ndjson_file", "path": str(home / "documents.ndjson")}},
                "http": {"listen": "127.0.0.1:0"},
            }
            | more
        )
    )
    return home / "pilotfish.yml"


@contextmanager
def running(home: Path, *before: str, **more: object) -> Iterator[subprocess.Popen[bytes]]:
    """An agent that has delivered one line."""
    tree(home / "logs").write_text(envelope("first", "2026-11-23T05:00:00.5Z"))
    words = [*before, *COMMAND, "run", "-c", str(config(home, **more))]
    with (home / "agent.log").open("wb") as log, subprocess.Popen(words, env=environment(home), stderr=log) as process:
        try:
            until(lambda: (home / "state/http_address").exists() or process.poll() is not None)
            if not more:
                documents = home / "documents.ndjson"
                until(lambda: (documents.exists() and documents.stat().st_size > 0) or process.poll() is not None)
            yield process
        finally:
            process.kill()


def until(holds: object) -> None:
    deadline = time.monotonic() + SECONDS
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("name", ENDS)
def test_a_signal_that_stops_ends_the_agent_after_a_drain(tmp_path: Path, name: str) -> None:
    with running(tmp_path) as process:
        process.send_signal(signal.Signals[name])
        assert process.wait(SECONDS) == 0
    log = (tmp_path / "agent.log").read_text()
    assert f'"signal": "{name}"' in log
    assert '"event": "stopped"' in log


def test_a_signal_that_means_nothing_changes_nothing_and_is_told_once(tmp_path: Path) -> None:
    with running(tmp_path) as process:
        for number in [*OTHERS, *OTHERS]:
            process.send_signal(number)
        log = tmp_path / "agent.log"
        until(lambda: log.read_text().count("signal ignored") == len(OTHERS))
        process.terminate()
        assert process.wait(SECONDS) == 0
        assert log.read_text().count("signal ignored") == len(OTHERS)


@pytest.mark.parametrize("before", [(), ("sh", "-c", "trap '' HUP; exec \"$@\"", "sh")], ids=["plain", "nohup"])
def test_sighup_reloads_the_agent_and_stops_nothing(tmp_path: Path, before: tuple[str, ...]) -> None:
    """Not even where the signal is ignored, as below nohup, nor in the drain that another one began."""
    with running(tmp_path, *before) as process:
        for count in (1, 2):
            process.send_signal(signal.SIGHUP)
            until(lambda count=count: (tmp_path / "agent.log").read_text().count("configuration reloaded") == count)
        process.terminate()
        process.send_signal(signal.SIGHUP)  # as systemd may
        assert process.wait(SECONDS) == 0
    log = (tmp_path / "agent.log").read_text()
    assert "Traceback" not in log
    assert '"event": "stopped"' in log


@pytest.mark.parametrize("name", ["SIGQUIT", "SIGTERM"])
def test_workers_are_told_by_their_agent_and_drain(tmp_path: Path, name: str) -> None:
    outputs = {"none": {"type": "null"}}
    with running(tmp_path, workers=2, outputs=outputs) as process:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for child in children:  # as where a whole group of processes is sent it
            os.kill(int(child), signal.Signals[name])
        process.send_signal(signal.Signals[name])
        code = process.wait(SECONDS)
    log = (tmp_path / "agent.log").read_text()
    assert (log.count('"event": "stopped"'), code) == (2, 0)


# Signals that come when the interpreter ends, which has given them their defaults back.
LATE = """
import os, signal, sys, uvloop
from collector.runtime import signals
class Last:
    def __del__(self):
        for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"):
            os.kill(os.getpid(), signal.Signals[name])
        os.write(1, b"ended in order")
async def work():
    signals.handle(lambda name: None, None)
uvloop.run(signals.to_the_end(work()))
sys.modules["last"] = Last()
"""


def test_a_signal_when_all_is_done_ends_nothing_halfway() -> None:
    ended = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "ended in order", "")


@contextmanager
def starting(home: Path, workers: int) -> Iterator[subprocess.Popen[bytes]]:
    words = [*COMMAND, "run", "-c", str(config(home, workers=workers, outputs={"none": {"type": "null"}}))]
    tree(home / "logs")
    with (home / "agent.log").open("wb") as log, subprocess.Popen(words, env=environment(home), stderr=log) as process:
        try:
            yield process
        finally:
            process.kill()


def children(process: subprocess.Popen[bytes]) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    except OSError:
        return []  # it has ended


@pytest.mark.parametrize("name", [*ENDS, "SIGHUP", "SIGUSR1"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_signal_while_the_agent_loads_waits_until_it_can_stop(tmp_path: Path, name: str, workers: int) -> None:
    with starting(tmp_path, workers) as process:
        until(lambda: "uvloop" in Path(f"/proc/{process.pid}/maps").read_text())  # the configuration comes after it
        process.send_signal(signal.Signals[name])
        if name in ("SIGUSR1", "SIGHUP"):
            told = "signal ignored" if name == "SIGUSR1" else "configuration reloaded"
            until(lambda: (tmp_path / "agent.log").read_text().count(told) == 1)
            process.terminate()
        assert process.wait(SECONDS) == 0
    log = (tmp_path / "agent.log").read_text()
    assert f'"signal": "{name}"' in log or name == "SIGHUP"
    assert "Traceback" not in log


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGQUIT"])
@pytest.mark.parametrize("is_for_all", [False, True])
def test_a_signal_while_workers_start_stops_them_all(tmp_path: Path, name: str, is_for_all: bool) -> None:
    with starting(tmp_path, 2) as process:
        until(lambda: process.poll() is not None or children(process))
        for child in children(process) if is_for_all else []:  # as systemd does
            os.kill(child, signal.Signals[name])
        process.send_signal(signal.Signals[name])
        until(lambda: process.poll() is not None or len(children(process)) in (0, 2))
        workers = children(process)
        assert process.wait(SECONDS) == 0
    assert not [one for one in workers if Path(f"/proc/{one}").exists()]
    log = (tmp_path / "agent.log").read_text()
    assert "bug in Pilotfish" not in log
    assert is_for_all or "Traceback" not in log  # Python tells of a SIGINT that comes before its first line


def test_no_worker_outlives_an_agent_that_is_killed_while_they_start(tmp_path: Path) -> None:
    with starting(tmp_path, 2) as process:
        until(lambda: len(workers := children(process)) == 2 and all(map(_is_running, workers)))
        workers = children(process)
        process.kill()
        until(lambda: not any(map(_is_running, workers)))
    assert "Traceback" not in (tmp_path / "agent.log").read_text()


def _is_running(worker: int) -> bool:
    try:
        return b"collector.workers" in Path(f"/proc/{worker}/cmdline").read_bytes()  # nothing, once it has ended
    except OSError:
        return False


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize("workers", [1, 2])
def test_an_agent_whose_streams_are_closed_runs_and_stops_well(tmp_path: Path, closed: str, workers: int) -> None:
    more: dict[str, object] = {} if workers == 1 else {"workers": 2, "outputs": {"none": {"type": "null"}}}
    with running(tmp_path, "sh", "-c", f'exec "$@" {closed}', "sh", **more) as process:
        for number in range(3):
            where = str(Path(f"/proc/{process.pid}/fd/{number}").readlink())
            assert not where.startswith(("socket:", "anon_inode:")), f"{number} is {where}"
        process.terminate()
        assert process.wait(SECONDS) == 0


@contextmanager
def demo(home: Path, closed: str) -> Iterator[subprocess.Popen[bytes]]:
    words = ["sh", "-c", f'exec "$@" {closed}', "sh", *COMMAND, "demo", "--rate", "1", "--duration", "40s"]
    environ = environment(home, **{LISTEN_VARIABLE: "127.0.0.1:0"})  # a demo beside it may take the usual one
    with (home / "out").open("wb") as out, subprocess.Popen(words, env=environ, stdout=out) as process:
        try:
            until(lambda: list(home.rglob("http_address")) or process.poll() is not None)
            yield process
        finally:
            process.kill()


@pytest.mark.slow  # each demo runs for seconds
@pytest.mark.parametrize("name", ["SIGHUP", "SIGQUIT", "SIGUSR1"])
def test_a_demo_without_streams_is_ended_by_signals_as_the_agent_is(tmp_path: Path, name: str) -> None:
    with demo(tmp_path, "<&- 2>&-") as process:
        process.send_signal(signal.Signals[name])
        if name == "SIGUSR1":
            until(lambda: next(tmp_path.rglob("agent.log")).read_text().count("signal ignored") == 1)
            process.terminate()
        assert process.wait(SECONDS) == 0
    assert "delivered exactly once: yes" in (tmp_path / "out").read_text()


def test_a_demo_that_has_nowhere_to_write_says_so_and_does_not_abort(tmp_path: Path) -> None:
    with demo(tmp_path, "<&- >&-") as process:
        assert process.wait(SECONDS) == 1
