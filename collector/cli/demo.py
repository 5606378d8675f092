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
        float, typer.Option("--rate", min=0, metavar="NUMBER", help="Lines per second of all containers together.")
    ] = 20.0,
    duration: Annotated[
        float | None,
        typer.Option(
            "--duration",
            metavar="SECONDS",
            parser=seconds,
            help="Stop after this time, in seconds or as 90s, 5m or 1h.",
        ),
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the store of earlier demos.")] = False,
) -> None:
    """Run the agent on the logs of generated containers.

    The demo needs neither Docker nor Elasticsearch, and runs the same code as `pilotfish run`.
    """
    import uvloop

    from collector.demo import run as generated
    from collector.runtime import signals

    options = generated.Options(environ=terminal.environ(), rate=rate, duration_seconds=duration, keep=keep)
    uvloop.run(signals.to_the_end(generated.run(options)))
