"""Content → a file of an operator's, below a directory that is made if it is missing."""

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
        raise PilotfishError(f"{path} cannot be written ({error.strerror})", "name a directory of yours") from None
