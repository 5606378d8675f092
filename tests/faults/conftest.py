"""The matrix: which scenarios run with which seeds, a rig for each run, and the table of what came of them."""

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.faults.outcome import Outcome
from tests.faults.rig import Rig
from tests.faults.table import lines_of
from tests.needs import marks

_OUTCOME = "outcome of a scenario"  # among the properties of a report, since runs side by side share nothing else


def pytest_configure(config: pytest.Config) -> None:
    """Know the mark: `short` seeds run in the short set (0: it is not in it), `seeds` in the matrix."""
    config.addinivalue_line("markers", "scenario(number, what, short=0, seeds=1, nodes=1): one of the fault matrix")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test per seed."""
    mark = metafunc.definition.get_closest_marker("scenario")
    if mark is None:
        return
    chosen = metafunc.config.getoption("--seed")
    count = mark.kwargs.get("seeds", 1) if _is_matrix(metafunc.config) else mark.kwargs.get("short", 0)
    seeds = [chosen] if chosen is not None else list(range(1, count + 1))
    metafunc.parametrize("seed", seeds, ids=lambda seed: f"seed-{seed}")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A scenario without seeds is not of the short set; `--faults` runs nothing but scenarios."""
    chosen = [item for item in items if _is_wanted(item, config)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def _is_wanted(item: pytest.Item, config: pytest.Config) -> bool:
    mark = item.get_closest_marker("scenario")
    if mark is None:
        return not _is_matrix(config)
    return hasattr(item, "callspec") and isinstance(item.callspec.params.get("seed"), int)


def _is_matrix(config: pytest.Config) -> bool:
    return bool(config.getoption("--faults"))


@pytest.fixture
@marks("slow")
def rig(request: pytest.FixtureRequest, tmp_path: Path, seed: int) -> Iterator[Rig]:
    """The scenario's machinery; what it came to is a row of the table, whatever it was."""
    mark = request.node.get_closest_marker("scenario")
    number, what = mark.args
    outcome = Outcome(number, what, seed)
    started = time.monotonic()
    full = bool(request.config.getoption("--full"))
    try:
        with Rig(tmp_path, outcome, seed=seed, full=full, nodes=mark.kwargs.get("nodes", 1)) as built:
            yield built
        outcome.seconds = time.monotonic() - started
    finally:
        request.node.user_properties.append((_OUTCOME, msgspec.to_builtins(outcome)))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table, and write the runs as JSON where `--report` says."""
    reports = [one for some in terminalreporter.stats.values() for one in some if isinstance(one, pytest.TestReport)]
    found = [value for report in reports for name, value in report.user_properties if name == _OUTCOME]
    outcomes = msgspec.convert(found, list[Outcome])
    if not outcomes:
        return
    terminalreporter.section("fault matrix")
    for line in lines_of(outcomes):
        terminalreporter.write_line(line)
    if report := config.getoption("--report"):
        Path(report).write_bytes(msgspec.json.format(msgspec.json.encode(outcomes)) + b"\n")
