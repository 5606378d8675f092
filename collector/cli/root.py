"""The commands and their help; each imports what it needs when it runs."""

import typer

from collector.cli import (
    alert,
    check,
    config,
    context,
    dead_letters,
    demo,
    explain,
    export,
    histogram,
    output,
    run,
    search,
    setup,
    size,
    tail,
    token,
    try_,
    version,
)
from collector.cli.options import examples

app = typer.Typer(
    name="pilotfish",
    # plain help: rich's takes as long to load as all the rest
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "pilotfish demo                       try it without Docker",
        "pilotfish run                        follow the containers of this machine",
        "pilotfish check                      test the setup and show how to fix it",
        "pilotfish tail                       watch the logs live",
        "pilotfish search error --since 1h    search the stored logs",
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
    debug: bool = typer.Option(False, "--debug", envvar="PILOTFISH_DEBUG", help="Show the traceback of an error."),
) -> None:
    """Follow every container's logs, deliver each line exactly once, and export metrics to Prometheus."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(epilog=run.EXAMPLES)(run.run)
app.command(epilog=demo.EXAMPLES)(demo.demo)
app.command(epilog=check.EXAMPLES)(check.check)
app.command(epilog=explain.EXAMPLES)(explain.explain)
app.command("try", epilog=try_.EXAMPLES)(try_.try_)
app.add_typer(config.app, name="config")
app.command(epilog=search.EXAMPLES)(search.search)
app.command(epilog=tail.EXAMPLES)(tail.tail)
app.command(epilog=histogram.EXAMPLES)(histogram.histogram)
app.command(epilog=context.EXAMPLES)(context.context)
app.command(epilog=export.EXAMPLES)(export.export)
app.add_typer(alert.app, name="alert")
app.add_typer(output.app, name="output")
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(token.app, name="token")
app.add_typer(setup.app, name="setup")
app.command(epilog=size.EXAMPLES)(size.size)
app.command(epilog=version.EXAMPLES)(version.healthcheck)
app.command()(version.version)
