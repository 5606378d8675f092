"""`pilotfish demo`: the agent over generated containers."""

from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import examples, seconds

EXAMPLES = examples(
    "pilotfish demo",
    "pilotfish demo --rate 1000 --duration 60s",
    "PILOTFISH_HTTP__LISTEN=127.0.0.1:9881 pilotfish demo",
    "In another terminal:",
    "pilotfish tail",
    "pilotfish search 'level:error AND message:timeout'",
)


def demo(
    rate: Annotated[
        float, typer.Option("--rate", min=0, metavar="NUMBER", help="Lines a second, all containers together.")
    ] = 20.0,
    duration: Annotated[
        float | None,
        typer.Option("--duration", metavar="SECONDS", parser=seconds, help="Stop after; or 90s, 5m, 1h."),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep what earlier demos stored.")] = False,
) -> None:
    """Run the agent over generated containers.

    No Docker, no Elasticsearch, the same code path.
    """
    import uvloop

    from collector import demo as generated

    options = generated.Options(environ=terminal.environ(), rate=rate, duration_seconds=duration, keep=keep)
    uvloop.run(generated.run(options))
