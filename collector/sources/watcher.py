"""Wakes the readers of idle files: one-shot inotify watches, since an event costs 8-14 µs and a busy file is read.

Where no watch can be had (the user's limit is reached), `arm` says so and the reader polls.
"""

import asyncio
from contextlib import suppress
from types import TracebackType
from typing import Self

from asyncinotify import Inotify, Mask, Watch

_CHANGES = Mask.MODIFY | Mask.MOVE_SELF | Mask.ATTRIB | Mask.ONESHOT


class Watcher:
    """One inotify instance for all files of a pipeline; used as a context, with `run` as a task inside it."""

    def __init__(self) -> None:
        self._inotify: Inotify | None = None
        self._waiting: dict[int, list[asyncio.Event]] = {}
        self._armed: dict[asyncio.Event, Watch] = {}

    def __enter__(self) -> Self:
        try:
            self._inotify = Inotify(cache_size=100)
        except OSError:  # no instance left for this user: everything is polled
            self._inotify = None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def arm(self, path: str, wake: asyncio.Event) -> bool:
        """Have `wake` set at the file's next change; False if it cannot be watched."""
        if wake in self._armed:
            return True
        if self._inotify is None:
            return False
        try:
            watch = self._inotify.add_watch(path, _CHANGES)
        except OSError:
            return False
        self._armed[wake] = watch
        self._waiting.setdefault(watch.wd, []).append(wake)
        return True

    def disarm(self, wake: asyncio.Event) -> None:
        """Take the watch back, if there is one."""
        watch = self._armed.pop(wake, None)
        if watch is None or self._inotify is None:
            return
        waiting = self._waiting[watch.wd]
        waiting.remove(wake)
        if not waiting:
            del self._waiting[watch.wd]
            with suppress(OSError):  # the file is gone and its watch with it
                self._inotify.rm_watch(watch)

    async def run(self) -> None:
        """Deliver events until cancelled."""
        if self._inotify is None:
            return
        async for event in self._inotify:
            if event.watch is not None:
                for wake in self._waiting.pop(event.watch.wd, []):
                    self._armed.pop(wake, None)
                    wake.set()
