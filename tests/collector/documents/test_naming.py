"""Laws of names by pattern: whatever a target holds, the destination takes the name, and a long one is cut."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.naming import Naming

DAY = "2026-11-23"
TOPICS = Naming("a-zA-Z0-9._-", not_first=".", target_bytes=100, name_bytes=249)  # of Kafka
KEYS = Naming("a-z0-9/_", not_first="/", target_bytes=20, name_bytes=60)
TAGS = Naming("a-z", instead="x")
EACH = pytest.mark.parametrize(
    ("naming", "names"),
    [
        (TOPICS, r"[a-zA-Z0-9_-][a-zA-Z0-9._-]{0,99}"),
        (KEYS, r"[a-z0-9_][a-z0-9_/]{0,19}"),
        (TAGS, r"[a-z]{1,200}"),
    ],
)


@EACH
@given(target=st.text())
def test_every_target_gives_a_name_in_the_alphabet(naming: Naming, names: str, target: str) -> None:
    assert re.fullmatch(names, naming.name("{target}", target, DAY))


@EACH
@given(target=st.text(max_size=300))
def test_a_name_is_its_own_name(naming: Naming, names: str, target: str) -> None:
    name = naming.name("{target}", target, DAY)
    assert naming.name("{target}", name, DAY) == name


@pytest.mark.parametrize(
    ("naming", "pattern", "target", "name"),
    [
        (TOPICS, "logs.{target}", "UserCenter", "logs.UserCenter"),
        (TOPICS, "{target}", "a b", "a_b"),
        (TOPICS, "{target}", "", "unnamed"),
        (KEYS, "logs/{target}/%Y/%m/%d", "Shop", "logs/shop/2026/11/23"),
        (KEYS, "{target}", "//../etc", "__/etc"),
        (TAGS, "{target}", "%Y{target}", "xyxtargetx"),
        (TAGS, "all", "shop", "all"),
    ],
)
def test_the_rule_for_names(naming: Naming, pattern: str, target: str, name: str) -> None:
    assert naming.fault_of(pattern) == ""
    assert naming.name(pattern, target, DAY) == name


@pytest.mark.parametrize(
    ("naming", "pattern", "fault"),
    [
        (TOPICS, "", "may contain {target}, %Y %m %d %j %V %G, a-z, A-Z, 0-9, '.', '_' and '-', and"),
        (TOPICS, "a b", "may contain "),
        (KEYS, "/{target}", "a-z, 0-9, '/' and '_', and must not begin with /"),
        (KEYS, "{app}", "may contain "),
        (KEYS, "{target}%H", "may contain "),
        (KEYS, "%", "may contain "),
        (KEYS, "{target}/{target}/{target}", "gives names over 60 bytes for long targets"),
        (TAGS, "Shop", "may contain "),
    ],
)
def test_a_pattern_that_gives_no_names_is_refused(naming: Naming, pattern: str, fault: str) -> None:
    assert fault in naming.fault_of(pattern)
