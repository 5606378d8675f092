"""What surrounds the process: environment, terminal, stderr. Light: `healthcheck` uses it."""

import io
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from collector.errors import PilotfishError
from collector.text.escapes import visible

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

__all__ = ["coloured", "complain", "environ", "visible", "write"]


class ReaderLeft(Exception):
    """The reader of stdout has left; typer would take a BrokenPipeError for a failure."""


class _Stdout(io.FileIO):
    """Standard output whose faults are told as ours; a reader that leaves stays a BrokenPipeError."""

    def write(self, content: "ReadableBuffer") -> int:
        try:
            return super().write(content)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise PilotfishError(
                f"stdout cannot be written ({error.strerror})", "give it another file, a pipe or a terminal"
            ) from None


def prepare() -> None:
    """Make the streams that a command writes on, whatever the caller left of them, and a home."""
    if os.path.expanduser("~") == "~":  # noqa: PTH111 - a Path raises
        os.environ["HOME"] = "/"  # a service's user may have none, and aiodocker asks for it while it loads
    if sys.stdin is None:
        _stand_in(0, os.O_RDONLY)  # or what is opened next would be number 0, and be closed at the end with it
    if sys.stderr is None:
        _stand_in(2, os.O_WRONLY)
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        _stand_in(1, os.O_RDONLY)  # nothing that is opened later becomes number 1, and a write there fails
    encoding = "utf-8" if sys.stdout is None else sys.stdout.encoding
    raw = _Stdout(1, "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=encoding, errors="backslashreplace", line_buffering=raw.isatty()
    )


def settle() -> None:
    """Write what is left, or forget it: the interpreter's own flush at exit must not complain."""
    for number, stream in ((1, sys.stdout), (2, sys.stderr)):
        try:
            stream.flush()
        except (OSError, PilotfishError):
            _stand_in(number, os.O_WRONLY)


def _stand_in(number: int, flags: int) -> None:
    opened = os.open(os.devnull, flags)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)


def environ() -> Mapping[str, str]:
    """The process's environment: read here for the commands, and by `collector.config`."""
    return os.environ


def complain(text: str) -> None:
    """Write on stderr, each line with the program's name."""
    with suppress(OSError):  # nobody is left to tell
        for line in text.split("\n"):
            print(f"pilotfish: {visible(line)}", file=sys.stderr, flush=True)


def is_terminal() -> bool:
    """Whether stdout is a terminal."""
    return sys.stdout.isatty()


def coloured() -> bool:
    """Whether stdout is a terminal that shows colours, and nobody said NO_COLOR."""
    given = environ()
    return sys.stdout.isatty() and not given.get("NO_COLOR") and given.get("TERM") != "dumb"


def write(text: str) -> None:
    """Write a line on stdout as UTF-8, whatever the locale is.

    Raises:
        ReaderLeft: nobody reads any more.
        PilotfishError: it cannot be written.
    """
    put(text.encode("utf-8", "replace") + b"\n")


def put(content: bytes) -> None:
    """Write bytes on stdout.

    Raises:
        ReaderLeft: nobody reads any more.
        PilotfishError: it cannot be written.
    """
    try:
        sys.stdout.buffer.write(content)
    except BrokenPipeError:
        raise ReaderLeft from None


def flush() -> None:
    """Let the reader have what was written.

    Raises:
        ReaderLeft: nobody reads any more.
        PilotfishError: it cannot be written.
    """
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderLeft from None
