"""What surrounds the process: environment, terminal, stderr. Light: `healthcheck` uses it."""

import os
import sys
from collections.abc import Mapping

from collector.visible import visible

__all__ = ["coloured", "complain", "environ", "visible", "write"]


class ReaderLeft(Exception):
    """The reader of stdout has left; typer would take a BrokenPipeError for a failure."""


def environ() -> Mapping[str, str]:
    """The process's environment: read here for the commands, and by `collector.config`."""
    return os.environ


def complain(text: str) -> None:
    """Write on stderr, each line with the program's name."""
    for line in text.split("\n"):
        print(f"pilotfish: {visible(line)}", file=sys.stderr, flush=True)


def coloured() -> bool:
    """Whether stdout is a terminal that shows colours, and nobody said NO_COLOR."""
    given = environ()
    return sys.stdout.isatty() and not given.get("NO_COLOR") and given.get("TERM") != "dumb"


def write(text: str) -> None:
    """Write a line on stdout as UTF-8, whatever the locale is.

    Raises:
        ReaderLeft: nobody reads any more.
    """
    put(text.encode("utf-8", "replace") + b"\n")


def put(content: bytes) -> None:
    """Write bytes on stdout.

    Raises:
        ReaderLeft: nobody reads any more.
    """
    try:
        sys.stdout.buffer.write(content)
    except BrokenPipeError:
        raise ReaderLeft from None


def flush() -> None:
    """Let the reader have what was written.

    Raises:
        ReaderLeft: nobody reads any more.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeft from None
