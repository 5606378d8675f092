"""As many files as are allowed."""

import resource
from collections.abc import Iterator

import pytest

from collector.runtime.open_files import raise_open_files


@pytest.fixture
def few_files() -> Iterator[int]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, hard), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_all_open_files_that_are_allowed_are_taken(few_files: int) -> None:
    raise_open_files()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (few_files, few_files)
