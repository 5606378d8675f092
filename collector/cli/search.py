"""`pilotfish search`: the running agent's store → documents, oldest first."""

from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Format, Output, StateDir, Target, examples

Number = Annotated[int, typer.Option("-n", "--number", min=0, max=10_000, help="How many, the newest.")]
Time = Annotated[str | None, typer.Option(metavar="TIME", help="15m, 2h, 3d ago, or 2026-11-23T04:05:06.")]
EXAMPLES = examples(
    "pilotfish search error --since 1h",
    "pilotfish search 'log.status:500 AND checkout' --target shop -n 100",
    "pilotfish search '\"connection refused\"' --since 2026-11-23 -o json | jq .log",
)


def search(
    query: Annotated[str, typer.Argument(help='Words, field:value, AND OR NOT, "a phrase"; none: all.')] = "",
    target: Target = None,
    since: Time = None,
    until: Time = None,
    output: Format = Output.TEXT,
    number: Number = 20,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Find documents in the running agent's store.

    The newest are written last.
    """
    import msgspec

    from collector.cli import agent

    class Answer(msgspec.Struct):
        total: int
        documents: list[msgspec.Raw]

    asked = [("q", query), ("limit", str(number))]
    asked += [("target", target)] if target else []
    asked += [(name, _moment(text, name)) for name, text in (("since", since), ("until", until)) if text]
    with agent.ask("/api/search", asked, state_dir=state_dir, config=config) as response:
        answer = msgspec.json.decode(response.read(), type=Answer)
    _write([bytes(document) for document in reversed(answer.documents)], output)
    if answer.total != len(answer.documents) or not answer.documents:
        terminal.complain(
            f"{len(answer.documents)} of {answer.total} documents; -n shows more" if answer.total else "nothing found"
        )


def _write(documents: list[bytes], output: Output) -> None:
    from collector.cli import render

    if output is Output.JSON:
        terminal.put(b"".join([document + b"\n" for document in documents]))
        return
    coloured = terminal.coloured()
    for document in documents:
        terminal.write(render.line(document, coloured=coloured))


def _moment(text: str, name: str) -> str:
    """A time as the API takes it; without offset it is meant in this machine's zone."""
    import time

    from collector.moments import iso, moment

    try:
        return iso(moment(text, now=time.time_ns(), zone=None))
    except ValueError as error:
        raise typer.BadParameter(f"--{name}: {error}") from None
