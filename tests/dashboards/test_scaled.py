"""A scaled rules file says the same at another pace, and Prometheus takes it."""

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.dashboards.scaled import scaled

FILES = sorted((Path(__file__).parents[2] / "dashboards" / "prometheus").glob("*.yml"))
RULES = """
groups:
  - name: one
    rules:
      - alert: A
        expr: 'rate(a_total[5m]) > 1000 and predict_linear(b_bytes[30m] offset 1h, 4 * 3600) > 100e6 or c > 5 * 60'
        for: 3m
        annotations: {summary: for 5 minutes}
      - record: x:a:rate5m
        expr: rate(a_total[5m])
"""


def test_times_and_sizes_are_divided_and_nothing_else() -> None:
    alert, record = yaml.safe_load(scaled(RULES, 10))["groups"][0]["rules"]
    assert alert == {
        "alert": "A",
        "expr": "rate(a_total[30000ms]) > 1000 and predict_linear(b_bytes[180000ms] offset 360000ms, 1440.0)"
        " > 10000000.0 or c > 30.0",
        "for": "18000ms",
        "annotations": {"summary": "for 5 minutes"},
    }
    assert record == {"record": "x:a:rate5m", "expr": "rate(a_total[30000ms])"}


def test_a_range_keeps_a_least_length() -> None:
    assert "[20000ms]" in scaled(RULES, 60, least_range_seconds=20)
    assert "[30000ms]" in scaled(RULES, 60, least_range_seconds=20)


@pytest.mark.parametrize("factor", [10, 60])
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_prometheus_takes_the_rules_at_another_pace(path: Path, factor: float, tmp_path: Path) -> None:
    made = tmp_path / path.name
    made.write_text(scaled(path.read_text(), factor, least_range_seconds=30))
    done = subprocess.run(["promtool", "check", "rules", made], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
