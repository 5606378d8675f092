"""Wakes the readers of idle files, and tells when a log's live file is made anew.

Idle files have one-shot inotify watches, since an event costs 8-14 µs and a busy file is read; directories are watched
for new names only. Where no watch can be had (the user's limit is reached), `arm` and `follow` say so and the reader
polls.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from asyncinotify import Event, Inotify, Mask, Watch

from collector.sources.wake import Wake

_CHANGES = Mask.MODIFY | Mask.MOVE_SELF | Mask.ATTRIB | Mask.ONESHOT
# The kernel makes one event of equal ones in a row: what happens between two creations keeps them apart.
_NAMES = Mask.CREATE | Mask.DELETE | Mask.MOVED_FROM | Mask.ONLYDIR
_NOWHERE = Path()  # what a watch tells nobody asks for: two paths of each idle log would take 0.7 KB

Created = Callable[[str], None]
"""Is told the name of each file that is made in a directory; "" when it is told no more, and may have missed some."""
_Listener = TypeVar("_Listener", Wake, Created)


class Watcher:
    """One inotify instance for all files of a pipeline; used as a context, with `run` as a task inside it."""

    def __init__(self) -> None:
        self._inotify: Inotify | None = None
        self._waiting: dict[int, list[Wake]] = {}
        self._armed: dict[Wake, Watch] = {}
        self._followers: dict[int, list[Created]] = {}
        self._followed: dict[Created, Watch] = {}

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

    def arm(self, path: str, wake: Wake) -> bool:
        """Have `wake` set at the file's next change; False if it cannot be watched."""
        if wake in self._armed:
            return True
        if (watch := self._add(path, _CHANGES)) is None:
            return False
        self._armed[wake] = watch
        self._waiting.setdefault(watch.wd, []).append(wake)
        return True

    def disarm(self, wake: Wake) -> None:
        """Take the watch back, if there is one."""
        if (watch := self._armed.pop(wake, None)) is not None:
            self._drop(watch, self._waiting, wake)

    def follow(self, directory: Path, created: Created) -> bool:
        """Have `created` called for each file that is made in the directory; False if it cannot be watched."""
        if created in self._followed:
            return True
        if (watch := self._add(str(directory), _NAMES)) is None:
            return False
        self._followed[created] = watch
        self._followers.setdefault(watch.wd, []).append(created)
        return True

    def unfollow(self, created: Created) -> None:
        """Call it no more."""
        if (watch := self._followed.pop(created, None)) is not None:
            self._drop(watch, self._followers, created)

    async def run(self) -> None:
        """Deliver events until cancelled."""
        if self._inotify is None:
            return
        async for event in self._inotify:
            if event.watch is not None:
                self._deliver(event, event.watch.wd)
            elif Mask.Q_OVERFLOW in event.mask:
                self._forget_all()

    def _deliver(self, event: Event, wd: int) -> None:
        for wake in self._waiting.pop(wd, []):
            self._armed.pop(wake, None)
            wake.set()
        if event.name is not None and Mask.CREATE in event.mask:
            for created in list(self._followers.get(wd, [])):
                created(event.name.name)
        if Mask.IGNORED in event.mask:  # the directory is gone, or nobody wants to be told of it any more
            self._forget(wd)

    def _forget(self, wd: int) -> None:
        for created in self._followers.pop(wd, []):
            del self._followed[created]
            created("")

    def _forget_all(self) -> None:
        """Events were dropped, since too many were not fetched in time: all that was told may be out of date."""
        for wake in list(self._armed):
            self.disarm(wake)
            wake.set()
        for wd, followers in list(self._followers.items()):
            watch = self._followed[followers[0]]
            self._forget(wd)
            self._remove(watch)

    def _add(self, path: str, mask: Mask) -> Watch | None:
        if self._inotify is None:
            return None
        try:
            watch = self._inotify.add_watch(path, mask)
        except OSError:
            return None
        watch.path = _NOWHERE
        return watch

    def _drop(self, watch: Watch, listening: dict[int, list[_Listener]], listener: _Listener) -> None:
        others = listening[watch.wd]
        others.remove(listener)
        if not others:
            del listening[watch.wd]
            self._remove(watch)

    def _remove(self, watch: Watch) -> None:
        if self._inotify is not None:
            with suppress(OSError):  # the file is gone and its watch with it
                self._inotify.rm_watch(watch)
