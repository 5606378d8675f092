"""`script/bench`: Pilotfish from files to acknowledged bulk requests, beside the reference loop, in turns.

Lines per CPU-second count user and system time of the whole process from its start, imports included. A run that did
not deliver every line once is shown as failed.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.workload import write_tree


class Run(NamedTuple):
    """One measured run; `complete` says that every line arrived once."""

    name: str
    cpu_seconds: float
    wall_seconds: float
    peak_rss_bytes: int
    complete: bool


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    root = asked.directory or Path(tempfile.gettempdir()) / "pilotfish-bench"
    tree = root / f"{asked.lines}-{asked.containers}"
    tree.mkdir(parents=True, exist_ok=True)
    _say(f"workload: {asked.lines:,} lines in {asked.containers} containers in {tree}")
    size = write_tree(tree, lines=asked.lines, containers=asked.containers)
    runs: list[Run] = []
    for number in range(asked.runs):
        for name in ("pilotfish gzip", "pilotfish plain", "reference loop"):
            _say(f"run {number + 1} of {asked.runs}: {name}")
            runs.append(_measure(name, tree, asked.lines))
    if asked.json:
        _say(json.dumps([run._asdict() for run in runs]))
    else:
        _print_table(runs, asked.lines, size)
    sys.exit(0 if all(run.complete for run in runs) else 1)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="script/bench", description=__doc__)
    parser.add_argument("--lines", type=int, default=2_000_000)
    parser.add_argument("--containers", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--directory", type=Path, help="where the workload is kept (default: the temporary directory)")
    parser.add_argument("--json", action="store_true", help="every run as JSON instead of the table")
    return parser.parse_args()


def _measure(name: str, tree: Path, lines: int) -> Run:
    if name == "reference loop":
        return _run(name, [sys.executable, "-m", "tests.bench.reference", str(tree)], lambda _: True)
    with tempfile.TemporaryDirectory() as scratch, _endpoint() as endpoint:
        assert endpoint.stdout is not None
        port = int(endpoint.stdout.readline())
        config = Path(scratch, "pilotfish.yml")
        config.write_text(_configuration(tree, Path(scratch), port, compress=name.endswith("gzip")))

        def arrived(process: subprocess.Popen[bytes]) -> bool:
            count = _wait_for(port, lines, process)
            process.send_signal(signal.SIGTERM)
            return count == lines

        try:
            return _run(name, [sys.executable, "-m", "collector", "run", "-c", str(config)], arrived)
        finally:
            endpoint.kill()


def _endpoint() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "tests.bench.endpoint"], stdout=subprocess.PIPE)


def _configuration(tree: Path, scratch: Path, port: int, *, compress: bool) -> str:
    output = {"type": "elasticsearch", "hosts": [f"http://127.0.0.1:{port}"], "compress": compress}
    return json.dumps(
        {
            "state_dir": str(scratch / "state"),
            "inputs": {"directory": {"path": str(tree)}},
            "outputs": {"bench": output},
            "http": {"listen": "127.0.0.1:0"},
        }
    )


def _wait_for(port: int, lines: int, process: subprocess.Popen[bytes]) -> int:
    """Wait until the endpoint has so many documents, or nothing moves for ten seconds; the documents then."""
    count, since = 0, time.monotonic()
    while count < lines and time.monotonic() - since < 10 and process.poll() is None:
        time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/count", timeout=10) as answer:
            now = int(json.load(answer)["documents"])
        if now != count:
            count, since = now, time.monotonic()
    return count


def _run(name: str, command: Sequence[str], until: object) -> Run:
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    complete = until(process) if callable(until) else False
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        name,
        usage.ru_utime + usage.ru_stime,
        time.monotonic() - started,
        usage.ru_maxrss * 1024,
        bool(complete) and process.returncode == 0,
    )


def _print_table(runs: Sequence[Run], lines: int, size: int) -> None:
    names = list(dict.fromkeys(run.name for run in runs))
    reference = median(run.cpu_seconds for run in runs if run.name == "reference loop")
    _say(f"\n{'':16} {'lines/CPU-s':>12} {'x reference':>12} {'MiB/CPU-s':>10} {'wall s':>8} {'peak RSS MiB':>13}")
    for name in names:
        theirs = [run for run in runs if run.name == name]
        cpu = median(run.cpu_seconds for run in theirs)
        wall = median(run.wall_seconds for run in theirs)
        rss = max(run.peak_rss_bytes for run in theirs) / (1 << 20)
        verdict = "" if all(run.complete for run in theirs) else "  FAILED: not every line arrived once"
        _say(
            f"{name:16} {lines / cpu:12,.0f} {reference / cpu:12.2f} {size / cpu / (1 << 20):10.1f}"
            f" {wall:8.1f} {rss:13.1f}{verdict}"
        )


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
