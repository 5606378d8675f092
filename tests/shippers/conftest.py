from pathlib import Path

import pytest

from collector.ports import OutputContext


@pytest.fixture
def site(tmp_path: Path) -> OutputContext:
    return OutputContext("elastic", tmp_path)
