"""The state directory: made, found to be ours, and locked by one agent at a time.

Whoever writes there chooses the token of the API, and what counts as delivered. So it belongs to this user or to root,
as does all that is in it, and no one else may write to it (`collector.files.ownership`). No link in it is followed.
The lock is the kernel's, so that it ends with the process however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import StateError, StateInUse
from collector.files import ownership
from collector.state import places

_FILES = (places.LOCK, places.TOKEN_FILE, places.ADDRESS_FILE, places.HOST_FILE)
_DIRECTORIES = (places.POSITIONS, places.SPOOL, places.DEAD_LETTERS, places.OUTPUTS, places.WORKERS, places.ALERTS)


@contextmanager
def locked(directory: Path) -> Iterator[Path]:
    """Own the directory while the context lasts; it is made when it is missing.

    Raises:
        StateInUse: another agent has it.
        StateError: it cannot be made or written, or is not ours alone.
    """
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        check(directory)
        descriptor = ownership.open_own(directory / places.LOCK, os.O_RDWR | os.O_CREAT)
    except OSError as error:
        raise _unusable(directory, error) from None
    try:
        _take(descriptor, directory)
        yield directory
    finally:
        os.close(descriptor)


def check(directory: Path) -> None:
    """See that nobody else can have put anything there, or can, and that no file stands in a directory's place.

    Raises:
        StateError: somebody can, or one does.
        OSError: it cannot be looked at.
    """
    if fault := ownership.fault_of_directory(directory):
        raise StateError(f"the state directory {directory} {fault.cause}", fault.remedy)
    for path, fault in ownership.faults_below(directory, (*_FILES, *_DIRECTORIES)):
        remedy = "remove it; a new one is created at the next start" if path.name == places.TOKEN_FILE else fault.remedy
        raise StateError(f"{path} in the state directory {fault.cause}", remedy)
    for path in (directory / name for name in _DIRECTORIES):
        if path.is_file():
            raise StateError(f"{path} is a file, but must be a directory", "move it away")


def _unusable(directory: Path, error: OSError) -> StateError:
    is_barred = isinstance(error, FileExistsError | NotADirectoryError)
    if is_barred and (file := next((one for one in (directory, *directory.parents) if one.is_file()), None)):
        cause = "is a file" if file == directory else f"cannot be created: {file} is a file"
        return StateError(f"the state directory {directory} {cause}", "set state_dir to a directory")
    return StateError(
        f"the state directory {directory} cannot be used ({error.strerror or error})",
        "give this user write access to it, or set state_dir to another place",
    )


def _take(descriptor: int, directory: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        owner = os.pread(descriptor, 32, 0).decode(errors="replace").strip()
        raise StateInUse(
            f"the state directory {directory} is in use by another agent (pid {owner or 'unknown'})",
            "stop that agent, or give this one its own state_dir",
        ) from None
    with suppress(OSError):  # the number is a help for people; a full disk must not keep the agent from starting
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
