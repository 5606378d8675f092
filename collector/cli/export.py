"""`pilotfish export`: all documents of a search → stdout or a file, page after page."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from collector.cli import terminal
from collector.cli.options import Config, Container, Query, StateDir, Time, examples, location, times
from collector.cli.picking import Exclude, Include, OfStream, Picked, WorstLevels
from collector.cli.search import NOTHING_FOUND, Target
from collector.errors import PilotfishError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from http.client import HTTPResponse

_PIECE = 1 << 16
_MEGABYTE = 1_000_000
Form = Annotated[str, typer.Option("--format", metavar="FORMAT", help="Format: text, ndjson or csv.")]
To = Annotated[
    Path | None, typer.Option("--to", metavar="FILE", parser=location, help="File to write. Default: stdout.")
]
Size = Annotated[bool, typer.Option("--size", help="Show how many documents and bytes it has, and export nothing.")]
EXAMPLES = examples(
    "pilotfish export --since 1d --size",
    "pilotfish export 'level:error' --since 1d --format csv --to errors.csv",
    "pilotfish export --container web-1 --since 2h --format ndjson | gzip > web.ndjson.gz",
)


def export(
    query: Query = None,
    target: Target = None,
    since: Time = None,
    until: Time = None,
    include: Include = None,
    exclude: Exclude = None,
    level: WorstLevels = None,
    stream: OfStream = None,
    container: Container = None,
    form: Form = "text",
    to: To = None,
    size: Size = False,
    state_dir: StateDir = None,
    config: Config = None,
) -> int:
    """Export all documents of a search, oldest first.

    Exit code: 0 something is found, 1 nothing is found, 2 error. An export that breaks off is an error.

    QUERY is that of `pilotfish search`.
    """
    import json

    from collector.cli import agent

    words = Picked(include, exclude, level, stream, container).query(query)
    asked = [("q", words), ("format", form), *([("target", target)] if target else []), *times(since, until)]
    with agent.ask("/api/v1/export/size", asked, state_dir=state_dir, config=config) as response:
        told = json.loads(response.read())
    if not told["documents"]:
        terminal.complain("nothing found")
        return NOTHING_FOUND
    if size:
        terminal.write(f"{told['documents']} documents, about {told['bytes'] / _MEGABYTE:.1f} MB")
        terminal.flush()
        return 0
    with agent.ask("/api/v1/export", asked, state_dir=state_dir, config=config) as response:
        _copy(response, to, told["bytes"])
    return 0


def _copy(response: "HTTPResponse", to: Path | None, size: int) -> None:
    """Copy an answer; a file has its name only when it is whole.

    Raises:
        PilotfishError: the answer breaks off, or the file cannot be written.
    """
    if to is None:
        for piece in _pieces(response, size):
            terminal.put(piece)
        terminal.flush()
        return
    part = to.with_name(f"{to.name}.part")
    try:
        with part.open("wb") as file:
            for piece in _pieces(response, size):
                file.write(piece)
        part.replace(to)
    except OSError as error:
        raise PilotfishError(f"{to} cannot be written ({error.strerror})", "name another file with --to") from None


def _pieces(response: "HTTPResponse", size: int) -> "Iterator[bytes]":
    from http.client import HTTPException

    done, is_shown = 0, sys.stderr.isatty()
    while True:
        try:
            piece = response.read1(_PIECE)
            is_over = not piece and not response.length
        except (OSError, HTTPException):
            is_over, piece = False, b""
        if is_shown:
            print(f"\r{done / _MEGABYTE:.1f} of about {size / _MEGABYTE:.1f} MB", end="", file=sys.stderr, flush=True)
        if is_over:
            break
        if not piece:
            raise PilotfishError("the export broke off: what was written is not whole", "export a shorter range again")
        done += len(piece)
        yield piece
    if is_shown:
        print(file=sys.stderr)
