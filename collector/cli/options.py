"""Options that several commands share."""

from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


def location(text: str | Path) -> Path:
    """The path that an option or argument names, `~` at its beginning being a home.

    Raises:
        typer.BadParameter: no file can have it.
    """
    from collector.files.paths import path_of

    try:
        return path_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Config = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        envvar="PILOTFISH_CONFIG",
        parser=location,
        help="Configuration file. Without one, defaults apply.",
    ),
]
Routes = Annotated[str, typer.Argument(metavar="ROUTES", hidden=True)]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", metavar="DIRECTORY", parser=location, help="State directory of the agent to connect to."
    ),
]


def seconds(text: str) -> float:
    """What an option says in seconds or as a duration.

    Raises:
        typer.BadParameter: it is neither.
    """
    from math import isfinite

    from collector.text.times import duration

    try:
        found = float(text)
    except ValueError:
        try:
            return duration(text).total_seconds()
        except ValueError:
            raise typer.BadParameter(f"{text!r} is not a duration: write seconds, or 90s, 5m, 1h") from None
    if found < 0 or not isfinite(found):
        raise typer.BadParameter("must be 0 or more")
    return found


def span(text: str) -> timedelta:
    """What an option says as a duration.

    Raises:
        typer.BadParameter: it is none.
    """
    from collector.text.times import duration

    try:
        return duration(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        metavar="SECONDS",
        parser=seconds,
        help="Wait up to this time for the server to be ready, in seconds or as 90s or 5m.",
    ),
]


def examples(*lines: str) -> str:
    """The end of a command's help: lines that are not to be wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Output(StrEnum):
    """How documents are written."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[
    Output, typer.Option("-o", "--output", help="Output format: text, or json with one document per line.")
]


class Shown(StrEnum):
    """How documents are shown."""

    TEXT = "text"
    JSON = "json"
    RAW = "raw"


Documents = Annotated[
    Shown,
    typer.Option("-o", "--output", help="Output format: text, json with one document per line, or raw lines."),
]
Template = Annotated[
    str | None,
    typer.Option(
        "--template",
        metavar="TEXT",
        help="Text for each document, such as '{time} {container} {log.status} {message}'; {{ is a brace.",
    ),
]
Time = Annotated[str | None, typer.Option(metavar="TIME", help="Time: 15m, 2h or 3d ago, or 2026-11-23T04:05:06.")]
Container = Annotated[
    str | None, typer.Option("--container", metavar="NAME", help="Only documents of this container, or of names web-*.")
]
Query = Annotated[list[str] | None, typer.Argument(metavar="QUERY", hidden=True)]


def times(since: str | None, until: str | None) -> list[tuple[str, str]]:
    """The times that were given, as the API takes them; without offset they are meant in this machine's zone.

    Raises:
        typer.BadParameter: one is no time, or nothing can lie between them.
    """
    from time import time_ns

    from collector.text.times import iso, moment

    now = time_ns()
    found: dict[str, int] = {}
    for name, text in (("since", since), ("until", until)):
        try:
            found |= {name: moment(text, now=now, zone=None)} if text else {}
        except ValueError as error:
            raise typer.BadParameter(f"--{name}: {error}") from None
    if len(found) == 2 and found["until"] < found["since"]:
        raise typer.BadParameter("--until is before --since")
    return [(name, iso(when)) for name, when in found.items()]


Target = Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only documents of this @target.")]
