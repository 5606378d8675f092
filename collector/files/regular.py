"""A path in somebody else's tree → a file that is open, and no link, pipe or device in its place."""

import errno
import os
import stat
from pathlib import Path


def open_regular(path: Path) -> int:
    """Open a file of somebody else's tree for reading: a link is not followed, a pipe not waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _link(path) if error.errno == errno.ELOOP else error from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is not a regular file")
    return descriptor


def refusal(live: Path) -> OSError | None:
    """Why a live file that is there is never opened; None if it is a file, or is not there."""
    try:
        mode = live.stat(follow_symlinks=False).st_mode
    except OSError:
        return None
    if stat.S_ISLNK(mode):
        return _link(live)
    return None if stat.S_ISREG(mode) else OSError(errno.EINVAL, "it is not a regular file", str(live))


def _link(path: Path) -> OSError:
    """The kernel's own words, "too many levels of symbolic links", tell nobody what is wrong."""
    return OSError(errno.ELOOP, "it is a symbolic link, and links are not followed", str(path))
