"""The agent's own log → a file, so that it does not garble the live display; warnings are kept to be shown below it."""

import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from structlog.typing import EventDict, WrappedLogger

_SHOWN = 3


@contextmanager
def kept_in(path: Path) -> Iterator[deque[str]]:
    """Write the log to `path` while the context lasts; gives the latest warnings, which grow.

    Raises:
        OSError: the file cannot be written.
    """
    warnings: deque[str] = deque(maxlen=_SHOWN)

    def notice(_: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if method in ("warning", "error", "critical", "exception"):
            words = [str(event["event"]), *(f"{key}={value}" for key, value in event.items() if key != "event")]
            warnings.append(" ".join(words))
        return event

    with path.open("a", encoding="utf-8") as file:
        structlog.configure(
            processors=[
                notice,
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.LogfmtRenderer(key_order=["timestamp", "level", "event"]),
            ],
            logger_factory=structlog.WriteLoggerFactory(file),
        )
        others = logging.StreamHandler(file)  # what libraries say
        logging.getLogger().addHandler(others)
        try:
            yield warnings
        finally:
            logging.getLogger().removeHandler(others)
            structlog.reset_defaults()
