"""One temporary directory per engine, named after the tests that own it, so that none outlives them for long."""

import os
import shutil
import tempfile
from pathlib import Path

from tests.engines import remains


def new_directory(name: str) -> Path:
    """An empty directory for an engine; discards those whose tests were killed before they could.

    Short: the path of a unix socket may have 107 bytes (unix(7)), and containerd puts its own deep inside.
    """
    for abandoned in Path(tempfile.gettempdir()).glob("pilotfish-*-*-*"):
        owner = abandoned.name.split("-")[2]
        if owner.isdecimal() and not Path("/proc", owner).exists():
            discard(abandoned)
    return Path(tempfile.mkdtemp(prefix=f"pilotfish-{name}-{os.getpid()}-"))


def discard(directory: Path) -> None:
    """Remove it with all that an engine in it may have left on the machine; may be called twice."""
    remains.clear(directory)
    shutil.rmtree(directory, ignore_errors=True)
