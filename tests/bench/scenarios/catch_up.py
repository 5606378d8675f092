"""A backlog, read as fast as it goes: every collector and the reference loop in turns, against drift of the machine."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from tests.bench import blaster, completeness, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.collectors import REFERENCES
from tests.bench.trial import Trial, loop_trial, trial

_BLAST_SECONDS = 1.5
_HEAD = ("", "lines/CPU-s", "least to most", "x reference", "MiB/s", "wall s", "peak RSS MiB", "lines")


def mixed(asked: Asked) -> Outcome:
    """Lines of about 320 bytes of JSON, 5 % plain text, some beyond ASCII."""
    return _measure(asked, "mixed", asked.lines or 2_000_000)


def long(asked: Asked) -> Outcome:
    """One line of a hundred has 64 KiB, in pieces that alternate with those of the other stream."""
    return _measure(asked, "long", asked.lines or 300_000)


def stacks(asked: Asked) -> Outcome:
    """Stack traces, line by line, all plain text."""
    return _measure(asked, "stacks", asked.lines or 1_000_000)


def _measure(asked: Asked, shape: str, lines: int) -> Outcome:
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers, shape=shape)
    expected = completeness.written(tree)
    limits = blaster.limits(tree, min(asked.seconds or _BLAST_SECONDS, _BLAST_SECONDS))
    say(f"{lines:,} lines, {workload.size_of(tree) >> 20} MiB; the endpoint takes {limits.gzip:,.0f} lines/s in gzip, "
        f"{limits.plain:,.0f} plain")  # fmt: skip
    trials = []
    for number in range(asked.runs):
        for collector in asked.collectors:
            trials.append(trial(collector, tree, expected))
            _tell(number, trials[-1])
        for loop in REFERENCES:
            trials.append(loop_trial(loop, tree, lines))
            _tell(number, trials[-1])
    return _outcome(trials, tree, limits)


def _tell(number: int, done: Trial) -> None:
    rate = f"{done.lines_per_cpu_second:,.0f} lines/CPU-s"
    say(f"  run {number + 1}: {done.name}: {rate}, {done.wall_seconds:.1f} s, {done.verdict}")
    if done.last_words:
        say(f"    {done.last_words}")


def _outcome(trials: Sequence[Trial], tree: Path, limits: blaster.Limits) -> Outcome:
    size = workload.size_of(tree)
    loop = median(each.lines_per_cpu_second for each in trials if each.name == REFERENCES[0].name)
    names = dict.fromkeys(each.name for each in trials)
    loops = {each.name for each in REFERENCES}
    fastest = max(each.verdict.lines / each.wall_seconds for each in trials if each.name not in loops)
    lines = trials[0].verdict.lines
    remarks = [
        f"{lines:,} lines, {size / (1 << 20):,.0f} MiB, {len(list(tree.glob('*/*-json.log')))} containers.",
        f"The endpoint takes {limits.gzip:,.0f} lines/s in gzip and {limits.plain:,.0f} plain.",
        *blaster.warning(limits, fastest),
    ]
    return Outcome(
        _HEAD,
        [_row([each for each in trials if each.name == name], size, loop) for name in names],
        remarks,
        all(each.verdict.complete for each in trials),
        [_figures(each, size) for each in trials],
    )


def _row(trials: Sequence[Trial], size: int, loop: float) -> list[str]:
    rates = [each.lines_per_cpu_second for each in trials]
    wall = median(each.wall_seconds for each in trials)
    failed = [str(each.verdict) for each in trials if not each.verdict.complete]
    return [
        trials[0].name,
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{median(rates) / loop:.2f}",
        f"{size / wall / (1 << 20):.0f}",
        f"{wall:.1f}",
        f"{max(each.cost.peak_rss_bytes for each in trials) / (1 << 20):.0f}",
        failed[0] if failed else "complete",
    ]


def _figures(one: Trial, size: int) -> dict[str, Any]:
    return {
        "name": one.name,
        "cpu_seconds": round(one.cost.cpu_seconds, 3),
        "wall_seconds": round(one.wall_seconds, 3),
        "lines_per_cpu_second": round(one.lines_per_cpu_second),
        "bytes_per_second": round(size / one.wall_seconds),
        "peak_rss_bytes": one.cost.peak_rss_bytes,
        "status": one.cost.status,
        **one.verdict._asdict(),
    }
