"""Outcomes of runs → the table at the end: a row per scenario."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from tests.faults.outcome import Outcome

_HEAD = ("#", "what", "runs", "failed", "lines", "lost", "doubled", "readable lost", "RSS MB", "catch-up s", "run s")


def lines_of(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The head, a row per scenario, and what the runs that did not pass say."""
    rows = [_HEAD, *(_row(list(runs)) for _, runs in groupby(_sorted(outcomes), _kind))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        cells = [
            cell.ljust(width) if at == 1 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells)
    yield "27  API driver (silent hang, disconnects, equal timestamps): waits for the issue that adds the driver"
    for outcome in _sorted(outcomes):
        if outcome.note or not outcome.passed:
            yield f"{outcome.scenario:02} seed {outcome.seed} {'passed' if outcome.passed else 'FAILED'}:{outcome.note}"


def _sorted(outcomes: Sequence[Outcome]) -> list[Outcome]:
    return sorted(outcomes, key=lambda outcome: (*_kind(outcome), outcome.seed))


def _kind(outcome: Outcome) -> tuple[int, str]:
    return outcome.scenario, outcome.what


def _row(runs: Sequence[Outcome]) -> tuple[str, ...]:
    return (
        f"{runs[0].scenario:02}",
        runs[0].what,
        str(len(runs)),
        str(sum(not run.passed for run in runs) or ""),
        f"{sum(run.written for run in runs):,}",
        str(sum(run.lost for run in runs)),
        str(sum(run.duplicates for run in runs)),
        str(sum(run.readable for run in runs)),
        f"{max(run.peak_rss_bytes for run in runs) / 1e6:.0f}",
        f"{max(run.catch_up_seconds for run in runs):.1f}",
        f"{sum(run.seconds for run in runs):.0f}",
    )
