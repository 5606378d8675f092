"""A pattern of paths beneath a root → the logs that match it now, without following a link.

The tree is somebody else's: how much of it is looked at is bounded, and a log and its rotated files are one file.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

from collector.files import beneath
from collector.files.rotated import is_rotated, lives_of

MOST_LOOKED_AT = 20_000  # names in all folders of one pattern
_WILD = frozenset("*?[")


class Pattern(NamedTuple):
    """A path with wildcards: the folder before the first of them, and the names from there on."""

    folder: str
    names: tuple[str, ...]


class Matches(NamedTuple):
    """Paths of the files, by name; how many others match, such as links and pipes; whether not all was looked at."""

    paths: list[str]
    others: int = 0
    is_cut: bool = False


def pattern_of(path: str) -> Pattern:
    """What a path with `*`, `?` and `[…]` says; the last name is never part of the folder."""
    parts = PurePosixPath(path).parts
    wild = (number for number, part in enumerate(parts) if _WILD & set(part))
    first = min(next(wild, len(parts)), len(parts) - 1)
    return Pattern(str(PurePosixPath(*parts[:first])), parts[first:])


def matching(
    root: str,
    folder: str,
    names: Sequence[str],
    *,
    is_hidden: Callable[[str], bool] = lambda path: False,
    most: int = MOST_LOOKED_AT,
) -> Matches:
    """Files below `folder`, which is beneath `root`; of folders and files that are hidden there are none.

    No more than `most` names are looked at.

    Raises:
        OSError: the folder cannot be looked into, or there is a link on the way.
    """
    look = _Look(names, is_hidden, most)
    look.into(beneath.open_folder(root, folder), folder.rstrip("/"), 0)
    found = sorted(path for path in look.found if not is_rotated(path, look.found))
    return Matches(found, look.others, look.left <= 0)


class _Look:
    def __init__(self, names: Sequence[str], is_hidden: Callable[[str], bool], most: int) -> None:
        self.found: set[str] = set()
        self.others = 0
        self.left = most
        self._names = names
        self._is_hidden = is_hidden

    def into(self, folder: int, path: str, depth: int) -> None:
        """Look into an open folder, which is closed here."""
        try:
            for entry in self._entries(folder):
                if not fnmatchcase(entry.name, self._names[depth]):
                    self._take_rotated(entry, path, depth)
                    continue
                if self._is_hidden(f"{path}/{entry.name}"):
                    continue
                if not entry.name.isprintable():  # no text, or one that shows as another
                    self.others += 1
                elif depth + 1 == len(self._names):
                    self._take(entry, f"{path}/{entry.name}")
                elif entry.is_dir(follow_symlinks=False):
                    self._into_child(folder, entry.name, path, depth)
        finally:
            os.close(folder)

    def _entries(self, folder: int) -> Iterator["os.DirEntry[str]"]:
        with os.scandir(beneath.path_in(folder)) as entries:
            for entry in entries:
                self.left -= 1
                if self.left <= 0:
                    return
                yield entry

    def _into_child(self, folder: int, name: str, path: str, depth: int) -> None:
        try:
            child = beneath.open_child(folder, name)
        except OSError:  # it went, or became a link
            return
        self.into(child, f"{path}/{name}", depth + 1)

    def _take_rotated(self, entry: "os.DirEntry[str]", path: str, depth: int) -> None:
        """A log is there as long as any of its files is: between two of them it may have no live one."""
        if depth + 1 == len(self._names) and entry.name.isprintable():
            lives = [live for live in lives_of(entry.name) if fnmatchcase(live, self._names[depth])]
            if lives and entry.is_file(follow_symlinks=False) and not self._is_hidden(f"{path}/{lives[0]}"):
                self.found.add(f"{path}/{lives[0]}")

    def _take(self, entry: "os.DirEntry[str]", path: str) -> None:
        if entry.is_file(follow_symlinks=False):
            if not path.endswith(".gz"):  # one that is no rotated file is an archive, and no log
                self.found.add(path)
        elif not entry.is_dir(follow_symlinks=False):
            self.others += 1
