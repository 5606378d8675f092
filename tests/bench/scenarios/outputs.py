"""What each output costs: the same logs to each receiver in turn, from the first line to the last acknowledgement.

Starting the agent and its receiver is left out: the logs come when both are up. Bytes on the wire are those of the
loopback interface in both directions, with all headers; nothing else may use it meanwhile.
"""

import shutil
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench import child, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.child import Usage
from tests.integration.agent import AgentProcess, wait_until
from tests.receivers.found import WAYS, Way, promise_of

_POLL_SECONDS = 0.25  # an answer costs the agent a millisecond
_WITHIN_SECONDS = 600.0
_HEAD = ("output", "receiver", "promise", "lines/CPU-s", "wire bytes a line", "peak RSS MiB", "lines")


class Run(NamedTuple):
    """One output, once; `extra` is how many copies there were, or lines too few if it is below 0."""

    lines: int
    cpu_seconds: float
    wire_bytes: int
    peak_rss_bytes: int
    extra: int

    @property
    def lines_per_cpu_second(self) -> float:
        """Of all lines."""
        return self.lines / max(self.cpu_seconds, 0.001)


def measure(asked: Asked) -> Outcome:
    """Each in turns, against drift of the machine."""
    lines = asked.lines or 300_000
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers)
    size = workload.size_of(tree)
    runs: dict[str, list[Run]] = {way.name: [] for way in WAYS}
    told: dict[str, tuple[str, str]] = {}
    for number in range(asked.runs):
        for way in WAYS:
            run, told[way.name] = _run(way, tree, lines)
            runs[way.name].append(run)
            say(f"  run {number + 1}: {way.name}: {run.lines_per_cpu_second:,.0f} lines/CPU-s, {run.extra} too many")
    return Outcome(
        _HEAD,
        [_row(name, found, *told[name]) for name, found in runs.items()],
        [f"{lines:,} lines, {size >> 20:,} MiB, {asked.containers} containers."],
        all(run.extra == 0 or _is_unsafe(told[name]) for name, found in runs.items() for run in found),
        [{"name": name, **run._asdict()} for name, found in runs.items() for run in found],
    )


def _run(way: Way, tree: Path, lines: int) -> tuple[Run, tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch:
        receiver = way.receiver(Path(scratch, "receiver"))
        logs = Path(scratch, "logs")
        logs.mkdir()
        receiver.start()
        options = way.options(receiver)
        inputs = {"directory": {"path": str(logs)}}
        agent = AgentProcess(Path(scratch), {"inputs": inputs, "outputs": {"bench": options}})
        try:
            agent.start()
            before, wire = child.usage(agent.pid), _wire_bytes()
            shutil.copytree(tree, Path(scratch, "aside"))
            for log in Path(scratch, "aside").iterdir():
                if log.is_dir():
                    log.rename(logs / log.name)
            after = delivered(agent, lines)
            wire = _wire_bytes() - wire
            agent.stop()
            stored = sum(map(len, receiver.stored().values()))
        finally:
            agent.kill()
            receiver.stop()
        run = Run(lines, after.cpu_seconds - before.cpu_seconds, wire, after.peak_rss_bytes, stored - lines)
        return run, (receiver.server, promise_of(options).words)


def delivered(agent: AgentProcess, lines: int) -> Usage:
    """Wait until so many are acknowledged; what was used by then."""

    def is_done() -> bool:
        time.sleep(_POLL_SECONDS)
        settled = (value for (name, _), value in agent.metrics().items() if name == "pilotfish_documents_settled_total")
        return sum(settled) >= lines

    wait_until(is_done, f"{lines} documents are acknowledged", seconds=_WITHIN_SECONDS)
    return child.usage(agent.pid)


def _wire_bytes() -> int:
    """Sent over the loopback interface since it came up: proc(5), net/dev."""
    line = next(one for one in Path("/proc/net/dev").read_text().splitlines() if one.strip().startswith("lo:"))
    return int(line.split(":")[1].split()[8])


def _is_unsafe(told: tuple[str, str]) -> bool:
    return told[1] == "unsafe"


def _row(name: str, runs: list[Run], server: str, promise: str) -> list[str]:
    wrong = [run.extra for run in runs if run.extra]
    return [
        name,
        server,
        promise,
        f"{median(run.lines_per_cpu_second for run in runs):,.0f}",
        f"{median(run.wire_bytes for run in runs) / runs[0].lines:,.0f}",
        f"{max(run.peak_rss_bytes for run in runs) / (1 << 20):.0f}",
        _verdict(wrong[0], promise) if wrong else "complete",
    ]


def _verdict(extra: int, promise: str) -> str:
    """What is unsafe may lose lines: that is a figure, and no failure."""
    return f"{-extra:,} lost" if promise == "unsafe" and extra < 0 else f"FAILED: {extra:+,}"
