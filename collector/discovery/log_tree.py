"""A directory of `<id>/` folders → which there are now, and what of that is other than before.

A mount that is gone looks like containers that are all gone. The directory in which folders were last seen is kept
open: while they are in it still, it is the mount that went.
"""

import errno
import os
import re
import time
from collections.abc import Mapping, Set
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from collector.docker import json_file

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
_GONE_SECONDS = 5.0  # a tree that is built anew is empty for a moment


class Folder(NamedTuple):
    """One container's; `changed` is when its description was, in nanoseconds (0: there is none)."""

    name: str
    path: str
    changed: int

    @property
    def is_there(self) -> bool:
        """Whether it is a folder still, and no link."""
        try:
            return not Path(self.path).is_symlink() and Path(self.path).is_dir()
        except OSError:
            return False

    @property
    def is_complete(self) -> bool:
        """Whether it can be said who it is: dockerd describes a container before there is a log of it."""
        return self.changed > 0 or os.path.lexists(json_file.log_path(Path(self.path).parent, self.name))


class Look(NamedTuple):
    """What is other than it was, the folders that are links, and the seconds of a core that it took to see."""

    gone: Set[str]
    changed: list[Folder]
    links: frozenset[str]
    cpu_seconds: float


class LogTree:
    """The tree at `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._held = -1  # descriptor of the directory in which folders were seen
        self._empty_since: float | None = None

    def look(self, seen: Mapping[str, int]) -> Look:
        """List it; `seen` are folders, and when their description was changed.

        Raises:
            OSError: it cannot be read, or has lost all folders just now.
        """
        begun = time.thread_time()
        descriptor = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            names, links = _folders(descriptor)
            if seen and not names:
                self._check_gone()
            else:
                self._empty_since = None
                self._held, descriptor = descriptor, self._held
        finally:
            if descriptor >= 0:
                os.close(descriptor)
        folders = [self.folder(name) for name in names]
        changed = [folder for folder in folders if seen.get(folder.name) != folder.changed]
        return Look(seen.keys() - names, changed, links, time.thread_time() - begun)

    def folder(self, name: str) -> Folder:
        """The folder of this name, as it is now."""
        path = f"{self.root}/{name}"
        return Folder(name, path, _changed(f"{path}/config.v2.json"))

    def close(self) -> None:
        """Give the descriptor back; may be called twice."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def _check_gone(self) -> None:
        """Return if the folders are gone indeed.

        Raises:
            OSError: they are where they were, and something hides them; or they went just now.
        """
        now = time.monotonic()
        self._empty_since = now if self._empty_since is None else self._empty_since
        is_hidden = self._held >= 0 and bool(_folders(self._held)[0])
        if is_hidden or now - self._empty_since < _GONE_SECONDS:
            raise OSError(errno.ENOENT, "all of its folders are gone: check that it is mounted")


def is_id(name: str) -> bool:
    """Whether a folder of this name may be a container's."""
    return _ID.fullmatch(name) is not None


def _folders(descriptor: int) -> tuple[set[str], frozenset[str]]:
    """Names of the folders in a directory, and of links to such."""
    names, links = set(), set()
    with os.scandir(f"/proc/self/fd/{descriptor}") as entries:
        for entry in entries:
            if not is_id(entry.name):
                continue
            if entry.is_dir(follow_symlinks=False):
                names.add(entry.name)
            elif entry.is_symlink():
                with suppress(OSError):  # it leads in a circle
                    links |= {entry.name} if entry.is_dir() else set()
    return names, frozenset(links)


def _changed(path: str) -> int:
    try:
        return os.stat(path, follow_symlinks=False).st_mtime_ns  # noqa: PTH116 - a Path takes as long as the call
    except OSError:
        return 0
