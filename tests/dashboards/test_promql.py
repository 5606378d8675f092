"""What an expression names is found, whatever stands around it."""

from pathlib import Path

import pytest

from tests.dashboards.promql import grouped, selectors, unknown
from tests.dashboards.promtool import refused

CASES = {
    "up == 0": {"up"},
    'docker_container_state{name=~"a}[b", state="running"} == 1': {"docker_container_state"},
    'rate(container_cpu_usage_seconds_total{cpu="total"}[$__rate_interval])': {"container_cpu_usage_seconds_total"},
    "sum by (instance, name) (rate(a_total[5m])) / on (instance) group_left (version) b": {"a_total", "b"},
    "histogram_quantile(0.95, sum by (le) (rate(x_bucket[10m]))) > 1e6": {"x_bucket"},
    "a offset 1d and b unless c or vector(0)": {"a", "b", "c"},
    "predict_linear(a[30m], 4*3600) > bool +Inf": {"a"},
    "a:b:rate5m > 10 * avg_over_time(a:b:rate5m[1d:5m])": {"a:b:rate5m"},
}


@pytest.mark.parametrize("expression", CASES)
def test_series_are_found(expression: str) -> None:
    assert {one.series for one in selectors(expression)} == CASES[expression]


def test_labels_are_found() -> None:
    (found,) = selectors('sum(docker_container_state{name=~"web.*",state!="running"}) by (instance)')
    assert found.labels == {"name", "state"}
    assert grouped('sum(a{x="by (c)"}) by (instance) / on(job, name) group_left(version) b') == {
        "instance",
        "job",
        "name",
        "version",
    }


def test_what_nobody_exports_is_told() -> None:
    assert unknown("docker_upp == 0", {}) == ["docker_upp"]
    assert unknown('docker_up{name="x"} == 0', {}) == ["docker_up{name}"]
    assert unknown("sum by (container) (docker_up)", {}) == ["container"]
    assert unknown("sum by (instance) (docker_up) + mine:up", {"mine:up": frozenset()}) == []


@pytest.mark.engines
def test_promtool_tells_what_is_no_promql(tmp_path: Path) -> None:
    assert refused(["docker_up == 0", "rate(a_total[5m])"], tmp_path) == ""
    assert "parse error" in refused(["sum(docker_up"], tmp_path)
