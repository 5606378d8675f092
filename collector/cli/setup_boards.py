"""`pilotfish setup kibana|opensearch-dashboards|grafana`: dashboards into the servers that show them.

A password, key or token that is no file's comes from PILOTFISH_SETUP_PASSWORD, _API_KEY or _TOKEN.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Wait, examples, location
from collector.cli.steps import show

if TYPE_CHECKING:
    from collector.boards.access import Secret

KIBANA_URL = "http://127.0.0.1:5601"
GRAFANA_URL = "http://127.0.0.1:3000"
KIBANA_EXAMPLES = examples(
    "pilotfish setup kibana --wait 120",
    "pilotfish setup kibana --url https://kibana:5601 --ca-file ca.pem --username elastic --password-file secret",
    "pilotfish setup kibana --space operations --dry-run",
)
OPENSEARCH_EXAMPLES = examples(
    "pilotfish setup opensearch-dashboards --username admin --password-file secret",
)
GRAFANA_EXAMPLES = examples(
    "pilotfish setup grafana --username admin --password-file secret",
    "pilotfish setup grafana --token-file token --prometheus-url http://prometheus:9090",
)


Url = Annotated[str, typer.Option("--url", metavar="URL", envvar="PILOTFISH_SETUP_URL", help="URL of the server.")]
Username = Annotated[
    str, typer.Option("--username", metavar="USER", envvar="PILOTFISH_SETUP_USERNAME", help="User name for the server.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file",
        metavar="FILE",
        parser=location,
        envvar="PILOTFISH_SETUP_PASSWORD_FILE",
        help="File with the password.",
    ),
]
ApiKeyFile = Annotated[
    Path | None,
    typer.Option(
        "--api-key-file",
        metavar="FILE",
        parser=location,
        envvar="PILOTFISH_SETUP_API_KEY_FILE",
        help="File with an API key, instead of user name and password.",
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        parser=location,
        envvar="PILOTFISH_SETUP_TOKEN_FILE",
        help="File with a token, instead of user name and password.",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option("--ca-file", metavar="FILE", parser=location, help="CA certificate (PEM) used to verify the server."),
]
Space = Annotated[str, typer.Option("--space", metavar="ID", help="Kibana space. Default: the default space.")]
Tenant = Annotated[str, typer.Option("--tenant", metavar="NAME", help="Tenant. Default: the tenant of the user.")]
Folder = Annotated[str, typer.Option("--folder", metavar="TITLE", help='Folder for the dashboards; "" for none.')]
Prometheus = Annotated[
    str,
    typer.Option(
        "--prometheus-url",
        metavar="URL",
        help="URL of Prometheus as Grafana reaches it, used if Grafana has no such data source.",
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing objects, even changed ones.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Read from the server; change nothing.")]


def kibana(
    url: Url = KIBANA_URL,
    username: Username = "",
    password_file: PasswordFile = None,
    api_key_file: ApiKeyFile = None,
    ca_file: CaFile = None,
    space: Space = "",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    wait: Wait = 0,
) -> None:
    """Import the dashboard "Docker logs" into Kibana.

    Existing objects are kept. The exit code is 1 if something fails.
    """
    from collector.boards import kibana as boards
    from collector.boards.access import access

    reached = access(
        url,
        username=username,
        password=_secret("password", password_file),
        key=_secret("api-key", api_key_file),
        scheme="ApiKey",
        ca_file=ca_file,
    )
    wanted = boards.Wanted(space=space, overwrite=overwrite, dry_run=dry_run, wait_seconds=wait)
    show(boards.set_up(boards.KIBANA, reached, wanted, terminal.complain), dry_run=dry_run)


def opensearch_dashboards(
    url: Url = KIBANA_URL,
    username: Username = "",
    password_file: PasswordFile = None,
    ca_file: CaFile = None,
    tenant: Tenant = "",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    wait: Wait = 0,
) -> None:
    """Import the dashboard into OpenSearch Dashboards.

    It is the dashboard "Docker logs". Existing objects are kept. The exit code is 1 if something fails.
    """
    from collector.boards import kibana as boards
    from collector.boards.access import access

    reached = access(url, username=username, password=_secret("password", password_file), ca_file=ca_file)
    wanted = boards.Wanted(tenant=tenant, overwrite=overwrite, dry_run=dry_run, wait_seconds=wait)
    show(boards.set_up(boards.OPENSEARCH, reached, wanted, terminal.complain), dry_run=dry_run)


def grafana(
    url: Url = GRAFANA_URL,
    username: Username = "",
    password_file: PasswordFile = None,
    token_file: TokenFile = None,
    ca_file: CaFile = None,
    prometheus_url: Prometheus = "http://prometheus:9090",
    folder: Folder = "Pilotfish",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    wait: Wait = 0,
) -> None:
    """Import the dashboards into Grafana.

    A missing folder or data source is created. Dashboards that somebody has changed are kept; those of an older release
    are updated. The exit code is 1 if something fails.
    """
    from collector.boards import grafana as boards
    from collector.boards.access import access

    reached = access(
        url,
        username=username,
        password=_secret("password", password_file),
        key=_secret("token", token_file),
        scheme="Bearer",
        ca_file=ca_file,
        usual=GRAFANA_URL,
    )
    wanted = boards.Wanted(prometheus_url, folder, overwrite=overwrite, dry_run=dry_run, wait_seconds=wait)
    show(boards.set_up(reached, wanted, terminal.complain), dry_run=dry_run)


def _secret(name: str, file: Path | None) -> "Secret":
    """The secret of `--NAME-file`, else that of the environment."""
    from collector.boards.access import Secret

    variable = f"PILOTFISH_SETUP_{name.upper().replace('-', '_')}"
    value = terminal.environ().get(variable, "")
    return Secret(variable, value=value) if value and file is None else Secret(f"--{name}-file", file)
