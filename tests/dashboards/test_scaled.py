"""Scaled rules say the same in less time, and all that is no time and no size stays."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.rules import ALERTS, RECORDING, alerts, recorded
from tests.dashboards.scaled import scaled

FILES = pytest.mark.parametrize("path", [ALERTS, RECORDING], ids=lambda path: path.stem)
FACTORS = pytest.mark.parametrize("factor", [10, 60])
CASES = {
    "rate(a_total[5m]) > 0.05": "rate(a_total[30000ms]) > 0.05",
    "rate(a_total[15s]) > 0": "rate(a_total[4000ms]) > 0",
    "max_over_time(a[1h30m:5m])": "max_over_time(a[540000ms:30000ms])",
    "max_over_time(a[1h:])": "max_over_time(a[360000ms:])",
    "a:b:rate5m > 10 * avg_over_time(a:b:rate5m[1d] offset 1h)": (
        "a:b:rate5m > 10 * avg_over_time(a:b:rate5m[8640000ms] offset 360000ms)"
    ),
    "a offset -1m": "a offset -6000ms",
    "time() - a_seconds > 5 * 60": "time() - a_seconds > 30",
    "predict_linear(a[30m], 4 * 3600) > b": "predict_linear(a[180000ms], 1440) > b",
    "a_bytes > 1e9 and b_bytes > 2.5e6": "a_bytes > 100000000 and b_bytes > 250000",
    "a > 1000 and b > 0.5 and c == +Inf": "a > 1000 and b > 0.5 and c == +Inf",
    'a{b="[5m] 5 * 60 offset 1h", c=~"1e9"} > 5 * 600': 'a{b="[5m] 5 * 60 offset 1h", c=~"1e9"} > 5 * 600',
}


def rule(**more: Any) -> str:
    return yaml.safe_dump({"groups": [{"name": "all", "rules": [{"alert": "A", **more}]}]})


def first(rules: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(rules)["groups"][0]["rules"][0]
    return found


@pytest.mark.parametrize("expression", CASES)
def test_times_and_sizes_are_divided_and_nothing_else(expression: str) -> None:
    assert first(scaled(rule(expr=expression), 10))["expr"] == CASES[expression]


def test_waiting_is_divided_and_never_vanishes() -> None:
    assert first(scaled(rule(expr="a", **{"for": "1h30m"}), 60))["for"] == "90000ms"
    assert first(scaled(rule(expr="a", **{"for": "5ms"}), 60))["for"] == "1ms"
    assert "for" not in first(scaled(rule(expr="a"), 60))


def test_as_many_scrapes_as_are_asked_for_fit_into_a_range() -> None:
    assert first(scaled(rule(expr="rate(a[5m])"), 60, least_range_seconds=8))["expr"] == "rate(a[8000ms])"
    assert first(scaled(rule(expr="rate(a[5m])"), 60, least_range_seconds=1))["expr"] == "rate(a[5000ms])"


@FILES
def test_names_labels_and_texts_stay(path: Path) -> None:
    before = yaml.safe_load(path.read_text("utf-8"))
    after = yaml.safe_load(scaled(path.read_text("utf-8"), 10))
    for group in before["groups"] + after["groups"]:
        for one in group["rules"]:
            del one["expr"]
            one.pop("for", None)
    assert after == before


@FILES
def test_a_factor_of_one_means_the_same(path: Path) -> None:
    text = scaled(path.read_text("utf-8"), 1)
    assert scaled(text, 1) == text


@FILES
@FACTORS
@pytest.mark.engines
def test_prometheus_takes_scaled_rules(path: Path, factor: float, tmp_path: Path) -> None:
    copy = tmp_path / path.name
    copy.write_text(scaled(path.read_text("utf-8"), factor))
    subprocess.run(["promtool", "check", "rules", copy], check=True, capture_output=True)


@FACTORS
@pytest.mark.engines
def test_a_scaled_alert_fires_so_much_sooner(factor: int, tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(scaled(ALERTS.read_text("utf-8"), factor))
    down = 300 // factor

    def case(seconds: int, fired: int) -> dict[str, Any]:
        expected = [{"exp_labels": {"severity": "warning", "output": "a"}}] * fired
        return {"eval_time": f"{seconds}s", "alertname": "PilotfishOutputDown", "exp_alerts": expected}

    annotations = next(one.annotations for one in alerts() if one.name == "PilotfishOutputDown")
    fires = case(down, 1)
    fires["exp_alerts"][0]["exp_annotations"] = {
        key: text.replace("{{ $labels.output }}", "a").replace("{{ $labels.instance }}", "")
        for key, text in annotations.items()
    }
    test = {
        "interval": "1s",
        "input_series": [{"series": 'pilotfish_output_up{output="a"}', "values": f"0x{down}"}],
        "alert_rule_test": [case(down - 1, 0), fires],
    }
    path = tmp_path / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": ["rules.yml"], "evaluation_interval": "1s", "tests": [test]}))
    done = subprocess.run(["promtool", "test", "rules", path], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_times_and_sizes_in_the_rules_are_written_so_that_they_scale() -> None:
    texts = [*(alert.expression for alert in alerts()), *recorded().values()]
    bare = [re.sub(r'"[^"]*"|\[[^\]]*\]|\d+ \* (?:60|3600)\b|\d+e\d+|offset \w+', "", text) for text in texts]
    numbers = {float(number) for text in bare for number in re.findall(r"(?<![\w.:])\d+(?:\.\d+)?(?!\w)", text)}
    assert {number for number in numbers if number > 10} == {1000}  # documents a second
