"""A member has the type that is said, in every line, or is not there."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.formats.parts.members import Members
from collector.formats.parts.types import Types

TYPES = Types("i=integer,f=float,b=boolean")


def given_(value: str, name: str) -> Members | None:
    return TYPES.give({name: value}, "whole")


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("i", "12", 12), ("i", "-12", -12), ("i", "+007", 7), ("i", "9" * 18, int("9" * 18)),
        ("f", "12", 12.0), ("f", ".5", 0.5), ("f", "5.", 5.0), ("f", "-1E-3", -0.001),
        ("f", "9" * 300, float("9" * 300)),
        ("b", "true", True), ("b", "FALSE", False), ("other", "12", "12"),
    ],
)  # fmt: skip
def test_a_value_of_its_type_becomes_it(name: str, value: str, found: object) -> None:
    members = given_(value, name)
    assert members == {name: found}
    assert type(members[name]) is type(found)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("i", "n/a"), ("i", "1.5"), ("i", "9" * 19), ("i", "1_000"), ("i", "١٢"), ("i", "0x10"), ("i", " 1"),
        ("f", "nan"), ("f", "inf"), ("f", "1e999"), ("f", "9" * 300 + "e99"), ("f", "1,5"), ("f", "."), ("f", ""),
        ("b", "yes"), ("b", "1"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_left_out_and_the_text_is_kept(name: str, value: str) -> None:
    assert given_(value, name) == {"message": "whole"}


def test_a_dash_is_no_value() -> None:
    assert TYPES.give({"i": "-", "f": "-", "b": "-", "x": "-"}, "whole") == {"x": "-"}


@given(st.text(), st.sampled_from("ifb"))
def test_a_member_never_has_another_type(value: str, name: str) -> None:
    found = given_(value, name)
    assert found is not None
    assert type(found.get(name, {"i": 1, "f": 1.0, "b": True}[name])) is {"i": int, "f": float, "b": bool}[name]
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize("said", ["i", "i=", "=integer", "i=long", "i:integer", "a=b=c"])
def test_what_is_no_type_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="use name=type with one of integer, float, boolean"):
        Types(said)


def test_a_name_may_hold_what_separates_it_from_its_type() -> None:
    assert Types("a=b=integer").give({"a=b": "1"}, "") == {"a=b": 1}


def test_there_are_only_so_many() -> None:
    with pytest.raises(ValueError, match="101 members: 100 are allowed"):
        Types(",".join(f"m{number}=integer" for number in range(101)))
