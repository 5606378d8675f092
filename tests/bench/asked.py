"""What the command was asked for, and what a scenario answers with."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.bench.collectors import Collector


class Asked(NamedTuple):
    """`lines` and `seconds` are None where a scenario has its own; `ours` are Pilotfish's variants."""

    directory: Path
    ours: Sequence[Collector]
    peers: Sequence[Collector] = ()
    runs: int = 3
    lines: int | None = None
    containers: int = 8
    seconds: float | None = None
    many: int = 10_000  # containers, where it is about many
    steps: int = 40  # at most, where a rate grows

    @property
    def collectors(self) -> list[Collector]:
        """All of them but the reference loop."""
        return [*self.ours, *self.peers]


class Outcome(NamedTuple):
    """A table with its remarks, whether every line arrived once in every run, and the figures of each run."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    remarks: Sequence[str]
    complete: bool
    figures: Sequence[dict[str, Any]]


def say(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)
