"""What the embedded store costs: the agent's CPU and memory for a backlog, bytes on disk, and how long searches take.

Starting the agent is in its CPU time. The searches come when it has stopped: this process opens the store and asks each
three times, of which the fastest counts.
"""

import asyncio
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from collector.ports import OutputContext, Query, Searchable
from shippers.store import Settings
from tests.bench import workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.scenarios.outputs import delivered
from tests.integration.agent import AgentProcess

QUERIES: Mapping[str, Query] = {
    "the newest": Query(limit=100),
    "a word": Query(text="payment"),
    "two words": Query(text="cache miss"),
    "a phrase": Query(text='"payment accepted"'),
    "a beginning": Query(text="pay*"),
    "a level": Query(text="level:error"),
    "a range": Query(text="Cost:>1900"),
    "a histogram": Query(limit=0, buckets=168),
    "a histogram of a level": Query(text="level:error", limit=0, buckets=168),
    "two facets": Query(limit=0, facets=("level", "container")),
}
_UNBOUNDED = {"retention_days": 36_500, "max_bytes": 1 << 40}
_TRIES = 3
_HEAD = ("what", "median", "least to most", "documents")


class Run(NamedTuple):
    """A store, filled and searched once; `found` is how many documents it has in the end."""

    documents: int
    cpu_seconds: float
    disk_bytes: int
    peak_rss_bytes: int
    found: int
    milliseconds: dict[str, float]
    totals: dict[str, int]


def measure(asked: Asked) -> Outcome:
    """Fill it and search it, several times."""
    lines = asked.lines or 1_000_000
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers)
    runs = []
    for number in range(asked.runs):
        run = _run(tree, lines)
        runs.append(run)
        say(f"  run {number + 1}: {lines / run.cpu_seconds:,.0f} documents/CPU-s, {run.disk_bytes / lines:.1f} B")
    return Outcome(
        _HEAD,
        [*_costs(runs), *(_answer(name, runs) for name in QUERIES)],
        [f"{lines:,} lines, {workload.size_of(tree) >> 20:,} MiB, {asked.containers} containers."],
        all(run.found == lines for run in runs),
        [run._asdict() for run in runs],
    )


def _run(tree: Path, lines: int) -> Run:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch:
        outputs = {"bench": {"type": "store", **_UNBOUNDED}}
        agent = AgentProcess(Path(scratch), {"inputs": {"directory": {"path": str(tree)}}, "outputs": outputs})
        try:
            agent.start()
            used = delivered(agent, lines)
            agent.stop()
        finally:
            agent.kill()
        directory = agent.state / "outputs" / "bench"
        size = sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        found, milliseconds, totals = asyncio.run(_searched(directory))
    return Run(lines, used.cpu_seconds, size, used.peak_rss_bytes, found, milliseconds, totals)


async def _searched(directory: Path) -> tuple[int, dict[str, float], dict[str, int]]:
    """How many documents there are, and for each query its time and its documents."""
    store = Settings.model_validate({"type": "store", **_UNBOUNDED}).open(OutputContext("bench", directory))
    milliseconds: dict[str, float] = {}
    totals: dict[str, int] = {}
    try:
        found = (await store.search(Query(limit=0))).total
        for name, query in QUERIES.items():
            milliseconds[name], totals[name] = await _asked(store, query)
    finally:
        await store.aclose()
    return found, milliseconds, totals


async def _asked(store: Searchable, query: Query) -> tuple[float, int]:
    best, total = float("inf"), 0
    for _ in range(_TRIES):
        begun = time.perf_counter()
        total = (await store.search(query)).total
        best = min(best, (time.perf_counter() - begun) * 1e3)
    return best, total


def _costs(runs: list[Run]) -> list[list[str]]:
    missing = max(abs(run.documents - run.found) for run in runs)
    verdict = f"FAILED: {missing:,} too few or too many" if missing else f"{runs[0].found:,}"
    return [
        _row("documents a CPU-second", [run.documents / max(run.cpu_seconds, 0.001) for run in runs], "", verdict),
        _row("bytes a document", [run.disk_bytes / run.documents for run in runs], "", verdict),
        _row("peak RSS", [run.peak_rss_bytes / (1 << 20) for run in runs], " MiB", verdict),
    ]


def _answer(name: str, runs: list[Run]) -> list[str]:
    return _row(name, [run.milliseconds[name] for run in runs], " ms", f"{runs[0].totals[name]:,}")


def _row(name: str, figures: list[float], unit: str, documents: str) -> list[str]:
    least, most = min(figures), max(figures)
    return [name, f"{median(figures):,.0f}{unit}", f"{least:,.0f} to {most:,.0f}{unit}", documents]
