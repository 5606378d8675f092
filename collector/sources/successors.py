"""The files that came after the one being read, oldest first, open before rotation can remove them.

They are seen when the directory tells that the live file was made anew (`created`), or when somebody looks (`look`).
Made files less opened ones are the files that nobody can read any more.
"""

from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from collector.sources.log_files import Generation, LogFile, generations, newer_than
from collector.sources.tail_counts import TailCounts


class Successor(NamedTuple):
    """An open file; `after_gap` says that files may have gone unread before it."""

    file: LogFile
    after_gap: bool = False


class Successors:
    """Those of one log; `live` is the path of its live file, `container` names it where something is lost."""

    def __init__(self, live: Path, counts: TailCounts) -> None:
        self.container = ""
        self._live = live
        self._counts = counts
        self._files: deque[Successor] = deque()
        self._present: set[int] = set()  # inodes of files made before anybody told
        self._unopened = 0  # files that were made, as we were told, less those that were opened
        self._is_told = False
        self.is_whole = True  # whether all that were there at the last look are open

    def __len__(self) -> int:
        return len(self._files)

    @property
    def unread_bytes(self) -> int:
        """Bytes of plain content."""
        return sum(each.file.size or 0 for each in self._files)

    @property
    def removed_bytes(self) -> int:
        """Bytes of those that have no name any more: they take up room on the disk until they are read."""
        return sum(each.file.size or 0 for each in self._files if each.file.is_removed)

    def tell(self, *, is_told: bool) -> None:
        """From now on `created` is called for every live file that is made, or no longer."""
        self._is_told = is_told
        self._unopened = 0
        with suppress(OSError):
            self._present = {generation.inode for generation in generations(self._live)} if is_told else set()

    def start(self, found: list[Generation], *, file: LogFile | None = None, after_gap: bool = False) -> LogFile:
        """Begin with the oldest of `found`, which is `file` if that is open already; returns it.

        Raises:
            OSError: it cannot be opened, or was renamed just now (FileNotFoundError).
        """
        self.close()
        self._present &= {generation.inode for generation in found}  # a number may be given again
        if file is None:
            file = self._opened(found[0])
        else:
            self._present.discard(file.inode)
            self._counts.open_files += 1
        if after_gap:
            self._counts.gap(self.container)
        return file

    def created(self, current: LogFile | None) -> None:
        """A live file was made: open it before it can go."""
        self._unopened += 1
        if current is not None:
            with suppress(OSError):  # whoever reads will be told of it
                self.look(current)

    def look(self, current: LogFile) -> None:
        """Open what came after `current`, the file being read, and those behind it.

        Raises:
            OSError: the directory, or the file that would be next, cannot be read.
        """
        newest = self._files[-1].file if self._files else current
        with suppress(FileNotFoundError):  # the container is gone, or a file got another name just now: look again
            self.is_whole = self._is_live(newest) or self._open_newer(newest)
            if self.is_whole and self._unopened > 0:
                self._unopened = 0
                self._counts.gap(self.container)

    def take(self) -> LogFile | None:
        """The next file to be read, if there is one; it is the caller's then."""
        if not self._files:
            return None
        successor = self._files.popleft()
        if successor.after_gap:
            self._counts.gap(self.container)
        return successor.file

    def let_go(self) -> int:
        """Give the oldest removed file up unread, since disk runs short; returns its bytes, which are lost."""
        for successor in self._files:
            if successor.file.is_removed:
                size = successor.file.size or 0
                self._files.remove(successor)
                self._counts.lost_bytes += size
                self._counts.gap(self.container)
                self.leave(successor.file)
                return size
        return 0

    def close(self) -> None:
        """Close all; may be called twice."""
        while self._files:
            self.leave(self._files.pop().file)

    def leave(self, file: LogFile) -> None:
        """Close a file that was given by `start` or `take`."""
        file.close()
        self._counts.open_files -= 1

    def forget_present(self, inode: int) -> None:
        """Expect that a file which is known is opened once more."""
        self._present.add(inode)

    def _is_live(self, file: LogFile) -> bool:
        with suppress(FileNotFoundError):
            return self._live.stat(follow_symlinks=False).st_ino == file.inode
        return False

    def _open_newer(self, newest: LogFile) -> bool:
        """Whether all of them could be opened."""
        found = generations(self._live)
        newer = newer_than(found, newest)
        # It was removed, and the oldest goes first: all that are left are newer, and others may have gone with it.
        after_gap = newer is None and not self._is_told
        for generation in found if newer is None else newer:
            if self._files and not self._counts.may_open_ahead:
                return False
            try:
                file = self._opened(generation)
            except FileNotFoundError:
                raise
            except OSError:
                if self._files:  # its turn has not come
                    return False
                raise
            self._files.append(Successor(file, after_gap))
            after_gap = False
        return True

    def _opened(self, generation: Generation) -> LogFile:
        file = LogFile(generation)
        if file.inode != generation.inode:
            file.close()
            raise FileNotFoundError(f"{generation.path} was renamed")
        self._counts.open_files += 1
        if file.inode in self._present:
            self._present.discard(file.inode)
        else:
            self._unopened -= 1
        return file
