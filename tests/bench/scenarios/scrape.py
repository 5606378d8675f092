"""What it costs to watch containers: the agent's and the daemon's share of a core, and how long a scrape takes.

On a real dockerd with 20 and 200 containers, and on a simulated one with 1,000, whose stats take a second each.
"""

import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

from tests.bench.asked import Asked, Outcome, say
from tests.bench.child import started, usage
from tests.engines.dockerd import Dockerd
from tests.integration.agent import AgentProcess, running, wait_until

_REAL = (20, 200)
_SIMULATED = 1000
_SECONDS = 60.0
_EVERY_SECONDS = 5.0
_SCRAPES = 200
_PAUSE_SECONDS = 0.1  # between those that are timed one by one
_HEAD = (
    "containers",
    "agent, % of a core",
    "dockerd, % of a core",
    "without agent",
    "scrape p50 ms",
    "p99 ms",
    "series",
    "MB",
    "agent RSS MiB",
)


class Watched(NamedTuple):
    """Shares of a core over the time with a scrape each 5 s; `daemon_alone` before the agent was started."""

    containers: str
    agent: float
    daemon: float
    daemon_alone: float
    p50_seconds: float
    p99_seconds: float
    series: int
    body_bytes: int
    rss_bytes: int


def measure(asked: Asked) -> Outcome:
    """A real daemon with few and with many containers, then a simulated one."""
    seconds = asked.seconds or _SECONDS
    real = sorted({min(count, asked.many) for count in _REAL})
    found = [_real(count, seconds) for count in real] + [_simulated(min(_SIMULATED, asked.many), seconds)]
    return Outcome(
        _HEAD,
        [_row(each) for each in found],
        [
            f"{seconds:.0f} s with a scrape every {_EVERY_SECONDS:.0f} s; then up to {_SCRAPES} scrapes, one each "
            f"{_PAUSE_SECONDS} s, timed from the request to the last byte of the answer."
        ],
        True,
        [each._asdict() for each in found],
    )


def _real(count: int, seconds: float) -> Watched:
    with closing(Dockerd()) as dockerd:
        dockerd.start()

        def run(number: int) -> None:
            check = {"test": ["CMD", "true"], "interval": 30_000_000_000} if number % 5 == 0 else None
            dockerd.run("sleep", "100000", name=f"service-{number}", healthcheck=check)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(run, range(count)))
        time.sleep(min(_EVERY_SECONDS, seconds))
        alone = _share(dockerd.process.pid, seconds / 2)
        inputs = {"docker": {"url": dockerd.url, "logs_root": str(dockerd.logs_root)}}
        with _agent(inputs, count) as agent:
            return _watch(str(count), agent, dockerd.process.pid, alone, seconds)


def _simulated(count: int, seconds: float) -> Watched:
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        path = Path(folder, "docker.sock")
        words = [sys.executable, "-m", "tests.bench.simulated_engine", str(path), str(count)]
        with started(words, Path(folder, "engine.log")) as engine:
            wait_until(path.exists, "the engine listens")
            alone = _share(engine.pid, 1.0)
            inputs = {"docker": {"url": f"unix://{path}", "logs_root": folder}}
            with _agent(inputs, count) as agent:
                return _watch(f"{count:,}, simulated", agent, engine.pid, alone, seconds)


@contextmanager
def _agent(inputs: dict[str, Any], count: int) -> Iterator[AgentProcess]:
    """One that has seen what each container uses."""
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as folder:
        configuration = {"inputs": inputs, "outputs": {"none": {"type": "null"}}, "metrics": {"max_containers": 1000}}
        with running(Path(folder), configuration) as agent:
            series = b"\ncontainer_memory_usage_bytes{"
            wait_until(lambda: agent.get("/metrics").count(series) == count, "all are looked at", seconds=120)
            yield agent


def _watch(name: str, agent: AgentProcess, daemon: int, alone: float, seconds: float) -> Watched:
    before, begun = (usage(agent.pid), usage(daemon)), time.monotonic()
    while time.monotonic() - begun < seconds:
        _scrape(agent)
        time.sleep(min(_EVERY_SECONDS, seconds))
    took = time.monotonic() - begun
    after = usage(agent.pid), usage(daemon)
    ours, theirs = ((late.cpu_seconds - early.cpu_seconds) / took for early, late in zip(before, after, strict=True))
    timed = []
    for _ in range(min(_SCRAPES, round(seconds / _PAUSE_SECONDS))):
        time.sleep(_PAUSE_SECONDS)
        timed.append(_scrape(agent)[0])
    _, body = _scrape(agent)
    hundredths = quantiles(timed, n=100)
    found = Watched(
        containers=name,
        agent=ours,
        daemon=theirs,
        daemon_alone=alone,
        p50_seconds=hundredths[49],
        p99_seconds=hundredths[98],
        series=sum(1 for line in body.splitlines() if not line.startswith(b"#")),
        body_bytes=len(body),
        rss_bytes=after[0].rss_bytes,
    )
    say(f"  {name}: agent {found.agent:.2%}, dockerd {found.daemon:.2%}, scrape p99 {found.p99_seconds * 1e3:.1f} ms")
    return found


def _scrape(agent: AgentProcess) -> tuple[float, bytes]:
    begun = time.perf_counter()
    with urllib.request.urlopen(f"http://{agent.address}/metrics", timeout=30) as answer:
        body = answer.read()
    return time.perf_counter() - begun, body


def _share(pid: int, seconds: float) -> float:
    before = usage(pid).cpu_seconds
    time.sleep(seconds)
    return (usage(pid).cpu_seconds - before) / seconds


def _row(one: Watched) -> list[str]:
    return [
        one.containers,
        f"{one.agent:.2%}",
        f"{one.daemon:.2%}",
        f"{one.daemon_alone:.2%}",
        f"{one.p50_seconds * 1e3:.1f}",
        f"{one.p99_seconds * 1e3:.1f}",
        f"{one.series:,}",
        f"{one.body_bytes / 1e6:.1f}",
        f"{one.rss_bytes / (1 << 20):.0f}",
    ]
