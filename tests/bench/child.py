"""Command line → what it cost: CPU of the process and all it started, the sum of their memory at its highest.

CPU time is what the kernel says at the end (wait4(2), which counts children that were waited for) or what was last seen
of the whole tree, whichever is more, so that a child nobody waited for counts too. Memory is sampled: the kernel's
ru_maxrss begins with that of who started the process.
"""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_SAMPLE_SECONDS = 0.05
_ALL_THREADS = (
    2  # the CPU clock of another process, to the nanosecond: clock_getcpuclockid(3), of which Python has none
)
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Usage(NamedTuple):
    """CPU so far and memory now, of a process and all that it started; `peak` is what the largest of them ever had."""

    cpu_seconds: float
    rss_bytes: int
    peak_rss_bytes: int


class Cost(NamedTuple):
    """CPU in total and memory at most; `status` is the exit status."""

    cpu_seconds: float
    peak_rss_bytes: int
    status: int


class Child:
    """A running program; its output goes to `log`."""

    def __init__(self, words: Sequence[str], log: Path, cores: Collection[int] = ()) -> None:
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )
        if cores:
            os.sched_setaffinity(self.pid, cores)
        self._cpu_seconds = 0.0
        self._peak_rss_bytes = 0
        self._ended = threading.Event()
        self._sampling = threading.Thread(target=self._sample, daemon=True)
        self._sampling.start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it has not ended; it is not reaped by this question."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def usage(self) -> Usage:
        """So far, and now."""
        now = usage(self.pid)
        self._cpu_seconds = max(self._cpu_seconds, now.cpu_seconds)
        self._peak_rss_bytes = max(self._peak_rss_bytes, now.rss_bytes, now.peak_rss_bytes)
        return now

    def stop(self, within_seconds: float = 30) -> Cost:
        """Ask it to end, wait, and tell the cost; one that does not end is killed, which its status tells."""
        self.usage()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        return self.wait(within_seconds)

    def wait(self, within_seconds: float) -> Cost:
        """Wait for its end, and tell the cost."""
        overdue = threading.Timer(within_seconds, self.kill)
        overdue.start()
        _, status, used = os.wait4(self.pid, 0)
        overdue.cancel()
        self._end(os.waitstatus_to_exitcode(status))
        cpu = max(used.ru_utime + used.ru_stime, self._cpu_seconds)
        return Cost(cpu, self._peak_rss_bytes, self._process.returncode)

    def kill(self) -> None:
        """End it and what it started in its session."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)

    def discard(self) -> None:
        """End it if it has not ended; its cost does not matter."""
        if self._process.returncode is None:
            self.kill()
            self._end(self._process.wait())

    def _end(self, status: int) -> None:
        self._process.returncode = status
        self._ended.set()
        self._sampling.join()

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.usage()


@contextmanager
def started(words: Sequence[str], log: Path, cores: Collection[int] = ()) -> Iterator[Child]:
    """A program that does not outlive the block."""
    child = Child(words, log, cores)
    try:
        yield child
    finally:
        child.discard()


def usage(pid: int) -> Usage:
    """Of a process and its descendants; of those that ended, what their parents were told."""
    cpu, rss, peak = 0.0, 0, 0
    for each in _family(pid):
        with suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()  # proc(5), from field 3 on
            cpu += time.clock_gettime((~each << 3) | _ALL_THREADS) + sum(map(int, fields[13:15])) / _TICK
            rss += int(fields[21]) * _PAGE_BYTES
            peak = max(peak, int(Path(f"/proc/{each}/status").read_text().partition("VmHWM:")[2].split()[0]) << 10)
    return Usage(cpu, rss, peak)


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):
            for child in task.read_text().split():
                yield from _family(int(child))
