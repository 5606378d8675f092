"""50 files that grow faster and faster, until a collector lags by more than five seconds: the most that it delivered.

The collector has one core to itself, generator and endpoint have the others. Lag is how long ago as many lines had
been written as have been acknowledged now.
"""

import os
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.bench import bodies, completeness, generator
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Slot
from tests.bench.collectors import Collector
from tests.bench.completeness import Verdict
from tests.bench.trial import Running, running

_FILES = 50
_FIRST_RATE = 20_000
_GROWTH = 1.25
_STEP_SECONDS = 4.0
_MOST_LAG_SECONDS = 5.0
_SAMPLE_SECONDS = 0.1
_KEEPS_PACE = 0.9
_HEAD = ("", "most lines/s", "CPU s", "peak RSS MiB", "ended by", "lines")


class Climbed(NamedTuple):
    """`rate` is what was acknowledged in the best step; `verdict` is from when all of it was read."""

    name: str
    rate: float
    cpu_seconds: float
    peak_rss_bytes: int
    ended_by: str
    verdict: Verdict


def measure(asked: Asked) -> Outcome:
    """Every collector once."""
    seconds = asked.seconds or _STEP_SECONDS
    found = []
    for collector in asked.collectors:
        found.append(_climb(collector, asked.lines or _FIRST_RATE, seconds, asked.steps))
        say(f"  {found[-1].name}: {found[-1].rate:,.0f} lines/s, ended by {found[-1].ended_by}")
    return Outcome(
        _HEAD,
        [_row(each) for each in found],
        [f"{_FILES} files, from {_FIRST_RATE:,} lines/s in all, {_GROWTH - 1:.0%} more every {seconds:.0f} s."],
        all(each.verdict.complete for each in found),
        [each._asdict() | {"verdict": each.verdict._asdict()} for each in found],
    )


def _climb(collector: Collector, first_rate: int, step_seconds: float, steps: int) -> Climbed:
    with _apart() as cores, tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        tree = Path(folder)
        with running(collector, tree, cores=cores) as run:
            with generator.started(tree, _FILES, run.board):
                rate, ended_by = _steps(run, first_rate, step_seconds, steps)
            run.wait_for(run.board[Slot.LINES])
            cost = run.child.stop()
            verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
        return Climbed(collector.name, rate, cost.cpu_seconds, cost.peak_rss_bytes, ended_by, verdict)


def _steps(run: Running, first_rate: int, step_seconds: float, steps: int) -> tuple[float, str]:
    """Raise the rate step by step; the most that was delivered, and what ended it."""
    written: list[tuple[int, float]] = [(0, time.monotonic())]  # lines, and when they had been written
    best = 0.0
    for step in range(steps):
        run.board[Slot.RATE] = wanted = int(first_rate * _GROWTH**step)
        (lines, begun), delivered = written[-1], run.board[Slot.DOCUMENTS]
        while (now := time.monotonic()) < begun + step_seconds:
            time.sleep(_SAMPLE_SECONDS)
            written.append((run.board[Slot.LINES], now))
            if _lag_seconds(written, run.board[Slot.DOCUMENTS], now) > _MOST_LAG_SECONDS:
                return best, "lag"
        best = max(best, (run.board[Slot.DOCUMENTS] - delivered) / (now - begun))
        if written[-1][0] - lines < _KEEPS_PACE * wanted * (now - begun):
            return best, "the generator"
    return best, "the last step"


def _lag_seconds(written: list[tuple[int, float]], delivered: int, now: float) -> float:
    index = bisect_left(written, (delivered, 0.0))
    return now - written[index][1] if index < len(written) and delivered < written[-1][0] else 0.0


@contextmanager
def _apart() -> Iterator[tuple[int, ...]]:
    """The core for the collector; what is started meanwhile besides it gets the others. None on a single core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) == 1:
        yield ()
        return
    os.sched_setaffinity(0, cores[1:])
    try:
        yield (cores[0],)
    finally:
        os.sched_setaffinity(0, cores)


def _row(one: Climbed) -> list[str]:
    return [
        one.name,
        f"{one.rate:,.0f}",
        f"{one.cpu_seconds:.1f}",
        f"{one.peak_rss_bytes / (1 << 20):.0f}",
        one.ended_by,
        str(one.verdict),
    ]
