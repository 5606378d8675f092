"""`pilotfish tail`: the running agent → documents as they are read."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Format, Output, StateDir, Target, examples
from collector.errors import PilotfishError

if TYPE_CHECKING:
    from http.client import HTTPResponse

Include = Annotated[str, typer.Option("-i", "--include", metavar="TEXT", help="Only documents that contain this text.")]
_MOST_NAMES = 20
EXAMPLES = examples(
    "pilotfish tail",
    "pilotfish tail web 'db-*' -i timeout",
    "pilotfish tail --target shop -o json | jq .log.message",
)


def tail(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", hidden=True)] = None,
    target: Target = None,
    include: Include = "",
    output: Format = Output.TEXT,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Watch documents as the running agent reads them.

    NAME is part of a container's name, or a glob. Without a name, all containers are shown.
    """
    from collector.cli import agent

    asked = [("name", name) for name in names or []]
    asked += [("target", target)] if target else []
    asked += [("text", include)] if include else []
    if names:
        import msgspec

        with agent.ask("/api/status", [], state_dir=state_dir, config=config) as response:
            _tell_if_none_matches(names, msgspec.json.decode(response.read())["following"])
    with agent.ask("/api/tail", asked, state_dir=state_dir, config=config) as response:
        for lines in _arrivals(response):
            _write(lines, output)
    raise PilotfishError("the agent has stopped", "start it again, then tail again")


def _tell_if_none_matches(names: list[str], followed: list[str]) -> None:
    from collector.web.live import Wanted

    matches = Wanted(names=tuple(names)).names_matcher()
    if any(matches(name) for name in followed):
        return
    wanted = ", ".join(repr(name) for name in names)
    shown = ", ".join([*followed[:_MOST_NAMES], *(["…"] if len(followed) > _MOST_NAMES else [])])
    terminal.complain(f"no container matches {wanted} yet; following: {shown or 'none'}")


def _arrivals(response: "HTTPResponse") -> Iterator[list[bytes]]:
    """The whole lines of each piece that arrives; empty ones are heartbeats."""
    from http.client import HTTPException

    rest = b""
    try:
        while piece := response.read1(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            yield [line for line in lines if line]
    except TimeoutError:
        raise PilotfishError("the agent does not answer", "see `pilotfish healthcheck`") from None
    except (OSError, HTTPException):
        return


def _write(lines: list[bytes], output: Output) -> None:
    if output is Output.JSON:
        terminal.put(b"".join([line + b"\n" for line in lines]))
    else:
        from collector.cli import render

        coloured = terminal.coloured()
        for line in lines:
            if line.startswith(b'{"skipped":'):
                terminal.complain(f"too fast to show everything: {line.decode('ascii', 'replace')}")
            else:
                terminal.write(render.line(line, coloured=coloured))
    terminal.flush()
