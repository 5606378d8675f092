"""`pilotfish setup ...`: what is around the agent, one module for each kind of server."""

import typer

from collector.cli import setup_elasticsearch

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Prepare the servers that Pilotfish works with; what an operator changed there stays."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(epilog=setup_elasticsearch.ELASTICSEARCH_EXAMPLES)(setup_elasticsearch.elasticsearch)
app.command(epilog=setup_elasticsearch.EXPORT_EXAMPLES)(setup_elasticsearch.export)
