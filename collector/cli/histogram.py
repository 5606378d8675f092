"""`pilotfish histogram`: what the running agent delivered → how many documents there are over time, as bars."""

from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Container, Format, Output, Query, Shown, StateDir, Time, examples, times
from collector.cli.picking import Exclude, Include, OfStream, Picked, WorstLevels
from collector.cli.search import NOTHING_FOUND, Target

By = Annotated[
    str, typer.Option("--by", metavar="FIELD", help="Field whose most frequent values are counted apart; '' is none.")
]
Buckets = Annotated[int, typer.Option("--buckets", min=1, max=1000, metavar="NUMBER", help="Maximum number of bars.")]
_BAR = 50  # characters of the longest
_SHADES = "█▓▒░▪▫+·"
_COLOURS = {"fatal": "1;31", "error": "31", "warn": "33", "warning": "33", "info": "32", "debug": "2", "trace": "2"}
_OTHERS = ("34", "36", "35", "94", "96", "95")
EXAMPLES = examples(
    "pilotfish histogram --since 1h",
    "pilotfish histogram timeout --since 7d --by container",
    "pilotfish histogram --level error --since 1d --buckets 24 -o json",
)


def histogram(
    query: Query = None,
    target: Target = None,
    since: Time = None,
    until: Time = None,
    include: Include = None,
    exclude: Exclude = None,
    level: WorstLevels = None,
    stream: OfStream = None,
    container: Container = None,
    by: By = "level",
    buckets: Buckets = 24,
    output: Format = Output.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> int:
    """Show how many documents match over time, as bars by level.

    Exit code: 0 something is found, 1 nothing is found, 2 error. QUERY is that of `pilotfish search`.
    """
    import json

    from collector.cli import agent
    from collector.cli.showing import write_table

    words = Picked(include, exclude, level, stream, container).query(query)
    pipe = f"| histogram by {by}" if by else "| histogram"
    asked = [("q", f"{words} {pipe}"), ("buckets", str(buckets)), *([("target", target)] if target else [])]
    with agent.ask("/api/search", [*asked, *times(since, until)], state_dir=state_dir, config=config) as response:
        told = json.loads(response.read())
    columns, rows = told["table"]["columns"], told["table"]["rows"]
    if output is Output.JSON:
        write_table(columns, rows, Shown.JSON)
    for line in bars(columns, rows, coloured=terminal.coloured()) if output is Output.TEXT else ():
        terminal.write(line)
    terminal.flush()
    if not told["total"]:
        terminal.complain("nothing found")
    return 0 if told["total"] else NOTHING_FOUND


def bars(columns: list[str], rows: list[list[str | int]], *, coloured: bool) -> list[str]:
    """A line for each row of `time`, `count` and the counts of values, and one that says which value is which."""
    values = [terminal.visible(value) for value in columns[2:]]
    most = max((int(row[1]) for row in rows), default=0)
    width = len(f"{most}")
    lines = []
    for time, count, *counts in rows:
        parts = [int(each) for each in counts]
        parts.append(max(0, int(count) - sum(parts)))
        lines.append(
            f"{str(time)[:23]}Z {count:>{width}} {_bar(parts, values, int(count), most, coloured=coloured)}".rstrip()
        )
    if values and rows:
        shown = (_painted(_SHADES[at % len(_SHADES)], value, at, coloured=coloured) + f" {value}"
                 for at, value in enumerate(values))  # fmt: skip
        lines.append("  ".join(shown))
    return lines


def _bar(parts: list[int], values: list[str], count: int, most: int, *, coloured: bool) -> str:
    """The parts of a bar, each as long as its share."""
    length = max(1, round(_BAR * count / most)) if count else 0
    found, before, so_far = "", 0, 0
    for at, part in enumerate(parts):
        so_far += part
        end = min(length, round(length * so_far / max(count, 1)))
        is_rest = at == len(values)
        shade = "█" if is_rest and not values else "·" if is_rest else _SHADES[at % len(_SHADES)]
        name = "" if is_rest else values[at]
        found += _painted(shade * (end - before), name, at, coloured=coloured)
        before = end
    return found


def _painted(text: str, value: str, at: int, *, coloured: bool) -> str:
    if not coloured or not text:
        return text
    colour = _COLOURS.get(value.lower()) or (_OTHERS[at % len(_OTHERS)] if value else "2")
    return f"\x1b[{colour}m{text}\x1b[0m"
