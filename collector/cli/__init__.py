"""The command `pilotfish`: arguments → one call into the collector, its errors → one line and an exit code.

Nothing is decided here. Modules are loaded when their command runs; `healthcheck`, which a container's runtime
starts every few seconds, does not even load typer.
"""

import re
import sys
from contextlib import suppress

from collector.cli import healthcheck, terminal
from collector.errors import PilotfishError, leaves
from collector.runtime import waiting_signals

BROKEN_PIPE = 141  # as a shell shows the death by SIGPIPE
INTERRUPTED = 130
USAGE = 2
LIKE_GREP = ("search", "histogram", "context", "export")
"""Commands whose exit code 1 means that nothing is found."""

_ROUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S")  # where logspout takes destinations, others a command


def main() -> None:
    """Run the command line and exit: 0 fine, 1 failed, 2 usage, 78 bad configuration; searches as grep does."""
    terminal.prepare()
    arguments, debug = _without_debug(sys.argv[1:])
    if arguments and _ROUTE.match(arguments[0]):
        arguments = ["run", *arguments]
    if arguments[:1] == ["run"]:
        waiting_signals.hold()
    try:
        code = healthcheck.quick(arguments)
        if code is None:
            code = _command(arguments)
        terminal.flush()
    except terminal.ReaderLeft:
        code = BROKEN_PIPE
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - whatever it is, a user gets a line and a code
        if debug:
            _trace(error)
        code = _report(error, arguments)
    finally:
        terminal.settle()
    sys.exit(code)


def _without_debug(arguments: list[str]) -> tuple[list[str], bool]:
    """`--debug` may stand anywhere before `--`."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    debug = "--debug" in arguments[:end]
    kept = [word for word in arguments[:end] if word != "--debug"] + arguments[end:]
    return kept, debug or bool(terminal.environ().get("PILOTFISH_DEBUG"))


def _command(arguments: list[str]) -> int:
    from collector.cli.root import app

    code = app(args=arguments, prog_name="pilotfish", standalone_mode=False)
    return code if isinstance(code, int) else 0


def _trace(error: Exception) -> None:
    import traceback

    with suppress(OSError):  # nobody is left to tell
        for line in "".join(traceback.format_exception(error)).splitlines():
            print(terminal.visible(line), file=sys.stderr, flush=True)


def _report(error: Exception, arguments: list[str]) -> int:
    """Write each cause with its remedy on one line; gives the exit code."""
    found = list(leaves(error))
    for leaf in found:
        if isinstance(leaf, PilotfishError):
            terminal.complain(str(leaf))
        elif usage := _usage(leaf, arguments):
            terminal.complain(usage)
        else:
            text = f"{type(leaf).__name__}: {leaf}: this is a bug in Pilotfish; --debug shows the traceback"
            terminal.complain(text.replace("\n", " "))
    code = max(getattr(leaf, "exit_code", 1) for leaf in found)
    return USAGE if code == 1 and arguments[:1] and arguments[0] in LIKE_GREP else code


def _usage(error: BaseException, arguments: list[str]) -> str:
    """What typer says of the arguments, on one line; "" if it is not typer's error."""
    import typer

    if not isinstance(error, typer.TyperException):
        return ""
    where = getattr(getattr(error, "ctx", None), "command_path", "pilotfish")
    cause = error.format_message().replace("\n", " ").rstrip(". ")
    if where.endswith(" search") and (word := _negated(error, arguments)):
        return f"{cause}: to exclude a word write `{where} -- {word}` or `NOT {word[1:]}`"
    return f"{cause}: see `{where} --help`"


def _negated(error: BaseException, arguments: list[str]) -> str:
    """The word with a minus, as a query may hold it, that was taken for an option; "" if there is none."""
    option = getattr(error, "option_name", "")
    if not option.startswith("-") or option.startswith("--"):
        return ""
    return next((word for word in arguments if word.startswith("-") and option[1:] in word and len(word) > 2), "")
