"""Laws of the nouns that flow: ids made when they are asked for are those of their lines, and newlines are counted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from collector.documents.ids import NumberedIds
from collector.model import line_count
from tests.contract.segments import log_stream


@given(st.text(), st.integers(0, 1 << 50), st.integers(0, 9), st.slices(9))
def test_numbered_ids_are_a_sequence_of_prefix_and_number(prefix: str, first: int, count: int, part: slice) -> None:
    ids, plain = NumberedIds(prefix, range(first, first + count)), [f"{prefix}{first + n}" for n in range(count)]
    assert len(ids) == count
    assert list(ids) == plain
    assert [ids[n] for n in range(-count, count)] == plain * 2
    assert list(ids[part]) == plain[part]
    assert [ids.index(name) for name in ids] == list(range(count))
    assert all(name in ids for name in plain)
    assert not any(f"{prefix}{end}" in ids for end in (first + count, f"0{first}", f"{first}.1", "", "²"))
    with pytest.raises(IndexError):
        ids[count]


@given(st.binary() | st.lists(st.just(b"\n") | st.binary()).map(b"".join))
def test_every_newline_is_counted(data: bytes) -> None:
    assert line_count(data) == data.count(b"\n")


def test_a_stream_is_a_value_with_its_fields() -> None:
    one, other = (log_stream(target) for target in ("shop", "shop"))
    assert len({one, other, replace(one, fields={**one.fields, "host": "renamed"})}) == 2
