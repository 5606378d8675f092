"""What many quiet containers cost: their share of a core, memory, and a start with positions that were saved."""

import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tests.bench import bodies, completeness
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Slot
from tests.bench.collectors import Collector
from tests.bench.completeness import Verdict
from tests.bench.generator import Lines, stamp
from tests.bench.trial import Running, again, running
from tests.bench.workload import make_container

_SECONDS = 30.0
_SETTLE_SECONDS = 5.0  # an idle file is watched after a second of quiet
_LINES = 5
_HEAD = (
    "containers",
    "% of a core",
    "RSS MiB",
    "ready after s",
    "all followed after s",
    "RSS after restart MiB",
    "lines",
)


class Quiet(NamedTuple):
    """`ready_seconds` and `followed_seconds` are of the second start: /readyz says yes, a new line of each is there."""

    containers: int
    core: float
    rss_bytes: int
    ready_seconds: float
    followed_seconds: float
    restarted_rss_bytes: int
    verdict: Verdict


def measure(asked: Asked) -> Outcome:
    """Pilotfish with a tenth of them, and with all."""
    seconds = asked.seconds or _SECONDS
    found = [_rest(asked.ours[0], count, seconds) for count in (asked.many // 10, asked.many) if count]
    return Outcome(
        _HEAD,
        [_row(each) for each in found],
        [f"{_LINES} lines each, then {seconds:.0f} s of quiet; then a stop, one more line each, and a start."],
        all(each.verdict.complete for each in found),
        [each._asdict() | {"verdict": each.verdict._asdict()} for each in found],
    )


def _rest(collector: Collector, containers: int, seconds: float) -> Quiet:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        tree = Path(folder)
        logs = [make_container(tree, number) for number in range(containers)]
        _append(logs, _LINES, 0)
        with running(collector, tree) as run:
            run.wait_for(containers * _LINES, quiet_seconds=60)
            time.sleep(min(_SETTLE_SECONDS, seconds))
            core, rss_bytes = _watched(run, seconds)
            run.child.stop()
            _append(logs, 1, containers * _LINES)
            with again(collector, run.place, run.sink) as second:
                ready = _ready_after(second)
                second.wait_for(containers * (_LINES + 1), quiet_seconds=60)
                followed = second.board[Slot.LAST_NS] / 1e9 - second.begun
                restarted = second.child.usage().rss_bytes
                second.child.stop()
            verdict = completeness.verify(completeness.written(tree), bodies.read(run.sink.kept))
        say(
            f"  {containers:,} containers: {core:.2%} of a core, {rss_bytes >> 20} MiB, followed after {followed:.1f} s"
        )
        return Quiet(containers, core, rss_bytes, ready, followed, restarted, verdict)


def _append(logs: list[Path], each: int, first: int) -> None:
    lines = Lines()
    for number, log in enumerate(logs):
        with log.open("ab") as file:
            file.write(lines.made(first + number * each, each, stamp(time.time_ns())))


def _watched(run: Running, seconds: float) -> tuple[float, int]:
    """Share of a core over so many seconds, and memory at their end."""
    before, begun = run.child.usage(), time.monotonic()
    time.sleep(seconds)
    after = run.child.usage()
    return (after.cpu_seconds - before.cpu_seconds) / (time.monotonic() - begun), after.rss_bytes


def _ready_after(run: Running) -> float:
    """Seconds from the start until /readyz says yes."""
    while run.child.running:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{run.place.http_port}/readyz", timeout=5):
            return time.monotonic() - run.begun
        time.sleep(0.02)
    return float("inf")


def _row(one: Quiet) -> list[str]:
    return [
        f"{one.containers:,}",
        f"{one.core:.2%}",
        f"{one.rss_bytes / (1 << 20):.0f}",
        f"{one.ready_seconds:.1f}",
        f"{one.followed_seconds:.1f}",
        f"{one.restarted_rss_bytes / (1 << 20):.0f}",
        str(one.verdict),
    ]
