"""A sample is the same at each read, and keeps what belongs together."""

import pytest

from collector.filters.sampling import is_kept, sample
from collector.reading import Sample


@pytest.mark.parametrize(
    ("text", "found"),
    [("1/10", Sample(10)), (" 1 / 2 ", Sample(2)), ("1/1000000", Sample(1_000_000)), ("1/5 by a.b", Sample(5, "a.b"))],
)
def test_samples_are_read(text: str, found: Sample) -> None:
    assert sample(text) == found


@pytest.mark.parametrize(
    "text", ["", "10", "1/1", "1/0", "2/10", "1/2000000", "1/10 by", "1/10  by a", "1/10 trace_id", "0.1", "1/٣"]
)
def test_what_is_no_sample_is_refused_with_a_remedy(text: str) -> None:
    with pytest.raises(ValueError, match="use 1/N with N from 2 to 1,000,000"):
        sample(text)


@pytest.mark.parametrize("one_of", [2, 10, 100])
def test_about_one_of_so_many_is_kept(one_of: int) -> None:
    kept = sum(is_kept(Sample(one_of), None, f"prefix-{number}") for number in range(20_000))
    assert 0.75 < kept * one_of / 20_000 < 1.25


def test_lines_with_the_same_value_are_kept_together_whatever_their_ids() -> None:
    wanted = Sample(3, "trace")
    for trace in range(50):
        assert len({is_kept(wanted, trace, f"a-{number}") for number in range(20)}) == 1
    assert len({is_kept(wanted, {"id": trace}, "a") for trace in range(50)}) == 2


def test_lines_without_the_member_are_chosen_by_their_ids() -> None:
    assert len({is_kept(Sample(3, "trace"), None, f"a-{number}") for number in range(50)}) == 2
