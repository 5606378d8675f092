"""The files of one container's log: the live one and its rotated generations, plain or gzipped, and who is who.

Docker rotates `x-json.log` → `x-json.log.1` → `.2` …, and gzips all but the live one when `compress` is set
(moby `daemon/logger/loggerutils/logfile.go`). A file is known by the hash of its whole first line, which survives
rename, copy and compression; the inode only tells apart files with equal first lines.
"""

import os
import stat
import zlib
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from isal import igzip

_HEAD_READ_BYTES = 64 << 10
_HEADS = 32  # files with one first line are pieces of one line, time included: they follow closely on each other
MAX_RAW_LINE_BYTES = 16 << 20  # Docker writes at most about 100 KB; more in one line is no log


class Generation(NamedTuple):
    """One file of the log as it stands in the directory."""

    path: Path
    inode: int
    number: int  # 0 is the live file, 1 the one before …
    compressed: bool


class LogFile:
    """A log file that is open: reads at any offset of its (decompressed) content.

    A plain file may grow, be renamed or unlinked meanwhile; a gzipped one is read forward only, as a stream.
    """

    def __init__(self, generation: Generation) -> None:
        """Open it.

        Raises:
            OSError: as `open_regular`.
        """
        self.compressed = generation.compressed
        self._descriptor = open_regular(generation.path)
        self.inode = os.fstat(self._descriptor).st_ino
        self._stream: igzip.IGzipFile | None = None
        if self.compressed:
            self._plain = os.fdopen(os.dup(self._descriptor), "rb")
            self._stream = igzip.IGzipFile(fileobj=self._plain)  # type: ignore[no-untyped-call]

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end (a torn gzip file ends where it is torn)."""
        if self._stream is None:
            return os.pread(self._descriptor, size, offset)
        try:
            if self._stream.tell() != offset:
                self._stream.seek(offset)  # type: ignore[no-untyped-call]
            return self._stream.read(size)
        except (EOFError, zlib.error, igzip.BadGzipFile):
            return b""

    @property
    def size(self) -> int | None:
        """Bytes of content; None if compressed."""
        return None if self.compressed else os.fstat(self._descriptor).st_size

    @property
    def descriptor_path(self) -> str:
        """A path that leads to this very file whatever its name is now."""
        return f"/proc/self/fd/{self._descriptor}"

    def head(self) -> str | None:
        """Hash of the whole first line in hex; None while there is no whole line. A line over the bound is cut."""
        content = b""
        while (end := content.find(b"\n")) < 0:
            more = self.read(len(content), _HEAD_READ_BYTES)
            content += more
            if len(content) >= MAX_RAW_LINE_BYTES:
                end = MAX_RAW_LINE_BYTES - 1
                break
            if not more:
                return None
        return blake2b(content[: end + 1], digest_size=16).hexdigest()

    def close(self) -> None:
        """Give the descriptors back; may be called twice."""
        if self._descriptor >= 0:
            if self._stream is not None:
                self._stream.close()
                self._plain.close()
            os.close(self._descriptor)
            self._descriptor = -1


def open_regular(path: Path) -> int:
    """Open a file of somebody else's tree for reading: a link is not followed, a pipe not waited for.

    Raises:
        OSError: it cannot be opened, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path} is no regular file")
    return descriptor


def generations(live: Path) -> list[Generation]:
    """The files of the log whose live file is `live`, oldest first. Of `.1` and `.1.gz` the plain one counts.

    Raises:
        OSError: the directory cannot be read.
    """
    found: dict[int, Generation] = {}
    with os.scandir(live.parent) as entries:
        for entry in entries:
            if (number := _number(entry.name, live.name)) is None:
                continue
            compressed = entry.name.endswith(".gz")
            if (number in found and compressed) or not entry.is_file(follow_symlinks=False):
                continue
            found[number] = Generation(Path(entry.path), entry.inode(), number, compressed)
    return [found[number] for number in sorted(found, reverse=True)]


def newer_than(found: list[Generation], inode: int, head: str | None) -> list[Generation] | None:
    """Those of `found` that are newer than the file with this inode; None if it is no longer among them.

    Once it was compressed only its first line tells which one it is. Of several with equal first lines the oldest is
    taken: lines are rather read twice than never.
    """
    for number, generation in enumerate(found):
        if generation.inode == inode:
            return found[number + 1 :]
    for number, generation in enumerate(found):
        if head is not None and generation.compressed and head_of(generation) == head:
            return found[number + 1 :]
    return None


def head_of(generation: Generation) -> str | None:
    """Its identity; None if it has none yet, or is gone.

    Raises:
        OSError: it cannot be read.
    """
    try:
        file = LogFile(generation)
    except FileNotFoundError:
        return None
    try:
        return file.head()
    finally:
        file.close()


def keep_ordinal(ordinals: dict[str, int], head: str, ordinal: int) -> None:
    """Note the last ordinal given to files that begin with this line; of many such lines the newest are kept."""
    ordinals.pop(head, None)
    ordinals[head] = ordinal
    while len(ordinals) > _HEADS:
        del ordinals[next(iter(ordinals))]


def size_of(generation: Generation) -> int:
    """Bytes of its content, as far as they are known without reading it."""
    try:
        return 0 if generation.compressed else generation.path.stat().st_size
    except OSError:
        return 0


def _number(name: str, live: str) -> int | None:
    """The generation that a file's name tells: `x` is 0, `x.1` and `x.1.gz` are 1; None for any other file."""
    if not name.startswith(live):
        return None
    rest = name[len(live) :]
    if not rest:
        return 0
    digits = rest.removesuffix(".gz")[1:]
    return int(digits) if rest[0] == "." and digits.isascii() and digits.isdigit() else None
