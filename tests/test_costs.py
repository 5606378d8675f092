"""The table of what tests cost."""

from pathlib import Path
from typing import Any, Literal

import pytest

from tests import costs


def report(test: str, when: Literal["setup", "call", "teardown"], seconds: float, outcome: Any = "passed") -> Any:
    return pytest.TestReport(test, ("", None, ""), {}, outcome, None, when, duration=seconds)


def test_a_test_costs_all_its_phases_whatever_came_of_it_and_runs_add_up(tmp_path: Path) -> None:
    file = tmp_path / "costs"
    costs.add(
        file,
        {
            "": [report("a", "setup", 1.0), report("a", "teardown", 0.25), report("b", "setup", 0.5)],
            "passed": [report("a", "call", 2.0)],
            "failed": [report("b", "call", 4.0, "failed")],
            "warnings": ["not a report"],
            "deselected": [object()],
        },
    )
    costs.add(file, {"error": [report("c", "setup", 8.0, "failed")]})
    assert sorted(file.read_text().splitlines()) == ["3.25\ta", "4.50\tb", "8.00\tc"]


def test_a_run_without_tests_adds_nothing(tmp_path: Path) -> None:
    costs.add(tmp_path / "costs", {})
    assert (tmp_path / "costs").read_text() == ""
