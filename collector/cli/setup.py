"""`pilotfish setup ...`: what is around the agent, one module for each kind of server."""

import typer

from collector.cli import setup_boards, setup_elasticsearch

app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Install templates and dashboards in other servers.

    Your own changes to them are kept.
    """
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


app.command(epilog=setup_elasticsearch.ELASTICSEARCH_EXAMPLES)(setup_elasticsearch.elasticsearch)
app.command(epilog=setup_boards.KIBANA_EXAMPLES)(setup_boards.kibana)
app.command(name="opensearch-dashboards", epilog=setup_boards.OPENSEARCH_EXAMPLES)(setup_boards.opensearch_dashboards)
app.command(epilog=setup_boards.GRAFANA_EXAMPLES)(setup_boards.grafana)
app.command(epilog=setup_elasticsearch.EXPORT_EXAMPLES)(setup_elasticsearch.export)
