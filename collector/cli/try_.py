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
    lines = sys.stdin.buffer.read().decode("utf-8", "replace").splitlines()
    if len(lines) > _MOST_LINES:
        raise UsageError(f"there are {len(lines):,} lines", f"give {_MOST_LINES:,} at most, as by `head`")
    found = trial.documents(lines)
    for document in found:
        terminal.write(terminal.visible(document.decode()))
    told = f"{len(lines):,} lines, {len(found):,} documents"
    terminal.complain(f"{told}, {trial.misfits:,} lines do not fit the format" if trial.misfits else told)


def _setting(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        raise typer.BadParameter(f"{text!r} has no value: write {name}=VALUE", param_hint="--set")
    return name.removeprefix("pilotfish."), value
