"""`pilotfish try`: lines on stdin → the documents that they would become."""

import sys
from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import examples
from collector.errors import UsageError

EXAMPLES = examples(
    "docker logs web 2>&1 | tail | pilotfish try --format nginx",
    "pilotfish try --format regexp --set 'format.pattern=(?P<user>\\w+) .*' < sample.log",
    "echo '{\"a\":1}' | pilotfish try --set tags=team=a",
)
_MOST_LINES = 10_000
_MOST_BYTES = 16 << 20


def try_(
    format: Annotated[str, typer.Option("--format", metavar="NAME", help="Format of the lines.")] = "",  # noqa: A002
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SETTING=VALUE", help="A setting of the container; may be repeated."),
    ] = None,
) -> None:
    """Show which documents lines become, without an agent.

    The lines come from stdin, as their application writes them. SETTING is one of those that a label
    pilotfish.SETTING can have: see docs/containers.md.
    """
    from collector.app.trial import trial_of

    said = dict(_setting(text) for text in settings or [])
    if format:
        said["format"] = format
    trial = trial_of(said)
    if sys.stdin.isatty():
        terminal.complain("reading lines from the terminal; end with Ctrl-D")
    data = sys.stdin.buffer.read(_MOST_BYTES + 1)
    lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n") if data else []
    if len(lines) > _MOST_LINES or len(data) > _MOST_BYTES:
        raise UsageError("there are too many lines", f"give {_MOST_LINES:,} at most, as by `head`")
    found = trial.documents(lines)
    for document in found:
        terminal.write(terminal.visible(document.decode()))
    told = [f"lines: {len(lines):,}, documents: {len(found):,}"]
    counts = trial.counts
    told += [f"left out by {rule}: {count:,}" for rule, count in counts.filtered.items()]
    if counts.misfits:
        told.append(f"lines that do not fit the format: {counts.misfits:,}")
    if counts.refused_times:
        told.append(f"times that are not used, since they cannot be read or are far from now: {counts.refused_times:,}")
    terminal.complain(", ".join(told))


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} has no value: write {name}=VALUE", param_hint="--set")
    return name.removeprefix("pilotfish."), value
