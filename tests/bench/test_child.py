"""What a program costs is told with all that it started."""

import sys
from pathlib import Path

from tests.bench import child

BURN = "import time\nwhile time.process_time() < 0.2: pass\n"
PARENT = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BURN + 'x = bytearray(64 << 20)'!r}])\n{BURN}"


def test_the_cpu_time_of_children_counts(tmp_path: Path) -> None:
    with child.started([sys.executable, "-c", PARENT], tmp_path / "log") as process:
        cost = process.wait(within_seconds=60)
    assert cost.cpu_seconds >= 0.4
    assert cost.status == 0


def test_memory_is_not_that_of_who_starts_it(tmp_path: Path) -> None:
    large = bytearray(256 << 20)
    large[:: 1 << 12] = b"x" * len(large[:: 1 << 12])
    with child.started([sys.executable, "-c", BURN], tmp_path / "log") as process:
        cost = process.wait(within_seconds=60)
    assert 1 << 20 < cost.peak_rss_bytes < 128 << 20


def test_one_that_does_not_end_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint(flush=True)\ntime.sleep(60)"
    log = tmp_path / "log"
    with child.started([sys.executable, "-c", deaf], log) as process:
        while not log.stat().st_size:
            assert process.running
        assert process.stop(within_seconds=0.2).status == -9
