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
    "pilotfish setup elasticsearch -c pilotfish.yml --dry-run       what would be sent",
    "pilotfish setup elasticsearch -c pilotfish.yml",
    "pilotfish setup elasticsearch -c pilotfish.yml --retention 30d --target 'shop-*' --target till",
    "pilotfish setup elasticsearch -c pilotfish.yml --data-stream   with index: logs-{target}-default",
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
    str | None, typer.Option("--output", metavar="NAME", help="The output of the configuration; none: all of its type.")
]
Targets = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="NAME",
        help="Only for these targets, * may stand in it; repeat it for all: a later setup replaces them.",
    ),
]
Retention = Annotated[
    timedelta | None,
    typer.Option(
        "--retention",
        metavar="DURATION",
        parser=span,
        help="Delete what is older, such as 30d, of indices made from now on; none: keep it for ever.",
    ),
]
DataStream = Annotated[bool, typer.Option("--data-stream", help="Data streams instead of an index for each day.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing, show the requests that would be sent.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what somebody changed, too.")]


def elasticsearch(
    config: Config = None,
    output: Output = None,
    target: Targets = None,
    retention: Retention = None,
    data_stream: DataStream = False,
    dry_run: DryRun = False,
    overwrite: Overwrite = False,
    wait: Wait = 0,
) -> None:
    """Install index templates and lifecycle in Elasticsearch or OpenSearch.

    What is there already is left alone, and so is what somebody changed. Exit code 1 if something failed.
    """
    from collector import app as pilotfish
    from collector import preparation
    from collector.config import load
    from collector.ports import Setup

    setup = Setup(
        targets=tuple(target or ()),
        retention=retention,
        data_stream=data_stream,
        overwrite=overwrite,
        dry_run=dry_run,
        wait_seconds=wait,
    )
    configuration = load(config, pilotfish.shipper_types())
    steps = preparation.set_up(configuration, setup, terminal.complain, kind=ELASTICSEARCH, output=output)
    show(steps, dry_run=dry_run)


def export(
    directory: Annotated[Path, typer.Argument(metavar="DIRECTORY", parser=location, help="Made if it is missing.")],
    server: Annotated[
        Server, typer.Option("--server", help="Which server it is for; 8: 8.14 and later and 9, before it take 7.")
    ] = Server.ELASTICSEARCH_8,
    config: Config = None,
    output: Output = None,
    target: Targets = None,
    retention: Retention = None,
    data_stream: DataStream = False,
) -> None:
    """Write what `setup elasticsearch` would send as files, and the dashboards and rules, asking no server.

    A file's path is that of its request, and its content the body; they are listed in the order to be sent in. Beside
    them is `dashboards` with what Prometheus, Grafana and Kibana get. Files that are there are replaced.
    """
    from collector import app as pilotfish
    from collector import preparation
    from collector.boards import files
    from collector.config import load
    from collector.ports import Setup

    types = pilotfish.shipper_types()
    settings = preparation.exportable(load(config, types), types, kind=ELASTICSEARCH, output=output)
    setup = Setup(targets=tuple(target or ()), retention=retention, data_stream=data_stream)
    for file, path in preparation.export(directory, settings, setup, server=server.value):
        terminal.write(terminal.visible(f"{file.request} < {path}"))
    for path in files.export(directory / "dashboards"):
        terminal.write(terminal.visible(str(path)))
