from pathlib import Path

import pytest

from collector.ports import Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site("elastic", tmp_path)
