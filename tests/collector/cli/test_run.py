"""The law of starting: garbage is looked for again once all is imported, in every process and whatever comes next."""

import gc
from pathlib import Path

import pytest

from collector.cli.run import run
from collector.errors import PilotfishError


def test_garbage_is_looked_for_when_all_is_imported(tmp_path: Path) -> None:
    try:
        with pytest.raises(PilotfishError):
            run(config=tmp_path / "missing.yml")
        assert gc.isenabled()
    finally:
        gc.unfreeze()
