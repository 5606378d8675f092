"""`pilotfish setup ...`: what a destination needs before the first document."""

import typer

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Prepare what is around the agent: templates, lifecycle, dashboards."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
