"""A swarm's service that goes on ending is one alert, whichever nodes take turns and however its tasks end."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.dashboards.promtool import untrue
from tests.dashboards.rules import ALERTS, RECORDING

pytestmark = pytest.mark.engines  # promtool

HOUR = 60  # minutes, one a sample
KEPT = 5  # containers of a slot that a swarm leaves
LOOP, ONCE = "ServiceCrashLooping", "ServiceTaskFailed"


def service(every: int, nodes: Sequence[str], *, slots: int = 1, kind: str = "error") -> dict[str, str]:
    """Series of an hour in which each slot has a new task `every` so many minutes, on one node after the other.

    Every other task is seen before it ends, so that its end is a step.
    """
    tasks = range((HOUR - 1) // every)
    return dict(
        one
        for slot in range(slots)
        for task in tasks
        for one in _task(slot, task, every, nodes[task % len(nodes)], kind, is_seen_alive=task % 2 == 0)
    )


def _task(slot: int, task: int, every: int, node: str, kind: str, *, is_seen_alive: bool) -> Iterator[tuple[str, str]]:
    made = 1 + task * every
    name = f"web.{slot}.task{task}"
    own = f'instance="{node}:9880", name="{name}"'
    what = {
        f'docker_container_info{{{own}, id="{name}", stack="shop", service="web", task="{name}"}}': 1,
        f"docker_container_created_timestamp_seconds{{{own}}}": made * 60,
        f"docker_container_finished_timestamp_seconds{{{own}}}": made * 60 + 1,
        f"docker_container_last_exit_code{{{own}}}": 1,
        f"docker_container_start_failed{{{own}}}": 0,
    }
    yield from ((series, f"_x{made - 1} {number}x{KEPT * every} stale") for series, number in what.items())
    yield (
        f'docker_container_exits_total{{{own}, kind="{kind}"}}',
        f"_x{made - 1} {1 - is_seen_alive} 1x{KEPT * every - 1} stale",
    )


@pytest.mark.parametrize(
    ("given", "alert"),
    [
        (service(3, ["a", "b", "c"]), LOOP),
        (service(2, ["a", "b"], slots=4), LOOP),
        (service(2, ["a"], kind="ok"), LOOP),
        (service(2, ["a"], kind="signal"), LOOP),
        (service(1, ["a"], kind="oom"), LOOP),
        (service(5, ["a", "b"]), ONCE),
    ],
    ids=["nodes take turns", "each slot", "well", "killed as unhealthy", "without memory", "each five minutes"],
)
def test_a_service_that_goes_on_ending_is_one_alert(given: dict[str, str], alert: str, tmp_path: Path) -> None:
    """What an hour of one alive agent beside it has, and nothing else."""
    expected = {
        "expr": 'count by (alertname, service) (ALERTS{alertstate="firing"})',
        "eval_time": "45m",
        "exp_samples": [{"labels": f'{{alertname="{alert}", service="web"}}', "value": 1}],
    }
    agent = {'pilotfish_build_info{instance="a:9880"}': f"1x{HOUR}"}
    assert untrue([expected], given | agent, tmp_path, interval="1m", rules=(ALERTS, RECORDING)) == ""
