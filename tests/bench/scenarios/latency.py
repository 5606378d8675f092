"""How long from a line's write to its acknowledgement, with the defaults, and how long the event loop is held.

`held` tells the longest step of the loop, in the agent's process.
"""

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench import bodies, completeness, generator, waits, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Slot
from tests.bench.collectors import Collector, Place, configure
from tests.bench.completeness import Verdict
from tests.bench.trial import running

RATES = (100, 10_000)
_FILES = 10
_SECONDS = 30.0
_WARM_SECONDS = 2.0
_BACKLOG = 400_000
_HEAD = ("", "p50 s", "p99 s", "longest s", "held at most ms", "of that CPU ms", "lines")


class Waited(NamedTuple):
    """Seconds to acknowledgement, and milliseconds that the loop was held at most (by wall and by CPU)."""

    name: str
    p50: float
    p99: float
    longest: float
    held_ms: float
    held_cpu_ms: float
    verdict: Verdict
    slowest: list[dict[str, Any]]


def measure(asked: Asked) -> Outcome:
    """Pilotfish with its defaults at two rates, then over a backlog, where chunks are largest."""
    seconds = asked.seconds or _SECONDS
    found = [_follow(rate, seconds) for rate in RATES]
    found.append(_catch_up(asked))
    for each in found:
        say(f"  {each.name}: p50 {each.p50:.2f} s, p99 {each.p99:.2f} s, held {each.held_ms:.1f} ms, {each.verdict}")
    return Outcome(
        _HEAD,
        [_row(each) for each in found],
        [f"{_FILES} files, {seconds:.0f} s; required: p50 < 1.1 s, p99 < 2 s, held < 30 ms."],
        all(each.verdict.complete for each in found),
        [each._asdict() | {"verdict": each.verdict._asdict()} for each in found],
    )


def _probed() -> Collector:
    """Pilotfish in a process that times each step of its loop."""

    def words(place: Place) -> list[str]:
        return [sys.executable, "-m", "tests.bench.held", str(configure(place)), str(place.scratch / "held.json")]

    return Collector("pilotfish", "", words)


def _follow(rate: int, seconds: float) -> Waited:
    with (
        tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder,
        running(_probed(), tree := Path(folder)) as run,
    ):
        run.board[Slot.RATE] = rate
        with generator.started(tree, _FILES, run.board):
            time.sleep(min(_WARM_SECONDS, seconds) + seconds)
        run.wait_for(run.board[Slot.LINES])
        run.child.stop()
        seconds_each = waits.seconds_of(bodies.read(run.sink.kept))
        verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
        return _waited(f"{rate:,} lines/s", seconds_each, verdict, run.place.scratch / "held.json")


def _catch_up(asked: Asked) -> Waited:
    lines = asked.lines or _BACKLOG
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers)
    with running(_probed(), tree) as run:
        run.wait_for(lines)
        run.child.stop()
        verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
        return _waited("a backlog", [], verdict, run.place.scratch / "held.json")


def _waited(name: str, seconds_each: Sequence[float], verdict: Verdict, held: Path) -> Waited:
    steps = json.loads(held.read_text()) if held.exists() else []
    wall = max((step["ms"] for step in steps), default=0.0)
    cpu = max((step["cpu_ms"] for step in steps), default=0.0)
    return Waited(name, *waits.summary(seconds_each), wall, cpu, verdict, steps[:5])


def _row(one: Waited) -> list[str]:
    times = [f"{each:.2f}" if one.longest else "" for each in (one.p50, one.p99, one.longest)]
    return [one.name, *times, f"{one.held_ms:.1f}", f"{one.held_cpu_ms:.1f}", str(one.verdict)]
