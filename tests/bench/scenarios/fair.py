"""How soon the lines of a hundred quiet containers arrive beside one that writes all the time.

The output has room, or it is slower than the loud container, so that reading waits for room; or the loud one begins
with a backlog.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench import bodies, completeness, generator, waits
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Board, Slot
from tests.bench.collectors import Collector
from tests.bench.completeness import Verdict
from tests.bench.trial import Running, running
from tests.bench.workload import make_container

_QUIET = 100
_LOUD = 200_000  # lines a second
_SLOW = 50_000
_BACKLOG_SECONDS = 5  # of the loud container's lines
_SECONDS = 15.0
_WARM_SECONDS = 3.0
_LOUD_NAME = "web-0"  # `make_container`
_HEAD = ("", "output", "loud lines/s", "p50 s", "p99 s", "longest s", "lines")


class Shape(NamedTuple):
    """An output that takes so many lines a second (0: as many as come), and lines of the loud one at the start."""

    output: str
    most_rate: int = 0
    backlog: int = 0


class Shared(NamedTuple):
    """`rate` is what arrived of the loud container in a second, the times are those of the quiet ones."""

    name: str
    output: str
    rate: float
    p50: float
    p99: float
    longest: float
    verdict: Verdict


def measure(asked: Asked) -> Outcome:
    """Every collector with each shape once per run, in turns."""
    seconds, loud = asked.seconds or _SECONDS, asked.lines or _LOUD
    shapes = [
        Shape("as fast as it is sent to"),
        Shape("the same, and a backlog", backlog=loud * _BACKLOG_SECONDS),
        Shape(f"{_SLOW:,} lines/s", most_rate=_SLOW),
    ]
    found = [
        _told(number, _follow(collector, shape, loud, min(_QUIET, asked.many), seconds))
        for number in range(asked.runs)
        for shape in shapes
        for collector in asked.collectors
    ]
    return Outcome(
        _HEAD,
        [
            _row([each for each in found if (each.name, each.output) == row])
            for row in dict.fromkeys((each.name, each.output) for each in found)
        ],
        [
            f"{seconds:.0f} s, after some to warm up; the loud container writes up to {loud:,} lines/s, each of "
            f"{_QUIET} quiet ones one. The times are those of the quiet ones, in the "
            "worst run; required: p99 < 2 s."
        ],
        all(each.verdict.complete for each in found),
        [each._asdict() | {"verdict": each.verdict._asdict()} for each in found],
    )


def _follow(collector: Collector, shape: Shape, loud: int, quiet: int, seconds: float) -> Shared:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        tree, board = Path(folder), Board.make()
        make_container(tree, 0).write_bytes(_backlog(shape.backlog))
        with running(collector, tree) as run:
            run.board[Slot.MOST_RATE] = shape.most_rate
            run.board[Slot.RATE], board[Slot.RATE] = loud, quiet
            with generator.started(tree, quiet, board, first=1), generator.started(tree, 1, run.board):
                time.sleep(min(_WARM_SECONDS, seconds))
                begun, before = time.time_ns(), run.board[Slot.DOCUMENTS]
                time.sleep(seconds)
                rate = (run.board[Slot.DOCUMENTS] - before) / seconds - quiet
            run.board[Slot.MOST_RATE] = 0
            _wait(run, shape.backlog + run.board[Slot.LINES] + board[Slot.LINES])
            verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
            waited = waits.seconds_of(bodies.read(run.sink.kept), but=_LOUD_NAME, since_ns=begun)
        board.close()
        return Shared(collector.name, shape.output, rate, *waits.summary(waited), verdict)


def _wait(run: Running, lines: int) -> None:
    run.wait_for(lines)
    run.child.stop()


def _backlog(lines: int) -> bytes:
    """Its lines have numbers that the generator does not come to."""
    return generator.Lines().made(1 << 31, lines, generator.stamp(time.time_ns()))


def _told(number: int, done: Shared) -> Shared:
    say(
        f"  run {number + 1}: {done.name}, output: {done.output}, {done.rate:,.0f} lines/s, "
        f"p50 {done.p50:.2f} s, p99 {done.p99:.2f} s, longest {done.longest:.2f} s, {done.verdict}"
    )
    return done


def _row(runs: list[Shared]) -> list[str]:
    """The rate is that in the middle, the times are those of the worst run."""
    times = [max(getattr(each, name) for each in runs) for name in ("p50", "p99", "longest")]
    failed = [str(each.verdict) for each in runs if not each.verdict.complete]
    rate = median(each.rate for each in runs)
    told = [runs[0].name, runs[0].output, f"{rate:,.0f}", *(f"{each:.2f}" for each in times)]
    return [*told, failed[0] if failed else "complete"]
