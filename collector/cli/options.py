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
Target = Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only documents of this @target.")]
