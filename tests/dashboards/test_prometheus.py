"""Prometheus takes the rules, every alert fires and stays quiet when it should, and its runbook is there."""

import re
from pathlib import Path

import pytest

from tests.dashboards.promql import unknown
from tests.dashboards.promtool import promtool
from tests.dashboards.rules import (
    ALERTS,
    DASHBOARDS,
    RECORDING,
    UNIT_TESTS,
    Alert,
    alerts,
    cases,
    read,
    recorded,
    recorded_labels,
)

RUNBOOKS = DASHBOARDS.parent / "docs" / "runbooks.md"
HEADING = re.compile(r"^### (.+)$", re.MULTILINE)
EACH_ALERT = pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.title)


@pytest.mark.engines
def test_prometheus_takes_the_rules() -> None:
    assert promtool("check", "rules", ALERTS, RECORDING) == ""


@pytest.mark.parametrize("path", UNIT_TESTS, ids=lambda path: path.stem)
@pytest.mark.engines
def test_rules_do_what_their_unit_tests_say(path: Path) -> None:
    assert promtool("test", "rules", path) == ""


@EACH_ALERT
def test_each_alert_is_seen_to_fire(alert: Alert) -> None:
    labels = [one["exp_labels"] for case in cases() if case.name == alert.name for one in case.expected]
    assert any(alert.labels.items() <= one.items() for one in labels)


@EACH_ALERT
def test_each_alert_is_seen_to_stay_quiet_where_its_series_are(alert: Alert) -> None:
    quiet = [
        case
        for case in cases()
        if case.name == alert.name
        and case.given & read(alert.expression)
        and not any(alert.labels.items() <= one["exp_labels"].items() for one in case.expected)
    ]
    assert quiet


def test_unit_tests_compare_what_people_read() -> None:
    assert [case for case in cases() for one in case.expected if not one.get("exp_annotations")] == []


def test_unit_tests_are_of_alerts_that_exist() -> None:
    assert {case.name for case in cases()} == {alert.name for alert in alerts()}


@EACH_ALERT
def test_each_alert_says_how_bad_it_is_what_it_means_and_what_to_do(alert: Alert) -> None:
    assert alert.labels["severity"] in {"critical", "warning", "info"}
    assert alert.annotations["summary"]
    assert alert.annotations["description"]
    assert alert.annotations["runbook_url"] == f"docs/runbooks.md#{alert.name.lower()}"


def test_each_alert_has_a_runbook_and_no_other_has() -> None:
    assert sorted(HEADING.findall(RUNBOOKS.read_text("utf-8"))) == sorted({alert.name for alert in alerts()})


def test_no_two_rules_make_the_same_alert() -> None:
    titles = [alert.title for alert in alerts()]
    assert sorted(set(titles)) == sorted(titles)


@EACH_ALERT
def test_alerts_name_series_and_labels_that_there_are(alert: Alert) -> None:
    assert unknown(alert.expression, recorded_labels()) == []


@EACH_ALERT
def test_an_alert_makes_way_for_one_that_there_is(alert: Alert) -> None:
    silencing = re.findall(r"ALERTS\{(.*?)\}", alert.expression)
    named = [match[1] for one in silencing if (match := re.search(r'alertname="(\w+)", alertstate="firing"', one))]
    assert len(named) == len(silencing)
    assert set(named) <= {other.name for other in alerts()} - {alert.name}


@pytest.mark.parametrize("name", recorded())
def test_recorded_series_are_made_of_what_is_exported(name: str) -> None:
    assert unknown(recorded()[name], {}) == []


@pytest.mark.parametrize("name", recorded())
def test_the_name_of_a_recorded_series_begins_with_its_labels(name: str) -> None:
    level, _, operation = name.split(":")
    assert set(level.split("_")) == recorded_labels()[name]
    assert operation


@pytest.mark.parametrize("name", recorded())
def test_what_is_recorded_is_used(name: str) -> None:
    files = [path for path in DASHBOARDS.rglob("*.*") if path.is_file() and path != RECORDING]
    assert any(name in path.read_text("utf-8") for path in files if path not in UNIT_TESTS)


@EACH_ALERT
def test_only_the_alert_on_the_agent_itself_knows_a_job(alert: Alert) -> None:
    assert alert.name == "PilotfishDown" or "job=" not in alert.expression
