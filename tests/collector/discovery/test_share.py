"""Laws of the shares: each container belongs to one worker, the same one always, and they get alike many."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.discovery.share import EVERYTHING, Share


@given(st.text(), st.integers(1, 64))
def test_a_container_belongs_to_one_worker(container_id: str, workers: int) -> None:
    assert sum(Share(number, workers).has(container_id) for number in range(workers)) == 1
    assert EVERYTHING.has(container_id)


def test_a_share_is_the_same_on_every_machine() -> None:
    assert [Share(0, 2).has(f"{number:064x}") for number in range(6)] == [False, False, False, False, True, True]


@pytest.mark.parametrize("workers", [2, 3, 8])
def test_workers_get_alike_many(workers: int) -> None:
    counts = [sum(Share(n, workers).has(f"{one:064x}") for one in range(8000)) for n in range(workers)]
    assert min(counts) > 0.9 * 8000 / workers
