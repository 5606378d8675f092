"""A folder beneath a root → a descriptor of it, found without following any link on the way.

One call (`openat2(2)`, Linux 5.6) where the kernel has it and lets us, else one folder after the other. Who writes the
tree may change it meanwhile: what was opened stays what it is, so files are opened by `path_in` the descriptor.
"""

import ctypes
import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

from collector.files.regular import open_regular

_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_OPENAT2 = 437  # on all machines that Python runs on but Alpha
_BENEATH, _NO_LINKS, _NO_MAGIC = 0x08, 0x04, 0x02  # linux/openat2.h, RESOLVE_…
_UNAVAILABLE = (errno.ENOSYS, errno.EPERM, errno.EAGAIN)  # an old kernel, a filter of calls, a tree that changes


class _How(ctypes.Structure):
    """`struct open_how`."""

    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)


def open_folder(root: str, folder: str) -> int:
    """Open the folder of this path beneath `root`, which is opened as it is named; to look in, not to read.

    Raises:
        OSError: it is not there, or there is a link on the way (ELOOP).
    """
    names = [name for name in folder.split("/") if name not in ("", ".")]
    if ".." in names or "\0" in folder:
        raise OSError(errno.EXDEV, "it leads out of its root", folder)
    top = os.open(root, _FOLDER)
    if not names:
        return top
    try:
        try:
            return _open_at_once(top, "/".join(names))
        except OSError as error:
            if error.errno not in _UNAVAILABLE:
                raise _named(error, f"{root.rstrip('/')}/{'/'.join(names)}") from None
        return _open_one_by_one(top, names)
    finally:
        os.close(top)


def open_child(folder: int, name: str) -> int:
    """Open a folder in an open one.

    Raises:
        OSError: it is not there, or no folder, or a link (ELOOP).
    """
    try:
        return os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=folder)
    except NotADirectoryError:
        with suppress(OSError):
            if stat.S_ISLNK(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
                raise _named(OSError(errno.ELOOP, ""), name) from None
        raise


def open_file(root: str, path: Path) -> int:
    """Open a regular file beneath `root`, for reading.

    Raises:
        OSError: it is not there, or no regular file, or there is a link on the way.
    """
    folder = open_folder(root, str(path.parent.relative_to(root)))
    try:
        return open_regular(path_in(folder, path.name))
    finally:
        os.close(folder)


def path_in(folder: int, name: str = "") -> Path:
    """A path that leads into this very folder, whatever its name is now."""
    return Path(f"/proc/self/fd/{folder}/{name}")


def _open_at_once(top: int, path: str) -> int:
    how = _How(_FOLDER, 0, _BENEATH | _NO_LINKS | _NO_MAGIC)
    found = int(_libc.syscall(_OPENAT2, top, os.fsencode(path), ctypes.byref(how), ctypes.sizeof(how)))
    if found < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return found


def _open_one_by_one(top: int, names: list[str]) -> int:
    folder = os.dup(top)
    for name in names:
        try:
            found = open_child(folder, name)
        finally:
            os.close(folder)
        folder = found
    return folder


def _named(error: OSError, path: str) -> OSError:
    """The kernel's own words, "too many levels of symbolic links", tell nobody what is wrong."""
    if error.errno == errno.ELOOP:
        return OSError(errno.ELOOP, "its folder is, or is in, a symbolic link, and links are not followed", path)
    return OSError(error.errno, error.strerror, path)
