"""Records that the positions do not cover → removed: their documents are read again, and stand in other records."""

import os
import re
from pathlib import Path

from collector.files.ownership import open_own
from collector.files.writing import fsync_directory
from collector.state.positions_file import SpoolMark

NAME = re.compile(r"[0-9]{8}\.spool")  # what an operator put beside them is left alone


def remove_behind(directory: Path, covered: SpoolMark) -> None:
    """Remove the records behind that place, for good: whoever reads their documents again must not find them here.

    Raises:
        OSError: they cannot be removed.
    """
    paths = [path for path in directory.glob("*.spool") if NAME.fullmatch(path.name)]
    for path in paths:
        if int(path.stem) > covered.file:
            path.unlink()
        elif int(path.stem) == covered.file and path.stat().st_size > covered.end:
            with open(path, "r+b", opener=open_own) as opened:
                opened.truncate(covered.end)
                os.fsync(opened.fileno())
    if paths:
        fsync_directory(directory)
