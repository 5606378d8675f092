"""Content → files: an operator's, whose directory is made if it is missing, and our own, whole and lasting."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from collector.errors import PilotfishError
from collector.files.ownership import open_own


def write(path: Path, content: bytes) -> None:
    """Put an operator's file there, over what is there: a link, an owner and a mode of theirs stay.

    Raises:
        PilotfishError: that cannot be.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise PilotfishError(
            f"{path} cannot be written ({error.strerror})", "use a directory that this user can write to"
        ) from None


@contextmanager
def replacing(path: Path, *, older: Path | None = None, lasts: bool = True) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of the one at `path` when the block ends; that one becomes `older`.

    Whatever ends us, and a power cut if it `lasts`, one whole file is at `path`, or at `older` alone. Until the block
    ends the new one is `<name>.new`; a process that was killed leaves it there, and the next one writes over it.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    aside = path.with_name(f"{path.name}.new")
    with open(aside, "wb", opener=open_own) as file:
        try:
            yield file
            file.flush()
            if lasts:
                os.fsync(file.fileno())
            if older is not None and path.exists():
                path.replace(older)
            aside.replace(path)
        except BaseException:
            with suppress(OSError):
                aside.unlink()
            raise
    if lasts:
        fsync_directory(path.parent)


def replace(path: Path, content: bytes, *, older: Path | None = None, lasts: bool = True) -> None:
    """Make this the content of a file of ours, as `replacing` does.

    Raises:
        OSError: it cannot be written; what was there is as it was.
    """
    with replacing(path, older=older, lasts=lasts) as file:
        file.write(content)


def place(path: Path, content: bytes) -> None:
    """Make a file of ours, whole and lasting or not at all; if another process makes it first, that one stays.

    Raises:
        OSError: it cannot be written.
    """
    descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600; one for each process
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(made, path)
    finally:
        Path(made).unlink()
    fsync_directory(path.parent)


def fsync_directory(directory: Path, *, parents: int = 0) -> None:
    """Make the names in a directory last, and in so many above it: what was made there is there after a power cut.

    Raises:
        OSError: it did not work.
    """
    for each in (directory, *list(directory.parents)[:parents]):
        descriptor = os.open(each, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
