"""Outcomes → tests/bench/results.json, and from there the tables of pages in docs/, between their marks.

A table stands between `<!-- bench: SCENARIO -->` and `<!-- end -->`; the text around it is written by hand.
"""

import json
import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.bench.asked import Asked, Outcome

ROOT = Path(__file__).parent.parent.parent
RESULTS = Path(__file__).parent / "results.json"
_TABLE = re.compile(r"(<!-- bench: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def machine(asked: Asked) -> dict[str, Any]:
    """Where and when it was measured, and what."""
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "versions": {each.name.partition(" (")[0]: each.version for each in asked.collectors},
        "runs": asked.runs,
    }


def as_json(outcomes: Mapping[str, Outcome], asked: Asked) -> dict[str, Any]:
    """Everything that was measured, a scenario a key."""
    where = machine(asked)
    return {name: {"machine": where, **outcome._asdict()} for name, outcome in outcomes.items()}


def write(measured: Mapping[str, Any]) -> None:
    """Take over what was measured now, keep the rest, and write the tables anew."""
    results = {**(json.loads(RESULTS.read_text()) if RESULTS.exists() else {}), **measured}
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    for page in pages():
        page.write_text(render(page.read_text("utf-8"), results), "utf-8")


def pages() -> list[Path]:
    """Those that have such a table."""
    return [path for path in sorted((ROOT / "docs").rglob("*.md")) if _TABLE.search(path.read_text("utf-8"))]


def render(page: str, results: Mapping[str, Any]) -> str:
    """The page with each of its tables as the results have it; one that was never measured says so."""
    return _TABLE.sub(lambda match: f"{match[1]}\n{_section(results.get(match[2]))}\n{match[3]}", page)


def _section(result: Mapping[str, Any] | None) -> str:
    if result is None:
        return "Not measured yet.\n"
    where = result["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    told = (
        f"{where['date']}, {where['cores']} cores of {where['cpu']}, Linux {where['kernel']}, "
        f"Python {where['python']}; runs: {where['runs']}; {versions}."
    )
    return "\n".join([markdown(result["head"], result["rows"]), *result["remarks"], told, ""])


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of a page."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def text(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of a terminal: the first column to the left, the others to the right."""
    widths = [max(len(line[column]) for line in [head, *rows]) for column in range(len(head))]
    padded = [
        [
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in [head, *rows]
    ]
    return "\n".join("  ".join(line) for line in padded)
