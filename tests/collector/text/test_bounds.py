"""Laws of bounds: nothing that a container is called is larger than so many bytes, and short names stay as they are."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.text.bounds import MOST_BYTES, bounded, is_cut, slim

texts = st.builds(lambda text, times: text * times, st.text(max_size=20), st.sampled_from([1, 10, 100]))


@given(texts)
def test_a_name_keeps_its_beginning_and_is_never_longer_than_the_bound(text: str) -> None:
    found = bounded(text)
    assert len(found.encode()) <= MOST_BYTES
    assert is_cut(text) == (found != text)
    assert text.startswith(found.removesuffix("…")) or not is_cut(text)
    assert bounded(found) == found


@pytest.mark.parametrize("character", ["x", "ä", "日", "🐟", "\x01", '"'])
def test_a_name_at_the_bound_is_whole_and_one_beyond_it_is_cut(character: str) -> None:
    most = MOST_BYTES // len(character.encode())
    assert bounded(character * most) == character * most
    assert bounded(character * (most + 1)).endswith("…")
    assert len(orjson.dumps(bounded(character * 200_000))) <= 6 * MOST_BYTES + 2


def test_half_a_surrogate_pair_is_no_reason_to_fail() -> None:
    assert bounded("half \ud83d") == "half ?"


@given(texts)
def test_a_slim_label_is_cut_where_the_whole_one_would_be(text: str) -> None:
    (value,) = slim({"a": text}).values()
    assert is_cut(value) == is_cut(text)
    assert len(value.encode()) <= 2 * MOST_BYTES
