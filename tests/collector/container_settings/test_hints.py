"""Labels of other collectors say the same as ours, where the operator wants it; what has no equal is told."""

import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.container_settings.options import LabelOptions
from collector.container_settings.policy import Policy
from collector.container_settings.statement import Settings
from collector.reading import Multiline
from tests.collector.container_settings.test_policy import settled

Name = Literal["elastic", "dozzle", "datadog"]


def hinted(name: Name, labels: dict[str, str]) -> Settings:
    return settled(labels, policy=Policy(LabelOptions(dialects=(name,))))


def datadog(**said: object) -> dict[str, str]:
    return {"com.datadoghq.ad.logs": json.dumps([said])}


def test_they_are_read_only_where_the_operator_wants_it() -> None:
    labels = {"co.elastic.logs/enabled": "false"} | datadog(service="web") | {"dev.dozzle.name": "shop"}
    (entry,) = settled(labels).entries
    assert (entry.tags, settled(labels).faults) == ({}, ())


def test_elastics_hints_exclude_a_container_and_read_json() -> None:
    assert str(hinted("elastic", {"co.elastic.logs/enabled": "false"}).excluded_by) == "label co.elastic.logs/enabled"
    labels = {"co.elastic.logs/enabled": "true", "co.elastic.logs/json.keys_under_root": "true"}
    (entry,) = hinted("elastic", labels).entries
    assert entry.reading.format == "json"


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ({"pattern": "^ "}, Multiline(more="^ ")),
        ({"pattern": "^ ", "negate": "false", "match": "after"}, Multiline(more="^ ")),
        ({"pattern": "^a", "negate": "true", "match": "after", "type": "pattern"}, Multiline(start="^a")),
        ({"pattern": ";$", "negate": "true", "match": "before"}, Multiline(end=";$")),
        (
            {"pattern": "^a", "negate": "true", "match": "after", "flush_pattern": "z$", "max_lines": "9"},
            Multiline(start="^a", end="z$", max_lines=9),
        ),
    ],
)
def test_elastics_patterns_join_the_lines_that_filebeat_joins(said: dict[str, str], found: Multiline) -> None:
    settings = hinted("elastic", {f"co.elastic.logs/multiline.{name}": value for name, value in said.items()})
    assert settings.faults == ()
    assert [entry.reading.multiline for entry in settings.entries] == [found]


def test_datadogs_rule_for_lines_is_the_pattern_of_the_first() -> None:
    rule = {"type": "multi_line", "name": "x", "pattern": r"\d{4}-"}
    (entry,) = hinted("datadog", datadog(log_processing_rules=[rule])).entries
    assert entry.reading.multiline == Multiline(start=r"\d{4}-")


@pytest.mark.parametrize(
    ("value", "pattern"), [("['^ERR', '^WARN']", "(?:^ERR)|(?:^WARN)"), ('["a"]', "(?:a)"), ("'^x'", "^x"), ("y", "y")]
)
def test_elastics_lists_of_lines_are_one_pattern(value: str, pattern: str) -> None:
    labels = {"co.elastic.logs/include_lines": value, "co.elastic.logs/exclude_lines": value}
    (entry,) = hinted("elastic", labels).entries
    assert (entry.reading.include, entry.reading.exclude) == (pattern, pattern)


def test_datadogs_rules_say_which_lines_are_delivered() -> None:
    rules = [{"type": "include_at_match", "pattern": "a"}, {"type": "exclude_at_match", "pattern": "b"}]
    (entry,) = hinted("datadog", datadog(log_processing_rules=rules)).entries
    assert (entry.reading.include, entry.reading.exclude) == ("a", "b")


def test_dozzles_name_and_group_are_fields() -> None:
    (entry,) = hinted("dozzle", {"dev.dozzle.name": "shop", "dev.dozzle.group": "front"}).entries
    assert entry.tags == {"dozzle_name": "shop", "dozzle_group": "front"}


def test_datadogs_source_service_and_tags_are_fields() -> None:
    found = hinted("datadog", datadog(source="nginx", service="web", tags=["env:live", "bare", 7]))
    (entry,) = found.entries
    assert entry.tags == {"source": "nginx", "service": "web", "env": "live"}
    assert found.told() == ["label com.datadoghq.ad.logs: tag 2: it has no value: use name=value"]


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("elastic", {"co.elastic.logs/processors.1.dissect": "x"}),
        ("elastic", {"co.elastic.logs/include_lines": "("}),
        ("elastic", {"co.elastic.logs/multiline.pattern": "x", "co.elastic.logs/multiline.match": "before"}),
        ("elastic", {"co.elastic.logs/multiline.pattern": "(", "co.elastic.logs/multiline.match": "after"}),
        ("dozzle", {"dev.dozzle.color": "red"}),
        ("datadog", datadog(log_processing_rules=[{"type": "mask_sequences"}])),
        ("datadog", {"com.datadoghq.ad.logs": "{"}),
        ("datadog", {"com.datadoghq.ad.logs": "[]"}),
        ("datadog", {"com.datadoghq.ad.logs": "[7]"}),
    ],
)
def test_what_has_no_equal_is_told(name: Name, labels: dict[str, str]) -> None:
    found = hinted(name, labels)
    assert (len(found.faults), len(found.entries)) == (1, 1)


json_values = st.recursive(
    st.none() | st.integers() | st.text(max_size=5),
    lambda one: st.lists(one) | st.dictionaries(st.text(max_size=9), one),
)
hints = st.dictionaries(st.text(max_size=20), st.text(max_size=40) | json_values.map(json.dumps), max_size=5)


@pytest.mark.parametrize("name", ["elastic", "dozzle", "datadog"])
@given(hints)
def test_hostile_ones_never_raise(name: Name, hints: dict[str, str]) -> None:
    begins = {"elastic": "co.elastic.logs/", "dozzle": "dev.dozzle.", "datadog": "com.datadoghq.ad.logs"}[name]
    labels = {f"{begins}{rest}": value for rest, value in hints.items()} | {"aliyun.logs.good": "stdout"}
    found = hinted(name, labels)
    assert found.excluded_by is not None or [entry.name for entry in found.entries] == ["good"]
