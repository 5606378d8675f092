"""`pilotfish search`: what the running agent delivered → documents, oldest first."""

from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Format, Output, StateDir, Target, examples

MOST_DOCUMENTS = 10_000
NARROW = "narrow it with --since or --until"
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
Time = Annotated[str | None, typer.Option(metavar="TIME", help="Time: 15m, 2h or 3d ago, or 2026-11-23T04:05:06.")]
EXAMPLES = examples(
    "pilotfish search error --since 1h",
    "pilotfish search 'log.status:500 AND checkout' --target shop -n 100",
    "pilotfish search '\"connection refused\"' --since 2026-11-23 -o json | jq .log",
)


def search(
    query: Annotated[list[str] | None, typer.Argument(metavar="QUERY", hidden=True)] = None,
    target: Target = None,
    since: Time = None,
    until: Time = None,
    output: Format = Output.TEXT,
    number: Number = 20,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Search the documents that the running agent delivered.

    The newest documents come last. The store answers; without one, Elasticsearch.

    QUERY: words, field:value, AND, OR, NOT, "a phrase". Without a query, all documents match.
    """
    import msgspec

    from collector.cli import agent

    class Answer(msgspec.Struct):
        total: int
        documents: list[msgspec.Raw]
        cut: bool = False

    asked = [("q", " ".join(query or [])), ("limit", str(number))]
    asked += [("target", target)] if target else []
    asked += _times(since, until)
    with agent.ask("/api/search", asked, state_dir=state_dir, config=config) as response:
        answer = msgspec.json.decode(response.read(), type=Answer)
    _write([bytes(document) for document in reversed(answer.documents)], output)
    terminal.flush()
    if answer.total != len(answer.documents) or not answer.documents:
        more = "-n shows more" if number < MOST_DOCUMENTS else NARROW
        more = f"an answer has 8 MiB at most, {NARROW}" if answer.cut else more
        terminal.complain(
            f"{len(answer.documents)} of {answer.total} documents; {more}" if answer.total else "nothing found"
        )


def _write(documents: list[bytes], output: Output) -> None:
    from collector.cli import render

    if output is Output.JSON:
        terminal.put(b"".join([document + b"\n" for document in documents]))
        return
    coloured = terminal.coloured()
    for document in documents:
        terminal.write(render.line(document, coloured=coloured))


def _times(since: str | None, until: str | None) -> list[tuple[str, str]]:
    """The times that were given, as the API takes them; without offset they are meant in this machine's zone.

    Raises:
        typer.BadParameter: one is no time, or nothing can lie between them.
    """
    import time

    from collector.text.times import iso, moment

    now = time.time_ns()
    found: dict[str, int] = {}
    for name, text in (("since", since), ("until", until)):
        try:
            found |= {name: moment(text, now=now, zone=None)} if text else {}
        except ValueError as error:
            raise typer.BadParameter(f"--{name}: {error}") from None
    if len(found) == 2 and found["until"] < found["since"]:
        raise typer.BadParameter("--until is before --since")
    return [(name, iso(when)) for name, when in found.items()]
