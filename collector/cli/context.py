"""`pilotfish context`: the `_id` of a document → the documents around it."""

from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Documents, Shown, StateDir, Template, examples

Id = Annotated[str, typer.Argument(metavar="ID", show_default=False)]
Before = Annotated[int, typer.Option("-B", "--before", min=0, max=1000, help="Number of documents before it.")]
After = Annotated[int, typer.Option("-A", "--after", min=0, max=1000, help="Number of documents after it.")]
Everything = Annotated[bool, typer.Option("--all", help="Documents of all containers, not of its own alone.")]
EXAMPLES = examples(
    "pilotfish search panic --template '{id} {message}'",
    "pilotfish context 4f2c-1764549245-17 -B 20 -A 5",
    "pilotfish context 4f2c-1764549245-17 --all -o json",
)


def context(
    id_: Id,
    before: Before = 10,
    after: After = 10,
    everything: Everything = False,
    output: Documents = Shown.TEXT,
    template: Template = None,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Show the documents around one, oldest first.

    ID is the member _id of a document, which `pilotfish search -o json` shows. The exit code is 2 after an error, and
    if there is no such document.
    """
    from collector.cli.answers import around
    from collector.cli.showing import writer

    write = writer(output, template)
    write(around(id_, before, after, of="all" if everything else "container", state_dir=state_dir, config=config))
    terminal.flush()
