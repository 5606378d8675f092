"""A directory → the names that come and go in it, as the kernel tells: a container may live for a second only."""

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog
from asyncinotify import Inotify, Mask, Watch

log = structlog.get_logger(__name__)

_NAMES = Mask.CREATE | Mask.MOVED_TO | Mask.DELETE | Mask.MOVED_FROM | Mask.ONLYDIR
_COMES = Mask.CREATE | Mask.MOVED_TO


class TreeWatch:
    """One watch; used as a context, with `run` as a task inside it. Where none can be had only that is told."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.news = asyncio.Event()
        self.overflows = 0  # times that the kernel told less than there was
        self._names: dict[str, bool] = {}  # what came last → whether it is there
        self._inotify: Inotify | None = None
        self._watch: Watch | None = None
        self._is_warned = False

    def __enter__(self) -> Self:
        try:
            self._inotify = Inotify(cache_size=100)
        except OSError as error:
            self._warn(error, "max_user_instances")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = self._watch = None

    def follow(self) -> None:
        """Watch what is at the path now; may be called again, since another directory may be there."""
        if self._inotify is None:
            return
        try:
            watch = self._inotify.add_watch(str(self.root), _NAMES)
            before, self._watch = self._watch, watch
            if before is not None and before.wd != watch.wd:
                self._inotify.rm_watch(before)
        except OSError as error:
            if self.root.is_dir():  # else the look tells
                self._warn(error, "max_user_watches")

    def _warn(self, error: OSError, bound: str) -> None:
        if not self._is_warned:
            self._is_warned = True
            log.warning(
                "watching the log tree failed: short-lived containers may be missed",
                path=str(self.root),
                error=error.strerror or str(error),
                remedy=f"raise fs.inotify.{bound} (sysctl)",
            )

    def take(self) -> dict[str, bool]:
        """The names that came or went since the last time, in this order, and whether each is there."""
        self.news.clear()
        names, self._names = self._names, {}
        return names

    async def run(self) -> None:
        """Take what the kernel tells, until cancelled."""
        if self._inotify is None:
            return
        async for event in self._inotify:
            if Mask.Q_OVERFLOW in event.mask:
                self.overflows += 1
            elif event.name is not None and Mask.ISDIR in event.mask and event.watch is self._watch:
                name = event.name.name
                self._names.pop(name, None)
                self._names[name] = bool(event.mask & _COMES)
            self.news.set()
