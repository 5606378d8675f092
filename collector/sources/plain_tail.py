"""A log of plain lines in somebody else's folder → chunks of whole lines, as `file_tail` reads a container's.

The folder is opened beneath a root without following a link, and files are opened in that very folder: whoever writes
the tree can lead nobody out of it. Once a second it is looked whether the same folder stands there still.
"""

import os
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from collector.files import beneath
from collector.model import Chunk, LogStream
from collector.sources.file_tail import FileTail
from collector.sources.watcher import Watcher

_LOOK_SECONDS = 1.0
_NOWHERE = -1  # the descriptor of no folder: nothing stands below its path


class PlainTail(FileTail):
    """The source of one stream whose `path` is beneath its `root`. A file may be made, or come again, at any time."""

    is_forgotten = False
    _folder = _NOWHERE
    _due = 0.0

    def __init__(self, stream: LogStream, watcher: Watcher, **options: Any) -> None:
        """As `FileTail`; nothing is opened yet."""
        super().__init__(stream, watcher, **options)
        self._go_over(_NOWHERE)

    def close(self) -> None:
        """Close every file, and the folder."""
        super().close()
        self._go_over(_NOWHERE)

    @staticmethod
    def _without_older(chunk: Chunk, cutoff: str) -> tuple[Chunk, bool]:
        """Plain lines have no time: those of a file that was last written before `cutoff` are older."""
        written = datetime.fromtimestamp(chunk.changed() / 1e9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        return (replace(chunk, data=b"", start=chunk.end), False) if written < cutoff else (chunk, True)

    def _follow_directory(self) -> None:
        """As that of every log, in the folder that stands there now.

        Raises:
            OSError: there is a link on the way, or it cannot be looked into.
        """
        if (now := time.monotonic()) >= self._due or self._folder == _NOWHERE:
            self._due = now + _LOOK_SECONDS
            with suppress(*((OSError,) if self.is_removed else (FileNotFoundError, NotADirectoryError))):
                self._look_at_folder()
        if self._folder != _NOWHERE:
            super()._follow_directory()

    def _look_at_folder(self) -> None:
        path = Path(self.stream.path).parent
        found = beneath.open_folder(self.stream.root, str(path.relative_to(self.stream.root)))
        if self._folder != _NOWHERE and os.path.samestat(os.fstat(found), os.fstat(self._folder)):
            os.close(found)
        else:
            self._go_over(found)

    def _go_over(self, folder: int) -> None:
        """To another folder, in which the log is from now on."""
        before, self._folder = self._folder, folder
        self._log.move(beneath.path_in(folder, Path(self.stream.path).name))
        if before != _NOWHERE:
            self._watcher.unfollow(self._created)
            self._is_followed = False
            os.close(before)
