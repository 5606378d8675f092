"""Directories and files that nobody else can have made or changed: ours or root's, not for others to write, no links.

Standard library only. One rule holds for all ways to run the agent: as root; as a service's user, whose directory
systemd makes for it; in a container as `--user 10001:0` with a directory of root's that group 0 may write to; with a
volume's own group (`fsGroup`). A group may write if it is root's, or one of this process in which nobody else is.
"""

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_ACL = "system.posix_acl_access"
_LINK = (errno.ELOOP, errno.EMLINK)


class Fault(NamedTuple):
    """What is wrong with the owner, the mode or the kind of something, as the end of a sentence; and a remedy."""

    cause: str
    remedy: str


def fault_of_directory(path: Path) -> Fault | None:
    """Why others may put something into a directory; None if they may not. Links to it are followed.

    Raises:
        OSError: it cannot be looked at.
    """
    found = path.stat()
    return _fault_of(path, found) or _of_writers(path, found)


def faults_below(directory: Path, names: Sequence[str]) -> Iterator[tuple[Path, Fault]]:
    """What others can have put below a directory under these names: links, files of theirs, pipes and sockets.

    Raises:
        OSError: it cannot be looked at.
    """
    waiting = [directory / name for name in names]
    while waiting:
        path = waiting.pop()
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        if fault := _fault_of(path, found) or _of_writers(path, found):
            yield path, fault
        elif stat.S_ISDIR(found.st_mode):
            waiting += path.iterdir()


def make_directory(path: Path) -> None:
    """Make a directory and those above it that are missing, for this user alone whatever the umask is.

    Raises:
        OSError: it cannot be made.
    """
    if not path.is_dir():
        make_directory(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)


def open_own(path: Path | str, flags: int, mode: int = 0o600) -> int:
    """Open a file, for `open` too (`opener`), if nobody else can have put it there.

    Raises:
        OSError: it cannot be opened, is a link, belongs to somebody else, or is no regular file.
    """
    try:
        descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK, mode)
    except OSError as error:
        if error.errno in _LINK:
            raise OSError(error.errno, "it is a link, which is not followed here", str(path)) from None
        raise
    if fault := _fault_of(Path(path), os.fstat(descriptor)):
        os.close(descriptor)
        raise PermissionError(errno.EPERM, f"it {fault.cause}", str(path))
    return descriptor


def _fault_of(path: Path, found: os.stat_result) -> Fault | None:
    if stat.S_ISLNK(found.st_mode):
        remedy = "put a file or directory in its place; a directory of another disk can be mounted there"
        return Fault("is a link, which is not followed", remedy)
    if not stat.S_ISREG(found.st_mode) and not stat.S_ISDIR(found.st_mode):
        return Fault("is neither a file nor a directory", "remove it")
    return None if _is_trusted(found.st_uid) else _of_another(path, found.st_uid)


def _of_writers(path: Path, found: os.stat_result) -> Fault | None:
    """Of a directory whether others may write to it."""
    mode = stat.S_IMODE(found.st_mode)
    everybody = bool(mode & stat.S_IWOTH)
    group_may = bool(mode & stat.S_IWGRP) and (_has_list(path) or not _is_our_group(found.st_gid))
    if not stat.S_ISDIR(found.st_mode) or not (everybody or group_may):
        return None
    who = "everybody" if everybody else f"the group {_group(found.st_gid)}"
    remedy = f"check that everything in it is yours, then run `chmod go-w {path}`, or set state_dir to another place"
    return Fault(f"is writable by {who} (mode {mode:04o})", remedy)


def _of_another(path: Path, owner: int) -> Fault:
    remedy = f"run as that user, or check what is in it and then run `chown -R {os.geteuid()} {path}`"
    return Fault(f"belongs to {_user(owner)}, but this process runs as {_user(os.geteuid())}", remedy)


def _is_trusted(owner: int) -> bool:
    return owner in (0, os.geteuid())


def _is_our_group(group: int) -> bool:
    """Whether none but us and root are in it."""
    if group == 0:
        return True
    if group not in (os.getegid(), *os.getgroups()):
        return False
    mine = {_user(os.geteuid()), _user(0)}
    members: set[str] = set()
    with suppress(KeyError):
        members.update(grp.getgrgid(group).gr_mem)
    members.update(each.pw_name for each in pwd.getpwall() if each.pw_gid == group)
    return members <= mine


def _has_list(path: Path) -> bool:
    """Whether an access list names users and groups of its own: the mode's group bits are then the most of them."""
    with suppress(OSError):
        return bool(os.getxattr(path, _ACL))
    return False


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"the user {number}"


def _group(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)
