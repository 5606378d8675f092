"""`pilotfish output list|test`: the outputs of the configuration, and whether one takes a document."""

from pathlib import Path
from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, examples
from collector.errors import UsageError

LIST_EXAMPLES = examples("pilotfish output list -c pilotfish.yml")
TEST_EXAMPLES = examples(
    "pilotfish output test elastic -c pilotfish.yml",
    "pilotfish output test elastic && systemctl start pilotfish",
)

app = typer.Typer(rich_markup_mode=None)


def names(incomplete: str) -> list[str]:
    """The outputs that the default configuration has, for completion; none where it cannot be read."""
    from collector.app.plugins import installed_types
    from collector.config.loading import load
    from collector.errors import PilotfishError

    try:
        given = terminal.environ().get("PILOTFISH_CONFIG")
        configuration = load(Path(given) if given else None, installed_types())
    except (PilotfishError, OSError):
        return []
    return [name for name in configuration.outputs if name.startswith(incomplete)]


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """List the outputs, or test one with a document."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(name="list", epilog=LIST_EXAMPLES)
def listed(config: Config = None) -> None:
    """List the outputs of the configuration: name, type, and what each promises."""
    from collector.app.plugins import installed_types
    from collector.config.loading import load

    outputs = load(config, installed_types()).outputs
    wide, wider = (max(map(len, cells)) for cells in (outputs, (one.type for one in outputs.values())))
    for name, settings in outputs.items():
        promise = settings.promise()
        line = f"{name:<{wide}}  {settings.type:<{wider}}  {promise.words}: {promise.text}"
        terminal.write(terminal.visible(line))


@app.command(name="test", epilog=TEST_EXAMPLES)
def sent(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, autocompletion=names)],
    config: Config = None,
) -> None:
    """Send one marked document through an output, and read it back where the destination can be asked.

    NAME is an output of the configuration. The document has the target pilotfish-test, and its text names this host and
    the time. You see each step, and for one that fails the cause and the fix: a missing privilege, a wrong host, a
    setting. The exit code is 1 if a step fails. The document stays in the destination. An output that allows one
    writer cannot be tested while the agent runs.
    """
    import asyncio

    raise typer.Exit(asyncio.run(_test(name, config)))


async def _test(name: str, config: Path | None) -> int:
    from collector.app.plugins import installed_types
    from collector.app.trying_output import try_output
    from collector.config.loading import load
    from collector.transform.stamps import Stamps

    configuration = load(config, installed_types())
    if (settings := configuration.outputs.get(name)) is None:
        raise UsageError(f"there is no output {name!r}", f"use one of {', '.join(configuration.outputs)}")
    failed = False
    stamps = Stamps(configuration.timezone)
    async for step in try_output(name, settings, configuration.state_dir, host=configuration.host, stamps=stamps):
        terminal.write(terminal.visible(f"{step.verdict:<4}  {step.subject}: {step.text}"))
        if step.fix:
            terminal.write(terminal.visible(f"      fix: {step.fix}"))
        terminal.flush()
        failed |= step.verdict == "fail"
    return 1 if failed else 0
