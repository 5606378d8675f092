"""Command line → a server in its own session: started, watched until it is ready, ended, and never left behind.

A server dies with the tests whatever happens to them: `close` ends it at the end of the session, and the kernel ends
it (prctl(2), PR_SET_PDEATHSIG, set by setpriv(1)) when the tests themselves were killed.
"""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from tests.engines.account import Account, become

_POLL_SECONDS = 0.05
_LOG_LINES = 25

# The death signal is tied to the thread that started the child, not to its process: a thread of asyncio.to_thread
# would take its servers with it. This one lives as long as the tests.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engines")


class EngineError(Exception):
    """An engine is missing, did not become ready, or did not end; the text says why and what mends it."""


class ServerProcess:
    """One server that can be started again and again with the same words; its output goes to `log`."""

    def __init__(
        self,
        words: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        account: Account | None = None,
        death_signal: str = "KILL",
    ) -> None:
        """Prepare only; `account` is whom root becomes before it runs the words."""
        self._words = [*become(account), "setpriv", "--pdeathsig", death_signal, *map(str, words)]
        self._log = log
        self._env = dict(env)
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int:
        """Process id of the server.

        Raises:
            EngineError: it is not running.
        """
        if self._child is None:
            raise EngineError(f"{self._log.stem} is not running")
        return self._child.pid

    def start(self, ready: Callable[[], bool], *, within_seconds: float) -> None:
        """Start the server and return when `ready` says so.

        Raises:
            EngineError: it ended or was not ready in time; the text ends with its last log lines. Nothing runs then.
        """
        if self.running:
            return
        with self._log.open("ab") as log:
            self._child = _spawner.submit(
                subprocess.Popen,
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                cwd=self._log.parent,
                start_new_session=True,
            ).result()
        try:
            self._await(ready, time.monotonic() + within_seconds)
        except BaseException:  # Ctrl-C while it boots must not leave it behind either
            self.kill()
            raise

    def stop(self, *, within_seconds: float = 60) -> None:
        """Ask it to end (SIGTERM) and wait.

        Raises:
            EngineError: it did not end in time; it was killed.
        """
        if self._child is None:
            return
        self._child.terminate()
        try:
            self._child.wait(within_seconds)
        except subprocess.TimeoutExpired:
            raise EngineError(f"{self._log.stem} did not end within {within_seconds} s of SIGTERM") from None
        finally:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the server and what it started in its session; returns when they are gone."""
        if self._child is None:
            return
        group = self._child.pid
        with suppress(ProcessLookupError):  # all of it may have ended already
            os.killpg(group, signal.SIGKILL)
        self._child.wait()
        wait_until(lambda: not _group_is_alive(group), within_seconds=10)
        self._child = None

    def _await(self, ready: Callable[[], bool], deadline: float) -> None:
        while not ready():
            if not self.running:
                raise EngineError(f"{self._log.stem} ended while it was starting\n{self._last_lines()}")
            if time.monotonic() > deadline:
                raise EngineError(f"{self._log.stem} was not ready in time\n{self._last_lines()}")
            time.sleep(_POLL_SECONDS)

    def _last_lines(self) -> str:
        lines = [line for line in self._log.read_text(errors="replace").splitlines() if not line.startswith("\tat ")]
        return "\n".join(["last lines of its output:", *lines[-_LOG_LINES:]])


def wait_until(condition: Callable[[], bool], *, within_seconds: float) -> bool:
    """Poll; whether the condition held in time."""
    deadline = time.monotonic() + within_seconds
    while not (held := condition()) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return held


def free_ports(count: int) -> list[int]:
    """Ports on 127.0.0.1 that were free just now, all different.

    Of none that the kernel gives to whoever asks for any: a server that is away for a moment finds its own again.
    """
    found: set[int] = set()
    while len(found) < count:
        port = random.randrange(10_000, 32_000)  # Linux gives those from 32768 on
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.add(port)
    return list(found)


def accepts(host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True


def _group_is_alive(group: int) -> bool:
    """Whether a process of the group still runs."""
    return any(_runs_in(group, process) for process in Path("/proc").glob("[0-9]*"))


def _runs_in(group: int, process: Path) -> bool:
    """A zombie has ended, whether somebody reaps it or not, but only when the last of its threads has."""
    try:
        after_name = (process / "stat").read_text().rpartition(")")[2]  # proc(5); the name itself may hold ")"
        state, _, own_group = after_name.split()[:3]
        return int(own_group) == group and (state not in "ZX" or len(list((process / "task").iterdir())) > 1)
    except (FileNotFoundError, ProcessLookupError):
        return False
