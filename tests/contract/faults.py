"""Faults of the machine that a test can bring about for real."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """No file of this process grows over `size` bytes: a write is cut short there, then fails, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Unsyncable:
    """A state directory, `path`, that cannot be synced until it is `mended`; `below` is one in it.

    The kernel syncs no directory of procfs, and one there leads to the working directory, which is `room`.
    """

    def __init__(self, room: Path) -> None:
        self.path = room / "state"
        self.below = self.path / "cwd"
        self._sound = room / "sound"
        (self._sound / "cwd").mkdir(parents=True)
        os.chdir(self._sound / "cwd")
        self.path.symlink_to("/proc/self")

    def mend(self) -> None:
        """From now on it is a directory like any other, with the same in it."""
        self.path.unlink()
        self.path.symlink_to(self._sound)
