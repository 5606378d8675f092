"""The commands and their help; each imports what it needs when it runs."""

import typer

from collector.cli import check, config, dead_letters, demo, run, search, setup, tail, version
from collector.cli.options import examples

app = typer.Typer(
    name="pilotfish",
    # plain help: rich's takes as long to load as all the rest
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "pilotfish demo                       try it, no Docker needed",
        "pilotfish run                        follow this machine's Docker",
        "pilotfish check                      what works here, and the fix for what does not",
        "pilotfish tail                       watch the logs",
        "pilotfish search error --since 1h    find something in them",
        "pilotfish COMMAND --help             more examples",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        version.version()
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    show_version: bool = typer.Option(
        False, "-V", "--version", is_eager=True, callback=_version, help="Show the version."
    ),
    debug: bool = typer.Option(False, "--debug", envvar="PILOTFISH_DEBUG", help="Show where an error came from."),
) -> None:
    """Follow every container's output, ship each line exactly once, show health to Prometheus."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(epilog=run.EXAMPLES)(run.run)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=check.EXAMPLES)(check.check)
app.add_typer(config.app, name="config")
app.command(epilog=search.EXAMPLES)(search.search)
app.command(epilog=tail.EXAMPLES)(tail.tail)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(setup.app, name="setup")
app.command(epilog=version.EXAMPLES)(version.healthcheck)
app.command()(version.version)
