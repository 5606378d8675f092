"""Documents that are in no block yet → a file that is read again after a crash: frames, each with its length before it.

A frame is a zstd frame with a checksum. One that is cut off was never acknowledged: it is cut away.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from collector.files.writing import fsync_directory

from .head import DAMAGE, unpacked
from .zstandard import zstd

NAME = "journal"
_LENGTH_BYTES = 4
_QUICK: dict[int, int] = {zstd.CompressionParameter.compression_level: 1, zstd.CompressionParameter.checksum_flag: 1}


class Entry(NamedTuple):
    """Documents whose ids begin alike, with their numbers as 64-bit integers."""

    prefix: str
    numbers: bytes
    documents: list[bytes]


class DamagedJournalError(ValueError):
    """A frame in front of others cannot be read."""


class Journal:
    """The file in `directory`, made with the first entries.

    All may raise an OSError.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / NAME
        self._file = -1
        self._end = 0

    def read(self) -> Iterator[list[Entry]]:
        """What it has, frame by frame; to be called before anything else.

        Raises:
            DamagedJournalError: a frame in the middle cannot be read.
        """
        data = self.path.read_bytes() if self.path.exists() else b""
        while self._end < len(data):
            start = self._end + _LENGTH_BYTES
            end = start + int.from_bytes(data[self._end : start], "little")
            if end > len(data):
                return
            try:
                entries = msgspec.msgpack.decode(unpacked(data[start:end]), type=list[Entry])
            except DAMAGE as error:
                if end < len(data):
                    raise DamagedJournalError(f"{self.path.name} cannot be read at byte {start}") from error
                return
            yield entries
            self._end = end

    def append(self, entries: list[Entry]) -> None:
        """Write entries; durable when it returns."""
        frame = zstd.compress(msgspec.msgpack.encode(entries), options=_QUICK)
        data = len(frame).to_bytes(_LENGTH_BYTES, "little") + frame
        file = self._open()
        if os.fstat(file).st_ino != self.path.stat().st_ino:
            raise FileNotFoundError(2, "the journal was removed", str(self.path))
        done = 0
        while done < len(data):
            done += os.pwrite(file, data[done:], self._end + done)
        os.fdatasync(file)
        self._end += len(data)

    def clear(self) -> None:
        """Forget all: it is in blocks."""
        if self._end:
            os.ftruncate(self._open(), 0)
            self._end = 0

    def close(self) -> None:
        """Give the file back; may be called twice."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _open(self) -> int:
        if self._file < 0:
            is_new = not self.path.exists()
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.ftruncate(self._file, self._end)
            if is_new:
                fsync_directory(self.path.parent)
        return self._file
