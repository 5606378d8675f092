"""What further outputs cost: the same logs read for one output, two and three that discard what they get.

A backlog, read as fast as it goes; then logs that are written, all of them active. Nothing is sent, so what is left is
reading, decoding and delivering to nowhere.
"""

import json
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench import generator, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.board import Board, Slot
from tests.bench.child import Child, started
from tests.bench.workload import make_container
from tests.engines.process import free_ports

_OUTPUTS = (1, 2, 3)
_LINES = 1_000_000
_RATE = 10_000
_FILES = (10, 100)
_TOGETHER = 10
_SECONDS = 8.0
_WARM_SECONDS = 3.0
_POLL_SECONDS = 0.2
_MOST_SECONDS = 300.0
_SETTLED = re.compile(r"^pilotfish_documents_settled_total\{[^}]*\} (\S+)$", re.MULTILINE)
_HEAD = ("logs", "outputs", "CPU-s per million lines", "least to most", "x one output", "peak RSS MiB", "lines")


class Cost(NamedTuple):
    """CPU seconds of the agent for so many `lines`, of which each output has to have `settled` all."""

    logs: str
    outputs: int
    cpu_seconds: float
    lines: int
    settled: int
    rss_bytes: int

    @property
    def per_million(self) -> float:
        """CPU seconds."""
        return self.cpu_seconds / max(self.lines, 1) * 1e6

    @property
    def is_complete(self) -> bool:
        """Whether each output had every line."""
        return self.settled >= self.outputs * self.lines


def measure(asked: Asked) -> Outcome:
    """Each number of outputs in turns, against drift of the machine."""
    lines = asked.lines or _LINES
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers)
    rate, seconds = min(lines, _RATE), asked.seconds or _SECONDS
    runs: list[Callable[[int], Cost]] = [
        lambda outputs: _backlog(tree, lines, outputs),
        *(partial(_active, min(files, asked.many), rate, seconds) for files in _FILES),
    ]
    found = [_told(number, run(outputs)) for number in range(asked.runs) for run in runs for outputs in _OUTPUTS]
    rows = dict.fromkeys((one.logs, one.outputs) for one in found)
    one_of = {logs: _median(found, logs, _OUTPUTS[0]) for logs, _ in rows}
    return Outcome(
        _HEAD,
        [_row([one for one in found if one[:2] == row], one_of[row[0]]) for row in rows],
        [f"Outputs of the type null. Backlog: {lines:,} lines in {asked.containers} logs, with the agent's start."],
        all(one.is_complete for one in found),
        [one._asdict() for one in found],
    )


def _median(found: Sequence[Cost], logs: str, outputs: int) -> float:
    return median(one.per_million for one in found if one[:2] == (logs, outputs))


def _backlog(tree: Path, lines: int, outputs: int) -> Cost:
    with _agent(tree, outputs) as (agent, url):
        settled = _wait(agent, url, outputs * lines)
        cost = agent.stop()
    return Cost("backlog", outputs, cost.cpu_seconds, lines, settled, cost.peak_rss_bytes)


def _active(files: int, rate: int, seconds: float, outputs: int) -> Cost:
    board = Board.make()
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder, closing(board):
        tree = Path(folder)
        for number in range(files):
            make_container(tree, number).touch()
        with _agent(tree, outputs) as (agent, url):
            board[Slot.RATE] = rate
            with generator.started(tree, files, board, together=_TOGETHER):
                time.sleep(min(_WARM_SECONDS, seconds))
                before, lines = agent.usage(), board[Slot.LINES]
                time.sleep(seconds)
                after, lines = agent.usage(), board[Slot.LINES] - lines
            total = board[Slot.LINES]
            settled = _wait(agent, url, outputs * total)
            rss = agent.stop().peak_rss_bytes
    missing = outputs * total - settled
    cpu = after.cpu_seconds - before.cpu_seconds
    return Cost(f"{files} active", outputs, cpu, lines, outputs * lines - missing, rss)


@contextmanager
def _agent(tree: Path, outputs: int) -> Iterator[tuple[Child, str]]:
    """One that follows the tree, and where it tells its metrics."""
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch:
        (port,) = free_ports(1)
        configuration = {
            "state_dir": f"{scratch}/state",
            "inputs": {"directory": {"path": str(tree)}},
            "outputs": {f"out{number}": {"type": "null"} for number in range(outputs)},
            "http": {"listen": f"127.0.0.1:{port}"},
        }
        path = Path(scratch, "pilotfish.yml")
        path.write_text(json.dumps(configuration))
        words = [sys.executable, "-m", "collector", "run", "-c", str(path)]
        with started(words, Path(scratch, "log")) as agent:
            yield agent, f"http://127.0.0.1:{port}/metrics"


def _wait(agent: Child, url: str, documents: int) -> int:
    """Wait until so many documents are settled, and say how many are."""
    settled, due = 0, time.monotonic() + _MOST_SECONDS
    while settled < documents and agent.running and time.monotonic() < due:
        time.sleep(_POLL_SECONDS)
        settled = max(settled, _settled(url))
    return settled


def _settled(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - the agent's
            return round(sum(float(number) for number in _SETTLED.findall(answer.read().decode())))
    except OSError:  # it does not listen yet
        return 0


def _told(number: int, done: Cost) -> Cost:
    say(f"  run {number + 1}: {done.logs}, {done.outputs} outputs: {done.per_million:.2f} CPU-s per million lines, "
        f"{done.rss_bytes >> 20} MiB, {done.settled:,} settled")  # fmt: skip
    return done


def _row(runs: Sequence[Cost], one_output: float) -> list[str]:
    costs = [one.per_million for one in runs]
    return [
        runs[0].logs,
        str(runs[0].outputs),
        f"{median(costs):.2f}",
        f"{min(costs):.2f} to {max(costs):.2f}",
        f"{median(costs) / one_output:.2f}",
        f"{max(one.rss_bytes for one in runs) / (1 << 20):.0f}",
        "complete" if all(one.is_complete for one in runs) else "FAILED",
    ]
