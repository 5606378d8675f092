"""Laws of the reader of answers: it finds the end of a value in whatever pieces it comes, and never reads beyond."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shippers.forward.message_pack import first_value
from tests.examples import examples

plain = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=40)
    | st.binary(max_size=40)
)
values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=20) | st.dictionaries(st.text(max_size=40), inner, max_size=20),
    max_leaves=12,
)


def depth(value: object) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


def in_bytes(value: Any) -> Any:
    """The same with bytes for texts."""
    if isinstance(value, dict):
        return {in_bytes(key): in_bytes(each) for key, each in value.items()}
    if isinstance(value, list):
        return [in_bytes(each) for each in value]
    return value.encode() if isinstance(value, str) else value


@given(values.filter(lambda value: depth(value) <= 16), st.binary(max_size=20))
@examples(2)
def test_the_first_value_is_read_whatever_stands_behind_it(value: object, behind: bytes) -> None:
    packed = msgspec.msgpack.encode(value)
    assert first_value(packed + behind) == (in_bytes(value), len(packed))


@given(values.filter(lambda value: depth(value) <= 16), st.data())
@examples(2)
def test_a_value_without_its_end_is_waited_for(value: object, data: st.DataObject) -> None:
    packed = msgspec.msgpack.encode(value)
    assert first_value(packed[: data.draw(st.integers(0, len(packed) - 1))]) is None


@given(st.binary(max_size=60))
@examples(2)
def test_any_bytes_are_a_value_or_the_beginning_of_one_or_refused(garbage: bytes) -> None:
    try:
        found = first_value(garbage)
    except ValueError:
        return
    assert found is None or 0 < found[1] <= len(garbage)


@pytest.mark.parametrize("size", [1, 2, 4, 8, 16, 5, 300, 70_000])
def test_an_ext_value_is_its_bytes(size: int) -> None:
    packed = msgspec.msgpack.encode(msgspec.msgpack.Ext(5, b"x" * size))
    assert first_value(packed) == (b"x" * size, len(packed))


@pytest.mark.parametrize("refused", [b"\xc1", b"\x91" * 17 + b"\xc0", b"\x81\x90\xc0"])
def test_what_no_server_says_is_refused(refused: bytes) -> None:
    with pytest.raises(ValueError, match=r"MessagePack|deep|key"):
        first_value(refused)
