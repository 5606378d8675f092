"""What the process may use of its machine."""

import resource
from collections.abc import Iterator

import pytest

from collector.limits import limit_arenas, raise_open_files


@pytest.fixture
def few_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_all_open_files_that_are_allowed_are_taken(few_files: int) -> None:
    raise_open_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (few_files, few_files)


def test_the_pools_of_memory_can_be_limited_again_and_again() -> None:
    limit_arenas()
    limit_arenas(1)
    limit_arenas()
