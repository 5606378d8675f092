"""The stage that monitoring is judged on: a dockerd with twenty containers, an agent, a Prometheus with our rules."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.dashboards.scaled import scaled
from tests.engines.dockerd import Dockerd
from tests.engines.process import free_ports
from tests.engines.prometheus import Prometheus
from tests.integration.agent import AgentProcess, running
from tests.integration.host_of_twenty import HostOfTwenty

RULES = sorted((Path(__file__).parents[2] / "dashboards" / "prometheus").glob("*.yml"))
POLL_SECONDS = 15.0
_SPOOL_BYTES = 32 << 20
_LOG_BYTES = 1e9  # above which the rules call a log large


class Pace(NamedTuple):
    """How fast it all goes: rules are divided by `factor`, the look takes `seconds`, a scrape is due `every`."""

    factor: float
    seconds: float
    every: float


class Stage(NamedTuple):
    """What runs."""

    dockerd: Dockerd
    host: HostOfTwenty
    agent: AgentProcess
    prometheus: Prometheus
    events: Path
    pace: Pace


@contextmanager
def staged(directory: Path, pace: Pace, *, has_outage: bool = False) -> Iterator[Stage]:
    """All of it running, after the time of a look; with `has_outage` beside an output to which nobody listens."""
    with ExitStack() as stack:
        dockerd = stack.enter_context(closing(Dockerd(network=True, isolated=True, arguments=["--live-restore"])))
        dockerd.start()
        agent = stack.enter_context(running(directory, _configuration(dockerd, directory, has_outage=has_outage)))
        prometheus = Prometheus({"pilotfish": f"{agent.address}/metrics"}, every_seconds=pace.every)
        stack.enter_context(closing(prometheus)).start()  # before the containers: the first restarts come soonest
        host = HostOfTwenty(dockerd, after_seconds=20, log_bytes=1.2 * _LOG_BYTES / pace.factor)
        paced = {
            path.name: scaled(path.read_text(), pace.factor, least_range_seconds=2 * POLL_SECONDS) for path in RULES
        }
        prometheus.load(paced)
        time.sleep(pace.seconds)
        yield Stage(dockerd, host, agent, prometheus, directory / "documents.ndjson", pace)


def _configuration(dockerd: Dockerd, directory: Path, *, has_outage: bool) -> dict[str, Any]:
    output = {
        "type": "ndjson_file",
        "path": str(directory / "documents.ndjson"),
        "linger_seconds": 0.1,
        "max_bytes": 4 << 30,
    }
    (port,) = free_ports(1)
    away = {
        "type": "elasticsearch",
        "hosts": [f"http://127.0.0.1:{port}"],
        "spool": True,
        "spool_bytes": _SPOOL_BYTES,
        "spool_after_seconds": 1,
    }
    return {
        "inputs": {"docker": {"url": dockerd.url, "logs_root": str(dockerd.logs_root)}},
        "metrics": {"disk_usage": True},
        "outputs": {"file": output, **({"elastic": away} if has_outage else {})},
    }
