"""A member of a line is found by its path, or not at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.documents.members import NAME, Member


@pytest.mark.parametrize(
    ("log", "key", "value"),
    [
        ('{"a":1}', "a", 1),
        ('{"a":{"b":"x"}}', "a.b", "x"),
        ('{"a.b":"y","a":{"b":"x"}}', "a.b", "y"),
        ('{"a":{"b":{"c":[1]}}}', "a.b.c", [1]),
        ('{"a":null}', "a", None),
        ('{"b":1}', "a", None),
        ('{"a":1}', "a.b", None),
        ('{"message":"\\"a\\":1"}', "a", None),
        ('{"a":', "a", None),
        ("[]", "a", None),
    ],
)
def test_a_member_is_found_by_its_path(log: str, key: str, value: object) -> None:
    assert Member(key).value(log) == value


@given(
    st.from_regex(NAME, fullmatch=True),
    st.recursive(st.integers() | st.text(), lambda one: st.dictionaries(st.text(), one)),
)
def test_no_value_raises(key: str, value: object) -> None:
    Member(key).value(json.dumps({key: value}, ensure_ascii=False))


@pytest.mark.parametrize("key", ["", "\x1f", 'a"b', "a\\b", "x" * 129])
def test_a_name_that_no_member_is_asked_for_by_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="use the name of a member"):
        Member(key)
