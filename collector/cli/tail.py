"""`pilotfish tail`: the running agent → documents as they are read."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.completion import containers
from collector.cli.options import Config, Documents, Shown, StateDir, Template, examples
from collector.cli.picking import Exclude, Include, OfStream, Picked, WorstLevels
from collector.cli.search import Target
from collector.errors import PilotfishError

if TYPE_CHECKING:
    from http.client import HTTPResponse

_MOST_NAMES = 20
EXAMPLES = examples(
    "pilotfish tail",
    "pilotfish tail web 'db-*' -i timeout -i refused",
    "pilotfish tail --level warn -e /healthz",
    "pilotfish tail web --template '{container} {message}'",
    "pilotfish tail --target shop -o json | jq .log.message",
)


def tail(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", hidden=True, autocompletion=containers)] = None,
    target: Target = None,
    include: Include = None,
    exclude: Exclude = None,
    level: WorstLevels = None,
    stream: OfStream = None,
    output: Documents = Shown.TEXT,
    template: Template = None,
    state_dir: StateDir = None,
    config: Config = None,
) -> None:
    """Watch documents as the running agent reads them.

    NAME is part of a container's name, or a glob. Without a name, all containers are shown.
    """
    from collector.cli import agent
    from collector.cli.showing import writer

    asked = [("name", name) for name in names or []]
    asked += [("target", target)] if target else []
    asked += [("text", include[0])] if include and len(include) == 1 else []
    write = writer(output, template)
    if names:
        import msgspec

        with agent.ask("/api/status", [], state_dir=state_dir, config=config) as response:
            _tell_if_none_matches(names, msgspec.json.decode(response.read())["following"])
    with agent.ask("/api/tail", asked, state_dir=state_dir, config=config) as response:
        admits = Picked(include, exclude, level, stream).test()
        for lines in _arrivals(response):
            _write(lines, admits, write, is_told=output is not Shown.JSON or template is not None)
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


def _write(
    lines: list[bytes], admits: Callable[[bytes], bool], write: Callable[[Iterable[bytes]], None], *, is_told: bool
) -> None:
    """Write those that are wanted; what was skipped is told on stderr, or stands among them in JSON."""
    for line in lines:
        if line.startswith(b'{"skipped":'):
            if is_told:
                terminal.complain(f"too fast to show everything: {line.decode('ascii', 'replace')}")
            else:
                terminal.put(line + b"\n")
        elif admits(line):
            write([line])
    terminal.flush()
