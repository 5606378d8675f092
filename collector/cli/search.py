"""`pilotfish search`: what the running agent delivered → documents, oldest first, or a table of numbers."""

from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.completion import targets
from collector.cli.options import (
    Config,
    Container,
    Documents,
    Query,
    Shown,
    StateDir,
    Template,
    Time,
    examples,
    times,
)
from collector.cli.picking import Exclude, Include, OfStream, Picked, WorstLevels

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_DOCUMENTS = 10_000
NARROW = "narrow it with --since or --until"
NOTHING_FOUND = 1
"""The exit code without a hit, as that of grep."""

Number = Annotated[
    int,
    typer.Option(
        "-n",
        "--number",
        min=0,
        max=MOST_DOCUMENTS,
        metavar="NUMBER",
        help="Maximum number of documents, the newest; at most 8 MiB.",
    ),
]
Target = Annotated[
    str | None,
    typer.Option("--target", metavar="NAME", help="Only documents of this @target.", autocompletion=targets),
]
Around = Annotated[
    int,
    typer.Option(
        "--context",
        min=0,
        max=100,
        metavar="NUMBER",
        help="Documents of the same container to show before and after each.",
    ),
]
Kql = Annotated[bool, typer.Option("--kql", help="Print the query as Kibana takes it, and search nothing.")]
EXAMPLES = examples(
    "pilotfish search error --since 1h",
    "pilotfish search --level warn --container 'web-*' -e /healthz --since 15m",
    "pilotfish search 'log.status:500 AND checkout' --target shop -n 100",
    "pilotfish search 'path:/cart | percentiles duration_ms' --since 1d",
    "pilotfish search --level error --template '{time} {container} {message}'",
    "pilotfish search '\"connection refused\"' --since 2026-11-23 -o json | jq .log",
)


def search(
    query: Query = None,
    target: Target = None,
    since: Time = None,
    until: Time = None,
    include: Include = None,
    exclude: Exclude = None,
    level: WorstLevels = None,
    stream: OfStream = None,
    container: Container = None,
    output: Documents = Shown.TEXT,
    template: Template = None,
    number: Number = 20,
    around: Around = 0,
    kql: Kql = False,
    state_dir: StateDir = None,
    config: Config = None,
) -> int:
    """Search the documents that the running agent delivered.

    The newest come last. Exit code: 0 something is found, 1 nothing is found, 2 error.

    QUERY: words, field:value, AND, OR, NOT, "a phrase"; none: all documents. It may end with | count by FIELD,
    | top 10 FIELD, | percentiles FIELD or | histogram by FIELD.
    """
    from collector.cli import answers
    from collector.cli.showing import write_groups, write_table, writer

    words = Picked(include, exclude, level, stream, container).query(query)
    if kql:
        return _print_kql(words)
    asked = [("q", words), ("limit", str(number)), *([("target", target)] if target else []), *times(since, until)]
    answer = answers.found(asked, state_dir=state_dir, config=config)
    documents = [bytes(document) for document in reversed(answer.documents)]
    groups = answers.with_context(documents, around, state_dir=state_dir, config=config)
    write_groups(groups, writer(output, template), output)
    if answer.table is not None:
        write_table(answer.table.columns, answer.table.rows, output)
    terminal.flush()
    return _tell(answer.total, documents, is_cut=answer.cut, number=number, is_table=answer.table is not None)


def _tell(total: int, documents: "Sequence[object]", *, is_cut: bool, number: int, is_table: bool) -> int:
    """Say what is not shown; gives the exit code."""
    if not total:
        terminal.complain("nothing found")
    elif not is_table and total != len(documents):
        more = "-n shows more" if number < MOST_DOCUMENTS else NARROW
        more = f"an answer has 8 MiB at most, {NARROW}" if is_cut else more
        terminal.complain(f"{len(documents)} of {total} documents; {more}")
    return 0 if total else NOTHING_FOUND


def _print_kql(words: str) -> int:
    from collector.search import kql, pipes

    terminal.write(kql.of(pipes.parsed(words)[0]))
    terminal.flush()
    return 0
