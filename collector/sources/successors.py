"""The files that came after the one being read, oldest first, open before rotation can remove them.

They are seen when the directory tells that the live file was made anew (`created`), or when somebody looks (`look`).
Made files less opened ones are the files that nobody can read any more.
"""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from collector.sources.log_files import Generation, LogFile, generations, head_of, newer_than
from collector.sources.tail_counts import TailCounts

_BEGINNING_BYTES = 256


class Successor(NamedTuple):
    """An open file; `after_gap` says that files may have gone unread before it, the rest how it was when opened."""

    file: LogFile
    after_gap: bool
    beginning: bytes
    size: int

    @property
    def was_cut(self) -> bool:
        """Whether it no longer holds what it held."""
        size = self.file.size
        return size is not None and (size < self.size or self.file.read(0, len(self.beginning)) != self.beginning)


class Successors:
    """Those of one log; `live` is the path of its live file, `container` names it where something is lost.

    `heads` are the identities of files that were read: of compressed ones they alone tell that they are not newer.

    Files that came and went unseen are found by a count, `_unopened`: each file that is made and told of adds one, each
    that is opened takes one away. Below zero, one was opened that is yet to be told of. Two kinds of files are left out
    of it, by their inodes: `_present`, of which nobody tells (they were there before, or are copies), so that to open
    them takes nothing away; and `_untold`, those of them that are open: if one is told of after all (`_take_late`), it
    adds none. Where nobody is told of files (`_is_told`), a gone file is a gap.
    """

    def __init__(self, live: Path, counts: TailCounts, heads: Collection[str], container: str = "") -> None:
        self.container = container
        self._live = live
        self._counts = counts
        self._files: list[Successor] = []  # few, and none nearly always: a deque takes 0.7 KB
        self._heads = heads
        self._older: set[tuple[int, int] | None] = set()  # versions of plain files that need not be read again
        self._present: set[int] = set()
        self._untold: set[int] = set()
        self._unopened = 0
        self._has_jumped = False  # behind a file that is gone, to one that nobody has told of yet
        self._is_told = False
        self._is_told_of_all = False  # since before there was any file
        self.is_whole = True  # whether all that were there at the last look are open

    def __len__(self) -> int:
        return len(self._files)

    @property
    def is_settled(self) -> bool:
        """Whether there is none, as far as anybody knows."""
        return self.is_whole and not self._files

    @property
    def are_all_known(self) -> bool:
        """Whether each file that was ever made was told, if any was: the folder was watched before there was one."""
        return self._is_told_of_all

    @property
    def unseen(self) -> int:
        """Files that came after those that are open and that nobody can read, if there is nothing left to look at."""
        return max(self._unopened, int(not self.is_whole))

    @property
    def unread_bytes(self) -> int:
        """Bytes of plain content."""
        return sum(each.file.size or 0 for each in self._files)

    @property
    def removed_bytes(self) -> int:
        """Bytes of those that have no name any more: they take up room on the disk until they are read."""
        return sum(each.file.size or 0 for each in self._files if each.file.is_removed)

    def move(self, live: Path) -> None:
        """The live file has another path from now on."""
        self._live = live

    def tell(self, *, is_told: bool) -> None:
        """From now on `created` is called for every live file that is made, or no longer."""
        self._is_told = is_told
        if not is_told and self._has_jumped:  # what would have told how many went between is lost
            self._counts.gap(self.container)
        self._has_jumped = False
        if not is_told:  # where the folder went all was told until then
            self._is_told_of_all = self._is_told_of_all and not self._live.parent.exists()
        else:
            self._is_told_of_all = False
            self._unopened = 0
            self._present = set()
            with suppress(OSError):
                found = generations(self._live)
                self._expect([generation for generation in found if generation.version not in self._older])
                self._is_told_of_all = not found

    def start(
        self,
        unread: list[Generation],
        older: list[Generation],
        *,
        file: LogFile | None = None,
        after_gap: bool = False,
    ) -> LogFile:
        """Begin with the first of `unread`, which is `file` if that is open already; returns it.

        Raises:
            OSError: it cannot be opened, or was renamed just now (FileNotFoundError).
        """
        self.close()
        self._older = {generation.version for generation in older}
        self._present &= {generation.inode for generation in unread}  # an older one's number may be given again
        if file is None:
            file = self._opened(unread[0])
        else:
            if file.inode in self._present:
                self._present.discard(file.inode)
                self._untold.add(file.inode)
            self._counts.open_files += 1
        if after_gap and not self._is_told_of_all:
            self._counts.gap(self.container)
        return file

    def start_again(self, unread: list[Generation], older: list[Generation], *, file: LogFile | None = None) -> LogFile:
        """As `start`, after a file was cut: all of them are known, or copies of which nobody tells.

        Raises:
            OSError: as `start`.
        """
        self._expect([*older, *unread])
        return self.start(unread, older, file=file)

    def created(self, current: LogFile | None) -> None:
        """A live file was made: open it before it can go."""
        self._unopened += 1
        self._take_late()
        self._has_jumped = self._has_jumped and self._unopened < 0
        if current is not None:
            with suppress(OSError):  # whoever reads will be told of it
                self.look(current)

    def look(self, current: LogFile) -> None:
        """Open what came after `current`, the file being read, and those behind it.

        Raises:
            OSError: the directory, or the file that would be next, cannot be read.
        """
        self._drop_cut()
        newest = self._files[-1].file if self._files else current
        with suppress(FileNotFoundError):  # the container is gone, or a file got another name just now: look again
            self.is_whole = self._is_live(newest) or self._open_newer(newest)
            if self.is_whole and self._unopened > 0:
                self._counts.gap(self.container, files=self._unopened)
                self._unopened = 0

    def take(self) -> LogFile | None:
        """The next file to be read, if there is one; it is the caller's then."""
        if not self._files:
            return None
        successor = self._files.pop(0)
        if successor.after_gap:
            self._counts.gap(self.container)
        return successor.file

    def passed(self, file: LogFile) -> None:
        """It was read to its end."""
        self._older.add(file.version)
        self._present.discard(file.inode)  # the number may be given again

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
        self._untold.discard(file.inode)
        file.close()
        self._counts.open_files -= 1

    def _expect(self, found: list[Generation]) -> None:
        """That these are opened without having been told of."""
        self._present |= {generation.inode for generation in found}

    def _take_late(self) -> None:
        """What is told may have been there when we looked first: it waited in the kernel, or others were told of it."""
        with suppress(OSError):
            inode = self._live.stat(follow_symlinks=False).st_ino
            if inode in self._untold:
                self._unopened -= 1
            self._untold.discard(inode)
            self._present.discard(inode)

    def _drop_cut(self) -> None:
        """If the live file was cut while it waited, what was in it may stand in a copy: look for all of them again."""
        if self._files and self._files[-1].was_cut:
            with suppress(FileNotFoundError):
                self._expect(generations(self._live))
            self._counts.truncated += 1
            self.leave(self._files.pop().file)

    def _is_live(self, file: LogFile) -> bool:
        with suppress(FileNotFoundError):
            return self._live.stat(follow_symlinks=False).st_ino == file.inode
        return False

    def _open_newer(self, newest: LogFile) -> bool:
        """Whether all of them could be opened."""
        found = generations(self._live)
        newer = newer_than(found, newest)
        # It was removed. Rotation takes the oldest first: all that were not read are newer, others may have gone too.
        after_gap = newer is None and not self._is_told
        has_jumped = newer is None and self._is_told
        if newer is None:
            newer = [generation for generation in found if not self._is_older(generation)]
        else:
            self._older &= {generation.version for generation in found}
        for generation in newer:
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
            beginning = b"" if file.compressed else file.read(0, _BEGINNING_BYTES)
            self._files.append(Successor(file, after_gap, beginning, file.size or 0))
            after_gap = False
        self._has_jumped = self._has_jumped or (has_jumped and self._unopened < 0)
        return True

    def _is_older(self, generation: Generation) -> bool:
        return generation.version in self._older or (generation.compressed and head_of(generation) in self._heads)

    def _opened(self, generation: Generation) -> LogFile:
        file = LogFile(generation)
        if file.inode != generation.inode:
            file.close()
            raise FileNotFoundError(f"{generation.path} was renamed")
        self._counts.open_files += 1
        if file.inode in self._present:
            self._present.discard(file.inode)
            self._untold.add(file.inode)
        else:
            self._unopened -= 1
        return file
