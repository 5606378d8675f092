"""`pilotfish dead-letters list|replay`."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from collector.cli import letters, terminal
from collector.cli.options import Config, StateDir, examples

MOST_LETTERS = 10_000
LIST_EXAMPLES = examples(
    "pilotfish dead-letters list",
    "pilotfish dead-letters list --reason mapper_parsing_exception -n 5",
    "pilotfish dead-letters list --target shop -o json | jq .document.log",
)
REPLAY_EXAMPLES = examples(
    "pilotfish dead-letters replay --dry-run",
    "pilotfish dead-letters replay --target shop -n 1      send one, to test whether it is accepted now",
    "pilotfish dead-letters replay -c pilotfish.yml        without a running agent",
)


class Form(StrEnum):
    """How letters and progress are written."""

    TEXT = "text"
    JSON = "json"


Output = Annotated[str, typer.Option("--output", metavar="NAME", help="Only dead letters of this output.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TYPE", help="Only dead letters with this reason.")]
Target = Annotated[str, typer.Option("--target", metavar="NAME", help="Only documents of this @target.")]
Format = Annotated[Form, typer.Option("-o", "--format", help="Output format: text, or json with one object per line.")]
Shown = Annotated[
    int, typer.Option("-n", "--number", min=0, max=MOST_LETTERS, metavar="NUMBER", help="Maximum number to show.")
]
Sent = Annotated[
    int | None,
    typer.Option(
        "-n",
        "--number",
        min=1,
        max=MOST_LETTERS,
        metavar="NUMBER",
        help="Maximum number to send, the oldest first. Default: all.",
    ),
]
Oldest = Annotated[bool, typer.Option("--oldest", help="Show the oldest instead of the newest.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; send nothing.")]

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """List refused documents, or send them again."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(name="list", epilog=LIST_EXAMPLES)
def listed(
    output: Output = "",
    reason: Reason = "",
    target: Target = "",
    number: Shown = 20,
    oldest: Oldest = False,
    form: Format = Form.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """List dead letters with their reasons.

    The newest come last.
    """
    asked = _arguments(output=output, reason=reason, target=target, limit=str(number), order="oldest" if oldest else "")
    head, lines = letters.listed(asked, state_dir=state_dir, config=config)
    if form is Form.JSON:
        terminal.put(b"".join([line + b"\n" for line in lines]))
    else:
        from collector.cli import render

        coloured = terminal.coloured()
        for line in lines:
            terminal.write(render.letter(line, coloured=coloured))
    terminal.flush()
    shown = f"{len(lines)} of {_letters(head['total'])}" if head["total"] else "no dead letters"
    more = "; -n shows more" if len(lines) < head["total"] else ""
    terminal.complain(f"{shown}{more}{_damaged(head)}")


@app.command(epilog=REPLAY_EXAMPLES)
def replay(
    output: Output = "",
    reason: Reason = "",
    target: Target = "",
    number: Sent = None,
    dry_run: DryRun = False,
    form: Format = Form.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Send dead letters again, with the same ids.

    Each document is sent unchanged. If the output refuses it again, it is sent with its log as plain text; if that is
    refused too, it stays a dead letter.
    """
    asked = _arguments(output=output, reason=reason, target=target)
    if dry_run:
        asked += [("limit", "0"), ("replayable", "1")]
        _tell_what_would_be_sent(letters.listed(asked, state_dir=state_dir, config=config)[0], number, form)
        return
    asked += [("limit", str(number))] if number else []
    last: dict[str, letters.Told] = {}

    def tell(told: letters.Told) -> None:
        name = told["output"]
        if form is Form.JSON:
            terminal.write(json.dumps(told))
            terminal.flush()
        elif told != last.get(name):
            waiting = f"; waits: {told['waiting']}" if told["waiting"] else ""
            terminal.complain(f"{name}: {_how_far(told)}{waiting}")
        last[name] = told

    letters.replay(asked, tell, state_dir=state_dir, config=config)
    if not last:
        terminal.complain("no dead letters")
    if form is Form.TEXT:
        for name, told in last.items():
            terminal.write(f"{name}: {_how_far(told)}{_damaged(told)}")


def _how_far(told: letters.Told) -> str:
    return f"{_letters(told['sent'])} sent, {told['delivered']} delivered, {told['refused']} refused again"


def _damaged(told: letters.Told) -> str:
    return f"; damaged lines, left as they are: {told['damaged']}" if told["damaged"] else ""


def _letters(number: int) -> str:
    return "1 dead letter" if number == 1 else f"{number} dead letters"


def _arguments(**given: str) -> list[tuple[str, str]]:
    return [(name, text) for name, text in given.items() if text]


def _tell_what_would_be_sent(head: letters.Told, number: int | None, form: Form) -> None:
    for each in head["reasons"]:
        text = f"{each['output']} {each['target']} {each['reason']}: {each['letters']}"
        terminal.write(json.dumps(each) if form is Form.JSON else terminal.visible(text))
    terminal.flush()
    most = head["total"] if number is None else min(number, head["total"])
    terminal.complain(f"{most} of {_letters(head['total'])} would be sent{_damaged(head)}")
