"""The engine's own metrics under the agent's address are not taken for the agent's."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.dashboards import grafana
from tests.dashboards.promql import selectors
from tests.dashboards.promtool import untrue

pytestmark = pytest.mark.engines  # promtool

INSTANCE = "127.0.0.1:9880"
OWN = {  # what an expression names → what it says of the agent
    "process_cpu_seconds_total": 1.0,
    "process_resident_memory_bytes": 100.0,
    "process_open_fds": 20.0,
    "process_max_fds": 500.0,
    "up": 1.0,
}


def both(values: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Series of the agent's job and of the engine's, as `/metrics` and `/metrics/docker` of one address have them."""
    given = {}
    for name, pair in values.items():
        for job, numbers in zip(("pilotfish", "docker"), pair, strict=True):
            if numbers:
                given[f'{name}{{job="{job}", instance="{INSTANCE}"}}'] = numbers
    return given


def cases(expected: Mapping[str, float]) -> list[dict[str, Any]]:
    """Every query of a board that names one of these, ten minutes later."""
    found = [(one.expression, selectors(one.expression)) for board in grafana.BOARDS for one in grafana.targets(board)]
    return [
        {
            "expr": expression,
            "eval_time": "10m",
            "exp_samples": [{"labels": f'{{instance="{INSTANCE}"}}', "value": expected[named.pop()]}],
        }
        for expression, series in found
        if (named := {one.series for one in series} & expected.keys())
    ]


def test_panels_tell_of_the_agents_process_alone(tmp_path: Path) -> None:
    given = both(
        {
            "pilotfish_build_info": ("1x60", ""),
            "process_cpu_seconds_total": ("0+15x60", "0+45x60"),
            "process_resident_memory_bytes": ("100x60", "7000x60"),
            "process_open_fds": ("20x60", "70x60"),
            "process_max_fds": ("500x60", "400x60"),
            "up": ("1x60", "0x60"),
        }
    )
    asked = cases(OWN)
    assert len(asked) == len(OWN)
    assert untrue(asked, given, tmp_path) == ""


def test_an_agent_that_is_down_is_shown_as_down(tmp_path: Path) -> None:
    given = both({"pilotfish_build_info": ("1x10 stale", ""), "up": ("1x10 0x50", "1x60")})
    assert untrue(cases({"up": 0.0}), given, tmp_path) == ""
