"""Content → files that last: an operator's, whose directory is made if it is missing, and our own."""

import os
from pathlib import Path

from collector.errors import PilotfishError


def write(path: Path, content: bytes) -> None:
    """Put it there, over what is there.

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


def fsync_directory(directory: Path) -> None:
    """Make the names in a directory last: a file that was made or renamed is there after a power cut.

    Raises:
        OSError: it did not work.
    """
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
