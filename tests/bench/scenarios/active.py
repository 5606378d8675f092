"""The same lines from few logs and from many, all of them active: what follows the number of logs, and what does not.

The logs are written in turns, some lines at a time, by a process that is not counted.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench import bodies, completeness, generator, waits
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Slot
from tests.bench.collectors import Collector
from tests.bench.completeness import Verdict
from tests.bench.trial import Running, running
from tests.bench.workload import make_container

_SECONDS = 30.0
_WARM_SECONDS = 3.0
_FOLLOWED_EACH_SECOND = 1_000  # of the logs, at least, while it warms up
_HEAD = ("", "files", "lines/s", "% of a core", "least to most", "RSS MiB", "p50 s", "p99 s", "lines")


class Shape(NamedTuple):
    """So many files, lines a second in all, and lines that come together."""

    files: int
    rate: int
    together: int


SHAPES = (Shape(10, 10_000, 10), Shape(100, 10_000, 10), Shape(1_000, 10_000, 10), Shape(5_000, 5_000, 1))


class Followed(NamedTuple):
    """What following cost: `core` is the share of one core, `p50` and `p99` the seconds to acknowledgement."""

    name: str
    files: int
    lines_per_second: float
    core: float
    rss_bytes: int
    p50: float
    p99: float
    verdict: Verdict


def measure(asked: Asked) -> Outcome:
    """Every collector with each shape once per run, in turns."""
    seconds = asked.seconds or _SECONDS
    shapes = [one._replace(files=min(one.files, asked.many), rate=asked.lines or one.rate) for one in SHAPES]
    found = [
        _told(number, _follow(collector, shape, seconds))
        for number in range(asked.runs)
        for shape in shapes
        for collector in asked.collectors
    ]
    rows = dict.fromkeys((each.name, each.files) for each in found)
    return Outcome(
        _HEAD,
        [_row([each for each in found if (each.name, each.files) == row]) for row in rows],
        [f"{seconds:.0f} s, after some to warm up; ten lines of a file together, with 5,000 files one."],
        all(each.verdict.complete for each in found),
        [each._asdict() | {"verdict": each.verdict._asdict()} for each in found],
    )


def _follow(collector: Collector, shape: Shape, seconds: float) -> Followed:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        tree = Path(folder)
        for number in range(shape.files):
            make_container(tree, number).touch()
        with running(collector, tree) as run:
            run.board[Slot.RATE] = shape.rate
            with generator.started(tree, shape.files, run.board, together=shape.together):
                time.sleep(min(_WARM_SECONDS, seconds) + shape.files / _FOLLOWED_EACH_SECOND)
                core, rate, rss_bytes = _watched(run, seconds)
                begun = time.time_ns() - round(seconds * 1e9)
            run.wait_for(run.board[Slot.LINES])
            run.child.stop()
            verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
            kept = [each for each in bodies.read(run.sink.kept) if each.answered_ns > begun]
            waited = waits.summary(waits.seconds_of(kept))
        return Followed(collector.name, shape.files, rate, core, rss_bytes, waited.p50, waited.p99, verdict)


def _watched(run: Running, seconds: float) -> tuple[float, float, int]:
    """Over so many seconds the share of a core and the lines that were written a second, and memory at their end."""
    before, lines, begun = run.child.usage(), run.board[Slot.LINES], time.monotonic()
    time.sleep(seconds)
    after, passed = run.child.usage(), time.monotonic() - begun
    rate = (run.board[Slot.LINES] - lines) / passed
    return (after.cpu_seconds - before.cpu_seconds) / passed, rate, after.rss_bytes


def _told(number: int, done: Followed) -> Followed:
    say(
        f"  run {number + 1}: {done.name}, {done.files:,} files: {done.core:.1%} of a core, {done.rss_bytes >> 20} MiB,"
        f" p50 {done.p50:.2f} s, p99 {done.p99:.2f} s, {done.verdict}"
    )
    return done


def _row(runs: list[Followed]) -> list[str]:
    cores = [each.core for each in runs]
    failed = [str(each.verdict) for each in runs if not each.verdict.complete]
    return [
        runs[0].name,
        f"{runs[0].files:,}",
        f"{median(each.lines_per_second for each in runs):,.0f}",
        f"{median(cores):.1%}",
        f"{min(cores):.1%} to {max(cores):.1%}",
        f"{max(each.rss_bytes for each in runs) / (1 << 20):.0f}",
        f"{median(each.p50 for each in runs):.2f}",
        f"{median(each.p99 for each in runs):.2f}",
        failed[0] if failed else "complete",
    ]
