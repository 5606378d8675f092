"""Two hosts of one `instance` behind one ruler, told apart by an external label alone, hide nothing from each other.

Each unit test of the rules is the one host, the next of its file the other: what the first expects has to come, and
nothing else under its label, whatever happens at its neighbour.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.dashboards.promtool import promtool
from tests.dashboards.rules import UNIT_TESTS

OF_ALL_HOSTS = {"PilotfishDown"}  # that no agent is there is of no host


def of_host(test: dict[str, Any], host: str) -> list[dict[str, str]]:
    """What it is given, as a Prometheus with that external label sends it."""
    return [one | {"series": labelled(one["series"], host)} for one in test["input_series"]]


def labelled(series: str, host: str) -> str:
    name, _, labels = series.partition("{")
    return f'{name}{{host="{host}",{labels or "}"}'


def expected(test: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Its cases, as the alerts that fire under the label of the first host."""
    for case in test["alert_rule_test"]:
        name = case["alertname"]
        if name in OF_ALL_HOSTS:
            continue
        own = {"__name__": "ALERTS", "alertname": name, "alertstate": "firing", "host": "one"}
        alerts = [own | one["exp_labels"] for one in case["exp_alerts"]]
        yield {
            "expr": f'ALERTS{{alertname="{name}", alertstate="firing", host="one"}}',
            "eval_time": case["eval_time"],
            "exp_samples": [{"labels": selector(labels), "value": 1} for labels in alerts],
        }


def selector(labels: dict[str, str]) -> str:
    name = labels.pop("__name__")
    return f"{name}{{{','.join(f'{key}={chr(34)}{value}{chr(34)}' for key, value in labels.items())}}}"


def beside(tests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each test with the next one as its neighbour, or with itself where that has another pace."""
    pairs = [
        (one, other if one["interval"] == other["interval"] else one)
        for one, other in zip(tests, [*tests[1:], tests[0]], strict=True)
    ]
    return [
        {
            "name": f"{one['name']}, beside another host",
            "interval": one["interval"],
            "input_series": [*of_host(one, "one"), *of_host(other, "other")],
            "promql_expr_test": list(expected(one)),
        }
        for one, other in pairs
    ]


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
@pytest.mark.engines
def test_what_happens_on_a_host_is_told_whatever_happens_on_another_of_its_instance(path: Path, tmp_path: Path) -> None:
    found = yaml.load(path.read_text("utf-8"), yaml.BaseLoader)  # noqa: S506 - it makes texts alone; 0x30 is no number
    found["rule_files"] = [str((path.parent / one).resolve()) for one in found["rule_files"]]
    found["tests"] = beside(found["tests"])
    assert sum(len(test["promql_expr_test"]) for test in found["tests"]) > 3
    written = tmp_path / "two.yml"
    written.write_text(yaml.safe_dump(found))
    assert promtool("test", "rules", written) == ""


def test_every_kind_of_rule_is_among_them() -> None:
    """With its silence and its alarm; test_prometheus.py holds that each alert has both."""
    assert {path.stem for path in UNIT_TESTS} >= {"agent", "containers", "delivery", "docker", "loops", "reading"}
