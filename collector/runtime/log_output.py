"""The agent's own log: structlog on stderr, for people on a terminal and as JSON elsewhere."""

import logging
import sys
from collections import Counter
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any, Protocol, TextIO, cast

import structlog
from structlog.typing import BindableLogger, Processor

from collector.text.escapes import visible


class Log(Protocol):
    """What the configuration says of it: the least level that is written, and the form."""

    @property
    def level(self) -> str: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102


def configure(log: Log, stream: TextIO = sys.stderr) -> Mapping[str, int]:
    """Say where lines go, from which level on and in which form. For the whole process; may be called again.

    Returns the number of lines so far by level, which counts on.
    """
    counted = Counter(dict.fromkeys(("debug", "info", "warning", "error"), 0))

    def count(_: object, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        counted[level] += 1
        return event

    as_json = log.format == "json" or (log.format == "auto" and not stream.isatty())
    render: Processor = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            count,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _harmless,
            render,
        ],
        wrapper_class=_filtering(log.level),
        logger_factory=structlog.WriteLoggerFactory(cast("TextIO", _Forgiving(stream))),
        cache_logger_on_first_use=False,
    )
    return counted


def take_level(level: str) -> None:
    """Write lines from this level on."""
    structlog.configure(wrapper_class=_filtering(level))


def _filtering(level: str) -> type[BindableLogger]:
    return structlog.make_filtering_bound_logger(getattr(logging, level.upper()))


class _Forgiving:
    """A stream that cannot be written (a full disk, a reader that went away) costs a line of the log, not the agent.

    Not an `io` stream: those are flushed once more when they go, which may be when the interpreter has nothing left.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or forget."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or forget."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def _harmless(_: object, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Labels and errors may hold what others wrote: nothing in it reaches a terminal as a command."""
    return {key: visible(value) if isinstance(value, str) else value for key, value in event.items()}
