"""Options that several commands share."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Config = Annotated[
    Path | None,
    typer.Option(
        "-c", "--config", metavar="FILE", envvar="PILOTFISH_CONFIG", help="The configuration; none: defaults."
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option("--state-dir", metavar="DIRECTORY", help="State directory of the agent to ask."),
]


def examples(*lines: str) -> str:
    """The end of a command's help: lines that are not to be wrapped."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


class Output(StrEnum):
    """How documents are written."""

    TEXT = "text"
    JSON = "json"


Format = Annotated[Output, typer.Option("-o", "--output", help="text for people, json for programs (one a line).")]
Target = Annotated[str | None, typer.Option("--target", metavar="NAME", help="Only documents of this @target.")]
