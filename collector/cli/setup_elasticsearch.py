"""`pilotfish setup elasticsearch|export`."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Wait, examples, location, span
from collector.cli.steps import show

ELASTICSEARCH = "elasticsearch"
ELASTICSEARCH_EXAMPLES = examples(
    "pilotfish setup elasticsearch -c pilotfish.yml --dry-run       show the requests",
    "pilotfish setup elasticsearch -c pilotfish.yml",
    "pilotfish setup elasticsearch -c pilotfish.yml --retention 30d --target 'shop-*' --target till",
    "pilotfish setup elasticsearch -c pilotfish.yml --data-stream   with index: logs-{target}-default",
    "pilotfish setup elasticsearch -c pilotfish.yml --profile search",
)
EXPORT_EXAMPLES = examples(
    "pilotfish setup export elastic --server opensearch --retention 30d --target '*'",
    "curl -X PUT -H 'content-type: application/json' \\",
    "  --data-binary @elastic/_component_template/pilotfish@mappings.json \\",
    "  http://elasticsearch:9200/_component_template/pilotfish@mappings",
)


class Server(StrEnum):
    """The kinds of server that files are written for."""

    ELASTICSEARCH_8 = "elasticsearch-8"
    ELASTICSEARCH_7 = "elasticsearch-7"
    ELASTICSEARCH_6 = "elasticsearch-6"
    OPENSEARCH = "opensearch"


Output = Annotated[
    str | None,
    typer.Option("--output", metavar="NAME", help="Output in the configuration. Default: all outputs of this type."),
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="Only for this target; * matches any text. Repeat the option for more: each setup replaces the list.",
    ),
]
Retention = Annotated[
    timedelta | None,
    typer.Option(
        "--retention",
        metavar="DURATION",
        parser=span,
        help="Delete documents older than this, such as 30d, from indices created later. Default: keep them.",
    ),
]
DataStream = Annotated[bool, typer.Option("--data-stream", help="Use data streams instead of daily indices.")]
Profile = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="What the cluster indexes: lean, search (also counts whole values of each member, at twice the disk) or "
        "logsdb (smallest; Elasticsearch 8.17 or later). Default: `profile` of the output.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the requests; change nothing.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Also replace objects that somebody has changed.")]


def elasticsearch(
    config: Config = None,
    output: Output = None,
    target: Targets = None,
    retention: Retention = None,
    data_stream: DataStream = False,
    profile: Profile = "",
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    wait: Wait = 0,
) -> None:
    """Install index templates and a lifecycle policy.

    The server may be Elasticsearch or OpenSearch.

    Objects that are up to date, or that somebody has changed, are kept. The exit code is 1 if something fails.
    """
    from collector.app import setup as objects
    from collector.app.plugins import installed_types
    from collector.config.loading import load
    from collector.ports import Setup

    setup = Setup(
        targets=tuple(target or ()),
        retention=retention,
        data_stream=data_stream,
        profile=profile,
        overwrite=overwrite,
        dry_run=dry_run,
        wait_seconds=wait,
    )
    configuration = load(config, installed_types())
    steps = objects.set_up(configuration, setup, terminal.complain, kind=ELASTICSEARCH, output=output)
    show(steps, dry_run=dry_run)


def export(
    directory: Annotated[
        Path, typer.Argument(metavar="DIRECTORY", parser=location, help="Directory to write to; created if missing.")
    ],
    server: Annotated[
        Server,
        typer.Option(
            "--server", help="Server to write for. Version 8 means 8.14 or later, and 9; use 7 for 8.0 to 8.13."
        ),
    ] = Server.ELASTICSEARCH_8,
    config: Config = None,
    output: Output = None,
    target: Targets = None,
    retention: Retention = None,
    data_stream: DataStream = False,
    profile: Profile = "",
) -> None:
    """Write templates, dashboards and rules to files.

    No server is needed: the files are the requests of `setup elasticsearch`. The path of a file is the path of its
    request, and the content is the body. The command lists the files in the order in which to send them. The directory
    `dashboards` has the files for Prometheus, Grafana and Kibana. Existing files are overwritten.
    """
    from collector.app import setup as objects
    from collector.app.plugins import installed_types
    from collector.boards import files
    from collector.config.loading import load
    from collector.ports import Setup

    types = installed_types()
    settings = objects.exportable(load(config, types), types.outputs, kind=ELASTICSEARCH, output=output)
    setup = Setup(targets=tuple(target or ()), retention=retention, data_stream=data_stream, profile=profile)
    for file, path in objects.export(directory, settings, setup, server=server.value):
        terminal.write(terminal.visible(f"{file.request} < {path}"))
    for path in files.export(directory / "dashboards"):
        terminal.write(terminal.visible(str(path)))
