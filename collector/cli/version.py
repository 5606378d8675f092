"""`pilotfish version` and the long way to `pilotfish healthcheck`."""

import platform

import typer

from collector.cli import healthcheck as health
from collector.cli import terminal
from collector.cli.options import Config, examples

EXAMPLES = examples(
    "pilotfish healthcheck",
    'HEALTHCHECK CMD ["pilotfish", "healthcheck"]        in a Dockerfile',
)


def version() -> None:
    """Show the version."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    try:
        mine = installed("pilotfish")
    except PackageNotFoundError:
        mine = "(not installed)"
    terminal.write(f"pilotfish {mine}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")


def healthcheck(config: Config = None) -> None:
    """Check whether the agent on this machine is alive.

    The exit code is 0 or 1.

    An unavailable output does not make the agent unhealthy; /readyz reports it.
    """
    raise typer.Exit(health.check(config))
