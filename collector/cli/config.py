"""`pilotfish config show|validate|schema`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, examples

if TYPE_CHECKING:
    from collector.config.models import Configuration

SHOW_EXAMPLES = examples(
    "pilotfish config show --origin -c pilotfish.yml",
)
VALIDATE_EXAMPLES = examples(
    "pilotfish config validate -c pilotfish.yml",
)
SCHEMA_EXAMPLES = examples(
    "pilotfish config schema > pilotfish.schema.json",
    "# yaml-language-server: $schema=pilotfish.schema.json      the first line of pilotfish.yml",
)

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Show or validate the configuration, or print its schema."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=SHOW_EXAMPLES)
def show(
    config: Config = None,
    origin: Annotated[bool, typer.Option("--origin", help="Show where each value comes from.")] = False,
) -> None:
    """Show every value in effect, with secrets masked."""
    from collector.config.show import show as rendered

    terminal.write(rendered(_loaded(config), origin=origin).removesuffix("\n"))


@app.command(epilog=VALIDATE_EXAMPLES)
def validate(config: Config = None) -> None:
    """Validate the configuration, and run its tests.

    The exit code is 0, or 78 with one line per error.
    """
    from collector.app.trial import failures
    from collector.errors import ConfigurationError

    configuration = _loaded(config)
    where = config or "the default configuration"
    failed = list(failures(configuration))
    for line in failed[:-1]:
        terminal.complain(f"{where}: {line}")
    if failed:
        raise ConfigurationError(f"{where}: {failed[-1]}", "correct the rule, or the test")
    count = len(configuration.tests)
    told = f", {count} test{'s' if count > 1 else ''} passed" if count else ""
    terminal.write(f"{where}: valid{told}")


@app.command(epilog=SCHEMA_EXAMPLES)
def schema() -> None:
    """Print the JSON Schema of the file, for editors."""
    import json

    from collector.app.plugins import installed_types
    from collector.config.show import schema as described

    terminal.write(json.dumps(described(installed_types()), indent=2))


def _loaded(config: Path | None) -> "Configuration":
    """Load the configuration, its warnings on stderr."""
    from collector.app.plugins import installed_types
    from collector.config.loading import load

    configuration = load(config, installed_types())
    for warning in configuration.warnings:
        terminal.complain(warning)
    return configuration
