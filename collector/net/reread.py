"""Files that options name → what is made of them, made again when one of them has changed.

Passwords and certificates are replaced while the agent runs: a file is written anew, another takes its name, or a link
leads to another one (the secrets of Kubernetes do that). It is noticed at the next use, by what `stat` says of it. What
cannot be used changes nothing: the former stays in use, and the log says why. A pipe is read once, as it can be.
"""

import os
import stat
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

import structlog

from collector.errors import ConfigurationError

log = structlog.get_logger(__name__)

T = TypeVar("T")
_SETTLED_NANOSECONDS = 100_000_000  # two changes within a tick of the kernel's clock look like one

Stamp = tuple[int, ...]


class Reread(Generic[T]):
    """What `make` makes of the files, by the options that name them; call it for what it is now."""

    def __init__(self, make: Callable[[], T], files: Mapping[str, Path]) -> None:
        """Read them for the first time.

        Raises:
            ConfigurationError: what `make` raises.
        """
        self._make = make
        self._files = {option: os.fspath(path) for option, path in files.items() if _stamp(path)}
        self._seen = self._stamps()
        self._is_sure = _is_settled(self._seen)
        self._fault = ""
        self._value = make()

    def __call__(self) -> T:
        """What was made of them last; made again if one was changed since."""
        if self._files and ((stamps := self._stamps()) != self._seen or not self._is_sure):
            self._renew(stamps)
        return self._value

    def _renew(self, stamps: dict[str, Stamp]) -> None:
        changed = [option for option, stamp in stamps.items() if stamp != self._seen[option]]
        self._seen, self._is_sure = stamps, _is_settled(stamps)
        try:
            for option, stamp in stamps.items():
                if not stamp:
                    raise ConfigurationError(f"{option}: {self._files[option]} is not a regular file", "put it back")
            self._value = self._make()
        except ConfigurationError as error:
            if str(error) != self._fault:
                log.warning("file not reloaded: its former content stays in use", error=str(error))
            self._fault = str(error)
            return
        if changed:
            log.info("file reloaded", options=changed)
        self._fault = ""

    def _stamps(self) -> dict[str, Stamp]:
        return {option: _stamp(path) for option, path in self._files.items()}


def _stamp(path: str | Path) -> Stamp:
    """What tells a content from another; () where there is no regular file."""
    try:
        found = os.stat(path)  # noqa: PTH116 - a Path costs as much as the call, at each request
    except OSError:
        return ()
    if not stat.S_ISREG(found.st_mode):
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _is_settled(stamps: Mapping[str, Stamp]) -> bool:
    """Whether a later change would show: not where the last one was just now."""
    now = time.time_ns()
    return not any(0 <= now - when < _SETTLED_NANOSECONDS for stamp in stamps.values() for when in stamp[3:])
