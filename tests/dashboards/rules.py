"""The files below dashboards/prometheus → alerts, recorded series with their labels, and cases of the unit tests."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.dashboards.promql import LABELS, remaining, selectors

DASHBOARDS = Path(__file__).parents[2] / "dashboards"
ALERTS = DASHBOARDS / "prometheus" / "alerts.yml"
RECORDING = DASHBOARDS / "prometheus" / "recording.yml"
UNIT_TESTS = sorted((DASHBOARDS / "prometheus" / "tests").glob("*.yml"))


class Alert(NamedTuple):
    """One rule; several may share a name and then differ in their labels."""

    name: str
    expression: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def title(self) -> str:
        """What tells it from the others."""
        return "-".join([self.name, *self.labels.values()])


class Case(NamedTuple):
    """What a unit test expects of one alert's name at one time; `given` are the series that there are."""

    name: str
    given: frozenset[str]
    expected: tuple[Mapping[str, Any], ...]


@cache
def alerts() -> list[Alert]:
    """Every alert."""
    return [
        Alert(rule["alert"], rule["expr"], rule.get("labels", {}), rule.get("annotations", {}))
        for rule in _rules(ALERTS)
    ]


@cache
def recorded() -> dict[str, str]:
    """Every series that is recorded, with its expression."""
    return {rule["record"]: rule["expr"] for rule in _rules(RECORDING)}


@cache
def recorded_labels() -> dict[str, frozenset[str]]:
    """Every series that is recorded, with its labels: those of its series without what its expression leaves away."""
    return {name: remaining(expression, LABELS) for name, expression in recorded().items()}


@cache
def read(expression: str) -> frozenset[str]:
    """The exported series on which an expression depends, through what is recorded too."""
    known = recorded()
    names = {one.series for one in selectors(expression)}
    return frozenset().union(*(read(known[name]) if name in known else {name} for name in names))


@cache
def cases() -> tuple[Case, ...]:
    """All cases of all unit tests."""
    return tuple(
        Case(
            case["alertname"],
            frozenset(one["series"].partition("{")[0] for one in test["input_series"]),
            tuple(case["exp_alerts"]),
        )
        for path in UNIT_TESTS
        for test in yaml.safe_load(path.read_text("utf-8"))["tests"]
        for case in test["alert_rule_test"]
    )


def _rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text("utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]
