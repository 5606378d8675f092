"""What was really written, line by line, and in which files it lay: the truth that a delivery is held against.

A line is known by its container and its time, which the writer makes unique; its text is kept as a checksum of its
canonical form, so that a line that arrives as JSON and one that arrives as plain text are the same line.
"""

import re
import zlib
from collections.abc import Collection
from pathlib import Path

import msgspec
import orjson
from msgspec import Struct


class File(Struct):
    """One file's content: when it lost its last name, and which process had it open then (0: none)."""

    inode: int
    removed_at: float | None = None
    held_by: int = 0


class Container(Struct):
    """Whose lines they are, and what its documents have to say of it."""

    name: str
    target: str
    files: list[File] = msgspec.field(default_factory=list)

    @property
    def index(self) -> str:
        """The index of its documents without the day: in the servers' alphabet, never empty."""
        return re.sub("[^a-z0-9._-]", "_", self.target.lower()).lstrip("._-+")[:200] or "unnamed"


class Line(Struct, array_like=True, gc=False):
    """One line of the application: `first` and `last` number the files that its pieces lie in.

    `oversized` says that it may arrive in several documents or cut, so only its arrival is looked at.
    """

    time: str
    stream: str
    digest: int
    first: int
    last: int
    size: int
    oversized: bool = False


class Written(Struct):
    """All containers of a scenario with their lines, in order."""

    containers: list[Container] = msgspec.field(default_factory=list)
    lines: dict[str, list[Line]] = msgspec.field(default_factory=dict)

    @property
    def count(self) -> int:
        """Lines of the application."""
        return sum(map(len, self.lines.values()))

    def merge(self, other: "Written") -> None:
        """Take over what another writer wrote into containers of its own."""
        self.containers += other.containers
        self.lines |= other.lines

    def save(self, path: Path) -> None:
        """Write it aside."""
        path.write_bytes(msgspec.msgpack.encode(self))

    @classmethod
    def load(cls, path: Path) -> "Written":
        """Read what `save` wrote."""
        return msgspec.msgpack.decode(path.read_bytes(), type=cls)


def is_readable(container: Container, line: Line, ended: Collection[int]) -> bool:
    """Whether each file of the line has a name still, or was open, when it lost it, in a process that lived on."""
    return all(
        file.removed_at is None or (file.held_by and file.held_by not in ended)
        for file in container.files[line.first : line.last + 1]
    )


def digest(text: str) -> int:
    """Checksum of a line's text; JSON objects count by their content."""
    if text.lstrip(" \t\r\n")[:1] == "{":
        try:
            return zlib.crc32(orjson.dumps(orjson.loads(text), option=orjson.OPT_SORT_KEYS))
        except orjson.JSONDecodeError:
            pass
    return zlib.crc32(text.encode())


def digest_of_log(log: dict[str, object]) -> int:
    """The same checksum, taken from a document's `log`."""
    message = log.get("message")
    if len(log) == 1 and isinstance(message, str):
        return digest(message)
    return zlib.crc32(orjson.dumps(log, option=orjson.OPT_SORT_KEYS))
