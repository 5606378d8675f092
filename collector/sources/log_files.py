"""The files of one log: the live one and its rotated generations, plain or gzipped, and who is who.

Docker rotates `x-json.log` → `x-json.log.1` → `.2` …, and gzips all but the live one when `compress` is set
(moby `daemon/logger/loggerutils/logfile.go`); others have names with dates (`files.rotated`). A file is known by the
hash of its whole first line, which survives rename, copy and compression; the inode only tells apart files with equal
first lines.
"""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from collector.files.regular import open_regular
from collector.files.rotated import generation
from collector.sources.fingerprint import LAST_LINE_BYTES, fingerprint, last_line
from collector.sources.gunzip import Gunzip, crc_of, trailer

_ENDLESS = 1 << 62
_HEAD_READ_BYTES = 64 << 10
MAX_RAW_LINE_BYTES = 2 << 20  # Docker writes at most about 100 KB and the attributes of a container


class Generation(NamedTuple):
    """One file of the log as it stands in the directory."""

    path: Path
    inode: int
    number: int  # 0 is the live file, and the older one the larger: `files.rotated.generation`
    compressed: bool

    @property
    def version(self) -> tuple[int, int] | None:
        """As `LogFile.version`; None if it is gone."""
        try:
            found = self.path.stat(follow_symlinks=False)
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns


class State(NamedTuple):
    """What changes when anything is written to a file."""

    inode: int
    size: int
    changed: int


class LogFile:
    """A log file that is open: reads at any offset of its (decompressed) content.

    A plain file may grow, be renamed or unlinked meanwhile; a gzipped one is read forward only, as a stream.
    """

    __slots__ = ("_descriptor", "_gunzip", "compressed", "inode")

    def __init__(self, found: Generation) -> None:
        """Open it.

        Raises:
            OSError: as `open_regular`.
        """
        self.compressed = found.compressed
        self._descriptor = open_regular(found.path)
        self.inode = os.fstat(self._descriptor).st_ino
        self._gunzip = Gunzip(self._descriptor) if self.compressed else None

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end (a torn gzip file ends where it is torn)."""
        return os.pread(self._descriptor, size, offset) if self._gunzip is None else self._gunzip.read(offset, size)

    @property
    def size(self) -> int | None:
        """Bytes of content; None if compressed."""
        return None if self.compressed else os.fstat(self._descriptor).st_size

    @property
    def state(self) -> tuple[int, int] | None:
        """Bytes of content, and when they were written last; None if compressed."""
        if self.compressed:
            return None
        found = os.fstat(self._descriptor)
        return found.st_size, found.st_mtime_ns

    @property
    def version(self) -> tuple[int, int]:
        """What tells it apart from others with this inode: numbers are given again."""
        found = os.fstat(self._descriptor)
        return found.st_ino, found.st_mtime_ns

    def changed(self) -> int:
        """When it was last written, in nanoseconds since 1970; 0 once it is closed."""
        return os.fstat(self._descriptor).st_mtime_ns if self._descriptor >= 0 else 0

    def end(self) -> int:
        """Bytes of content that there are now; of a compressed file, which is whole, more than any has."""
        return _ENDLESS if self._descriptor < 0 or (size := self.size) is None else size

    @property
    def is_removed(self) -> bool:
        """Whether it has no name any more: its room on the disk is free once it is closed."""
        return os.fstat(self._descriptor).st_nlink == 0

    @property
    def is_torn(self) -> bool:
        """Whether it is a gzip file that ends, as far as it was read, before its end."""
        return self._gunzip is not None and self._gunzip.is_torn

    @property
    def descriptor_path(self) -> str:
        """A path that leads to this very file whatever its name is now."""
        return f"/proc/self/fd/{self._descriptor}"

    def head(self) -> str | None:
        """Hash of the whole first line in hex; None while there is no whole line. A line over the bound is cut."""
        content = b""
        while (end := content.find(b"\n", 0, MAX_RAW_LINE_BYTES)) < 0:
            if len(content) >= MAX_RAW_LINE_BYTES:
                end = MAX_RAW_LINE_BYTES - 1
                break
            more = self.read(len(content), _HEAD_READ_BYTES)
            if not more:
                return None
            content += more
        return blake2b(content[: end + 1], digest_size=16).hexdigest()

    def line_before(self, offset: int) -> bytes | None:
        """The end of the last line before `offset` (`fingerprint.last_line`); None if the file is shorter than that."""
        size = min(offset, LAST_LINE_BYTES + 1)
        content = self.read(offset - size, size)
        return last_line(content) if len(content) == size else None

    def holds(self, offset: int, print_of_line: str) -> bool:
        """Whether it is as it was when reading came to `offset`, as far as the line before tells ("": not known)."""
        line = self.line_before(offset)
        return line is not None and print_of_line in ("", fingerprint(line))

    def is_compressed_in(self, other: Generation) -> bool:
        """Whether that gzip file holds what this plain one does, by the length and the CRC that it tells.

        Raises:
            OSError: it cannot be opened or read.
        """
        if self.compressed or not other.compressed:
            return False
        descriptor = open_regular(other.path)
        try:
            crc, size = trailer(descriptor)
        finally:
            os.close(descriptor)
        return size == (self.size or 0) % 2**32 and crc == crc_of(self._descriptor)

    def close(self) -> None:
        """Give the descriptor back; may be called twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def generations(live: Path) -> list[Generation]:
    """The files of the log whose live file is `live`, oldest first. Of `.1` and `.1.gz` the plain one counts.

    Raises:
        OSError: the directory cannot be read.
    """
    found: dict[tuple[int, str], Generation] = {}
    with os.scandir(live.parent) as entries:
        for entry in entries:
            if (number := generation(entry.name, live.name)) is None:
                continue
            compressed = number > 0 and entry.name.endswith(".gz")
            key = number, entry.name.removesuffix(".gz") if compressed else entry.name
            if (key in found and compressed) or not entry.is_file(follow_symlinks=False):
                continue
            found[key] = Generation(Path(entry.path), entry.inode(), number, compressed)
    return [found[key] for key in sorted(found, reverse=True)]


def newer_than(found: list[Generation], file: LogFile) -> list[Generation] | None:
    """Those of `found` that are newer than the open `file`; None if it is no longer among them.

    Of compressed files that are byte for byte equal the newest counts: it is the one that was compressed last.

    Raises:
        OSError: one of them cannot be read.
    """
    for number in reversed(range(len(found))):
        if found[number].inode == file.inode or file.is_compressed_in(found[number]):
            return found[number + 1 :]
    return None


def head_of(found: Generation) -> str | None:
    """Its identity; None if it has none yet, or is gone.

    Raises:
        OSError: it cannot be read.
    """
    try:
        file = LogFile(found)
    except FileNotFoundError:
        return None
    try:
        return file.head()
    finally:
        file.close()


def is_kept(live: str, head: str) -> bool:
    """Whether a file with this identity has a name still, in the log with this live file; True if nobody can tell."""
    try:
        return any(head_of(one) == head for one in generations(Path(live)))
    except FileNotFoundError:
        return False
    except OSError:
        return True


def state_of(path: Path) -> State | None:
    """That of a file by its name; None if there is none."""
    with suppress(OSError):
        found = path.stat(follow_symlinks=False)
        return State(found.st_ino, found.st_size, found.st_mtime_ns)
    return None
