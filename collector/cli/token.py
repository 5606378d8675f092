"""`pilotfish token create|list|revoke`: tokens for others than the agent's user, in its state directory."""

import json
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, StateDir, examples, span

CREATE_EXAMPLES = examples(
    "pilotfish token create --name grafana",
    "pilotfish token create --filter 'target:shop OR container:web-*' --expires 30d",
    "pilotfish token create --role download --name support",
)
LIST_EXAMPLES = examples("pilotfish token list", "pilotfish token list -o json | jq .id")
REVOKE_EXAMPLES = examples("pilotfish token revoke 6f1c2a3e", "pilotfish token revoke grafana")


class Role(StrEnum):
    """What a token permits."""

    VIEW = "view"
    DOWNLOAD = "download"
    ADMIN = "admin"


class Form(StrEnum):
    """How tokens are listed."""

    TEXT = "text"
    JSON = "json"


app = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def root(context: typer.Context) -> None:
    """Create, list or revoke tokens for the HTTP API and the page."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command(epilog=CREATE_EXAMPLES)
def create(
    role: Annotated[
        Role, typer.Option("--role", help="view: read. download: also export. admin: also replay and live routes.")
    ] = Role.VIEW,
    only: Annotated[
        str, typer.Option("--filter", metavar="QUERY", help="Only lines that match: target, container, host, stream.")
    ] = "",
    expires: Annotated[
        timedelta | None, typer.Option("--expires", metavar="TIME", parser=span, help="End, as 12h or 30d from now.")
    ] = None,
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Name to find it by in the list.")] = "",
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Create a token and print it; it is shown only now.

    A running agent accepts it at once. The state directory keeps only a hash of it.
    """
    from collector.state import places
    from collector.web import tokens

    directory = _directory(state_dir, config)
    seconds = None if expires is None else expires.total_seconds()
    text, _ = tokens.create(directory, role=role.value, filter_text=only, seconds=seconds, name=name)
    terminal.write(text)
    try:
        address = (directory / places.ADDRESS_FILE).read_text().strip()
    except OSError:
        return
    terminal.write(f"http://{address}/?token={text}")


@app.command("list", epilog=LIST_EXAMPLES)
def listed(
    form: Annotated[
        Form, typer.Option("-o", "--output", help="Output format: text, or json with one a line.")
    ] = Form.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """List the tokens: id, role, end, name and filter."""
    from collector.text.escapes import visible
    from collector.text.times import iso
    from collector.web import tokens

    for one in tokens.read(_directory(state_dir, config)):
        until = None if one.expires is None else iso(int(one.expires) * 1_000_000_000)[:19] + "Z"
        created = iso(int(one.created) * 1_000_000_000)[:19] + "Z"
        row = {"id": one.id, "role": one.role, "created": created, "expires": until, "name": one.name}
        if form is Form.JSON:
            terminal.write(json.dumps({**row, "filter": one.filter}, ensure_ascii=False))
            continue
        ends = f"expires {until}" if until and one.is_valid() else f"expired {until}" if until else "never expires"
        terminal.write(
            "  ".join(text for text in (one.id, f"{one.role:8}", ends, visible(one.name), visible(one.filter)) if text)
        )


@app.command(epilog=REVOKE_EXAMPLES)
def revoke(
    key: Annotated[str, typer.Argument(metavar="TOKEN", help="Id or name of the token.")],
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Revoke a token: nothing is answered to it from now on, and its sessions end."""
    from collector.errors import PilotfishError
    from collector.web import tokens

    if tokens.revoke(_directory(state_dir, config), key) is None:
        raise PilotfishError(f"no single token has the id or name {key[:80]!r}", "see `pilotfish token list`")


def _directory(state_dir: Path | None, config: Path | None) -> Path:
    """The state directory of the agent: the first that has one.

    Raises:
        NoAgent: there is none.
    """
    from collector.cli import agent
    from collector.state import places

    tried = agent.candidates(state_dir, config)
    for directory in tried:
        if (directory / places.TOKEN_FILE).exists():
            return directory
    raise agent.NoAgent(f"no state directory (looked in {', '.join(map(str, tried))})", agent.NOT_FOUND)
