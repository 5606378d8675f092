"""A path as somebody writes it → where it leads, and the content of the file there: bounded in bytes and in time.

Standard library only. Files, environment and command line are read alike: `~` is a home wherever a path is taken.
"""

import errno
import os
import select
import stat
import time
from pathlib import Path

MOST_BYTES = 1 << 20  # of a secret, a bundle of certificates (the system's has 0.2 MB) or a configuration
WAIT_SECONDS = 5.0  # for whoever writes into a pipe, as `<(command)` of a shell is one
_MOST_PATH_BYTES = 2048  # Linux takes 4095; what we put behind a directory has room
_MOST_NAME_BYTES = 240  # Linux takes 255; rotated files get a number behind their name
_PIECE_BYTES = 1 << 16


def path_of(text: object) -> Path:
    """Where it leads, `~` and `~user` at its beginning being homes.

    Raises:
        ValueError: no file can have this path, or there is no such home.
    """
    if isinstance(text, Path):
        text = str(text)
    if not isinstance(text, str):
        raise ValueError("should be a path; put it in quotes")
    if not text.strip():
        raise ValueError("is empty; name a file or directory, or leave the key out")
    try:
        found = Path(text).expanduser()
        raw = os.fsencode(found)
    except RuntimeError:
        raise ValueError("begins with ~, but that home directory does not exist; write the full path") from None
    except UnicodeEncodeError:
        raise ValueError("contains a character that is not allowed in a path; retype it") from None
    if b"\0" in raw:
        raise ValueError("contains a NUL character, which is not allowed in a path; retype it")
    if len(raw) > _MOST_PATH_BYTES or any(len(name) > _MOST_NAME_BYTES for name in raw.split(b"/")):
        raise ValueError(f"is too long; {_MOST_PATH_BYTES} bytes at most, and {_MOST_NAME_BYTES} in each name of it")
    return found


def content(path: Path, *, most_bytes: int = MOST_BYTES, wait_seconds: float = WAIT_SECONDS) -> bytes:
    """All of a file, or of what a pipe gives until its writer closes it.

    Raises:
        OSError: it cannot be read, is larger (EFBIG), or nothing came in time (ETIMEDOUT).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    try:
        return _all_of(descriptor, most_bytes, time.monotonic() + wait_seconds)
    finally:
        os.close(descriptor)


def file(path: Path) -> Path:
    """The path itself, where others open it themselves: they would wait for ever for what writes into a pipe.

    Raises:
        OSError: there is no such file, or it is no regular one (EINVAL).
    """
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError(errno.EISDIR if path.is_dir() else errno.EINVAL, "it is not a regular file")
    return path


def _all_of(descriptor: int, most_bytes: int, deadline: float) -> bytes:
    pieces: list[bytes] = []
    size = 0
    ready = select.poll()
    ready.register(descriptor, select.POLLIN)
    while ready.poll(max(0.0, deadline - time.monotonic()) * 1000):
        piece = os.read(descriptor, _PIECE_BYTES)
        if not piece:
            return b"".join(pieces)
        pieces.append(piece)
        size += len(piece)
        if size > most_bytes:
            raise OSError(errno.EFBIG, f"it is larger than {most_bytes >> 10} KiB")
    raise OSError(errno.ETIMEDOUT, "no more data came, and it was not closed")
