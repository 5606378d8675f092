"""The examples of docs/alerts.md are valid, and find what they say."""

import re
from pathlib import Path

import pytest
import yaml

from collector.alerts.options import AlertOptions
from collector.search.matching import Candidate, matcher
from tests.contract.segments import document, log_stream

PAGE = Path(__file__).parents[3] / "docs" / "alerts.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
EVENTS = log_stream("docker-events")
SHOP = log_stream("shop")
FOUND = {
    "any_error": document({"message": "bad", "level": "error"}, SHOP),
    "slow_requests": document({"message": "GET /", "ms": 3000}, SHOP),
    "unhealthy": document({"event": "health_status", "health": "unhealthy"}, EVENTS, output="events"),
    "out_of_memory": document({"event": "oom", "container": "shop-1"}, EVENTS, output="events"),
    "logins": document({"message": "Failed password for root"}, SHOP),
}
RULES = AlertOptions.model_validate(yaml.safe_load(EXAMPLES[1])["alerts"]).rules


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_valid(example: str) -> None:
    assert AlertOptions.model_validate(yaml.safe_load(example)["alerts"]).rules


@pytest.mark.parametrize("name", FOUND)
def test_a_rule_finds_its_line_and_no_other(name: str) -> None:
    matches = matcher(RULES[name].query)
    assert [other for other, each in FOUND.items() if matches(Candidate(each))] == [name]


def test_a_container_that_recovers_or_dies_is_not_unhealthy_any_more() -> None:
    ends = matcher(RULES["unhealthy"].ends or "")
    for log in ({"event": "health_status", "health": "healthy"}, {"event": "die"}):
        assert ends(Candidate(document(log, EVENTS, output="events")))
    assert not ends(Candidate(FOUND["unhealthy"]))
