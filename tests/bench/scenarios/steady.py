"""A steady 10,000 lines a second over 10 files: the share of a core that each collector takes, and its memory."""

import tempfile
import time
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

from tests.bench import bodies, completeness, generator
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Slot
from tests.bench.collectors import Collector
from tests.bench.completeness import Verdict
from tests.bench.trial import running

RATE = 10_000
FILES = 10
_SECONDS = 30.0
_WARM_SECONDS = 3.0
_HEAD = ("", "lines/s", "% of a core", "RSS MiB", "peak RSS MiB", "lines")


class Followed(NamedTuple):
    """What following cost: `core` is the share of one core, on average."""

    name: str
    lines_per_second: float
    core: float
    rss_bytes: int
    peak_rss_bytes: int
    verdict: Verdict


def measure(asked: Asked) -> Outcome:
    """Every collector once per run, in turns."""
    seconds = asked.seconds or _SECONDS
    found = []
    for number in range(asked.runs):
        for collector in asked.collectors:
            found.append(_follow(collector, asked.lines or RATE, seconds))
            say(f"  run {number + 1}: {found[-1].name}: {found[-1].core:.1%} of a core, {found[-1].verdict}")
    names = dict.fromkeys(each.name for each in found)
    return Outcome(
        _HEAD,
        [_row([each for each in found if each.name == name]) for name in names],
        [f"{FILES} files, {seconds:.0f} s, after {_WARM_SECONDS:.0f} s to warm up."],
        all(each.verdict.complete for each in found),
        [_figures(each) for each in found],
    )


def _follow(collector: Collector, rate: int, seconds: float) -> Followed:
    with (
        tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder,
        running(collector, tree := Path(folder)) as run,
    ):
        run.board[Slot.RATE] = rate
        with generator.started(tree, FILES, run.board):
            time.sleep(min(_WARM_SECONDS, seconds))
            before, lines, begun = run.child.usage(), run.board[Slot.LINES], time.monotonic()
            time.sleep(seconds)
            after, passed = run.child.usage(), time.monotonic() - begun
            lines = run.board[Slot.LINES] - lines
        run.wait_for(run.board[Slot.LINES])
        cost = run.child.stop()
        verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
        core = (after.cpu_seconds - before.cpu_seconds) / passed
        return Followed(collector.name, lines / passed, core, after.rss_bytes, cost.peak_rss_bytes, verdict)


def _row(runs: list[Followed]) -> list[str]:
    failed = [str(each.verdict) for each in runs if not each.verdict.complete]
    return [
        runs[0].name,
        f"{mean(each.lines_per_second for each in runs):,.0f}",
        f"{mean(each.core for each in runs):.1%}",
        f"{max(each.rss_bytes for each in runs) / (1 << 20):.0f}",
        f"{max(each.peak_rss_bytes for each in runs) / (1 << 20):.0f}",
        failed[0] if failed else "complete",
    ]


def _figures(one: Followed) -> dict[str, Any]:
    return one._asdict() | {"verdict": one.verdict._asdict()}
