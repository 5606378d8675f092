"""Documents that a destination will never take → NDJSON files with the reason, capped, fsynced before they count.

One directory per output. A line is `{"reason": …, "detail": …, "time": …, "_id": …, "target": …, "day": …,
"document": {…}}`. When the cap is reached the oldest file goes, and its letters are counted as dropped.
"""

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import orjson

from collector.model import Rejected
from collector.state import fsync_directory

_FILES = 8  # the cap is given up in such shares, oldest first
_NAME = re.compile(r"[0-9]{8}\.ndjson")  # what an operator put beside them is left alone


class DeadLetters:
    """The dead letters of one output, in `directory`."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes

    def append(self, letters: Sequence[Rejected]) -> int:
        """Keep `letters` for good; returns how many older ones had to go for them. Blocks.

        Raises:
            OSError: they could not be written; nothing is promised of any of them.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._current()
        body = b"".join(_line(letter) for letter in letters)
        with path.open("ab+", buffering=0) as file:  # a buffer would be written once more when the file is closed
            start = file.tell()
            if start and os.pread(file.fileno(), 1, start - 1) != b"\n":
                body = b"\n" + body  # half a line, left by a crash, must not spoil the next one
            try:
                while body:
                    body = body[file.write(body) :]
                os.fsync(file.fileno())
            except OSError:
                os.truncate(path, start)
                raise
        if not start:
            fsync_directory(self._directory)
        path.chmod(0o600)
        return self._make_room(path)

    def _files(self) -> list[Path]:
        return sorted(path for path in self._directory.glob("*.ndjson") if _NAME.fullmatch(path.name))

    def _current(self) -> Path:
        files = self._files()
        if files and files[-1].stat().st_size < self._max_bytes // _FILES:
            return files[-1]
        number = int(files[-1].stem) + 1 if files else 1
        return self._directory / f"{number:08d}.ndjson"

    def _make_room(self, current: Path) -> int:
        files = self._files()
        sizes = {path: path.stat().st_size for path in files}
        dropped = 0
        for path in files:
            if sum(sizes.values()) <= self._max_bytes or path == current:
                break
            with path.open("rb") as file:
                dropped += sum(1 for _ in file)
            path.unlink()
            del sizes[path]
        return dropped


def _line(letter: Rejected) -> bytes:
    segment = letter.segment
    head = {
        "reason": letter.type,
        "detail": letter.reason[:1000],
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "_id": segment.ids[letter.index],
        "target": segment.stream.target,
        "day": segment.day,
    }
    # Spliced, not decoded: what a destination cannot read must be kept as it is.
    return orjson.dumps(head)[:-1] + b',"document":' + segment.documents[letter.index] + b"}\n"
