"""What each test took, setup and teardown with it → lines of a file, for one table over several runs of pytest."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest


def add(file: Path, stats: Mapping[str, Iterable[Any]]) -> None:
    """Append `seconds<TAB>test` for each test, from what pytest's terminal reporter has of a run."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for reports in stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                seconds[report.nodeid] += report.duration
    with file.open("a") as out:
        out.writelines(f"{took:.2f}\t{test}\n" for test, took in seconds.items())
