"""What a document costs the server: CPU of a real Elasticsearch, and bytes on its disk after a force merge.

The agent ships the same logs for each profile of `setup`, and for the mappings that the server makes by itself. The
server's compiler warms up in a first round, which does not count.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from contextlib import aclosing, closing
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from collector.app.plugins import installed_types
from collector.ports import OutputContext, Preparable, Setup
from tests.bench import child, workload
from tests.bench.asked import Asked, Outcome, say
from tests.bench.scenarios.outputs import delivered
from tests.engines import catalogue
from tests.engines.elasticsearch import Elasticsearch
from tests.engines.search_server import HEAP, SearchServer
from tests.integration.agent import running

_DYNAMIC = "default mappings"
WAYS: Mapping[str, str] = {_DYNAMIC: "", **{f"profile {each}": each for each in ("search", "lean", "logsdb")}}
_HEAD = ("mappings", "documents/CPU-s", "least to most", "x default", "bytes a document", "x default", "documents")


class Run(NamedTuple):
    """One way, once; `missing` is how many documents are not there."""

    documents: int
    cpu_seconds: float
    disk_bytes: int
    missing: int

    @property
    def per_cpu_second(self) -> float:
        """Documents of a second of the server's CPU."""
        return self.documents / max(self.cpu_seconds, 0.001)


def measure(asked: Asked) -> Outcome:
    """Each in turns, against drift of the machine."""
    lines = asked.lines or 320_000
    tree = workload.write_tree(asked.directory, lines=lines, containers=asked.containers)
    runs: dict[str, list[Run]] = {name: [] for name in WAYS}
    with closing(Elasticsearch(catalogue.ELASTICSEARCH_8, java_options=HEAP)) as server:
        server.start()
        for number in range(asked.runs + 1):
            for name, profile in WAYS.items():
                run = _run(server, tree, lines, profile)
                say(
                    f"  run {number}: {name}: {run.per_cpu_second:,.0f} documents/CPU-s, {run.disk_bytes / lines:.0f} B"
                )
                runs[name] += [run] if number else []
    plain = runs[_DYNAMIC]
    return Outcome(
        _HEAD,
        [_row(name, found, plain) for name, found in runs.items()],
        [f"{lines:,} documents of {asked.containers} containers; Elasticsearch {server.version}."],
        not any(run.missing for found in runs.values() for run in found),
        [{"name": name, **run._asdict()} for name, found in runs.items() for run in found],
    )


def _run(server: SearchServer, tree: Path, lines: int, profile: str) -> Run:
    server.request("DELETE", "/*")
    server.request("DELETE", "/_index_template/pilotfish*")
    server.request("DELETE", "/_component_template/pilotfish*")
    output = {"type": "elasticsearch", "hosts": [server.url], "template": "off"}
    with tempfile.TemporaryDirectory(prefix="pilotfish-bench-") as scratch:
        if profile:
            asyncio.run(_set_up(output, profile, Path(scratch)))
        before = child.usage(server.process.pid).cpu_seconds
        inputs = {"directory": {"path": str(tree)}}
        with running(Path(scratch), {"inputs": inputs, "outputs": {"bench": output}}) as agent:
            delivered(agent, lines)
        server.request("POST", "/*/_refresh")
        used = child.usage(server.process.pid).cpu_seconds - before
    server.request("POST", "/*/_forcemerge?max_num_segments=1", timeout_seconds=600)
    server.request("POST", "/*/_flush")
    told = server.get("/_stats/store,docs").json()["_all"]["primaries"]
    return Run(lines, used, told["store"]["size_in_bytes"], lines - told["docs"]["count"])


async def _set_up(output: Mapping[str, Any], profile: str, directory: Path) -> None:
    settings = installed_types().outputs[output["type"]].model_validate(output)
    assert isinstance(settings, Preparable)
    wanted = Setup(targets=("*",), profile=profile)
    async with aclosing(settings.set_up(OutputContext("bench", directory), wanted, say)) as steps:  # type: ignore[type-var]
        failed = [step async for step in steps if step.outcome == "failed"]
    assert not failed, failed


def _row(name: str, runs: list[Run], plain: list[Run]) -> list[str]:
    rates, size = [run.per_cpu_second for run in runs], runs[0].disk_bytes / runs[0].documents
    missing = max(run.missing for run in runs)
    return [
        name,
        f"{median(rates):,.0f}",
        f"{min(rates):,.0f} to {max(rates):,.0f}",
        f"{median(rates) / median(run.per_cpu_second for run in plain):.2f}",
        f"{size:.0f}",
        f"{size * plain[0].documents / plain[0].disk_bytes:.2f}",
        f"FAILED: {missing:,} missing" if missing else "complete",
    ]
