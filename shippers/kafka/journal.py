"""What was committed in transactions, on disk: a line before each of them and one behind it.

So a segment that is sent again is known, and of at most one transaction nobody knows the end after a crash: the last.
The first line names who commits; a line of a transaction has its number, topic and segments, by the token of each;
its end has the number, and whether it was committed. When the file is large it
becomes `journal.1`, and the one before that is removed: what is older is not known any more.
"""

import fcntl
import os
import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec import Struct

from collector.errors import UNREADABLE
from collector.files.writing import fsync_directory

_FILE, _OLDER, _LOCK = "journal", "journal.1", "lock"
_MOST_BYTES = 1 << 20


class Intent(Struct, frozen=True, tag="begin"):
    """A transaction that is to be made, and may be committed.

    `segments` are the tokens of those in it; `refused` the ids of documents that it leaves out, by token.
    """

    number: int
    topic: str
    segments: list[str]
    refused: dict[str, list[str]] = {}


class End(Struct, frozen=True, tag="end"):
    """What became of it."""

    number: int
    is_committed: bool


class Name(Struct, frozen=True, tag="name"):
    """Who commits: part of the `transactional.id`, for good."""

    name: str


_decode = msgspec.json.Decoder(Name | Intent | End).decode


class Journal:
    """Blocks: call it in a thread. Only one process has it open."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._file: BinaryIO | None = None
        self._lock = ExitStack()  # open while it is locked
        self._committed: list[dict[str, list[str]]] = [{}, {}]  # of the older file, and of the newer
        self.name = ""
        self.number = 0
        self.doubt: Intent | None = None

    def open(self) -> None:
        """Read it, or begin one.

        Raises:
            BlockingIOError: another process has it open.
            OSError: it cannot be read or written.
        """
        if self._file is not None:
            return
        self._directory.mkdir(parents=True, exist_ok=True)
        fcntl.flock(self._lock.enter_context((self._directory / _LOCK).open("wb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
        for age, name in enumerate((_OLDER, _FILE)):
            with suppress(FileNotFoundError):
                self._read((self._directory / name).read_bytes(), age)
        self._begin(self._directory / _FILE)

    def refused_of(self, token: str) -> Sequence[str] | None:
        """The refused documents of a segment that was committed; None if it was not, as far as is known."""
        newer = self._committed[1].get(token)
        return self._committed[0].get(token) if newer is None else newer

    def intend(self, topic: str, segments: Sequence[str], refused: Mapping[str, list[str]]) -> Intent:
        """Note a transaction before it is made; on disk when this returns.

        Raises:
            OSError: it cannot be written.
        """
        self._rotate()
        intent = Intent(self.number + 1, topic, list(segments), dict(refused))
        self._write(intent)
        os.fsync(self._opened.fileno())
        self.number, self.doubt = intent.number, intent
        return intent

    def settle(self, *, is_committed: bool) -> None:
        """Note what became of the last one.

        Raises:
            OSError: it cannot be written.
        """
        if self.doubt is None:
            return
        end = End(self.doubt.number, is_committed)
        self._write(end)
        self._take(end, 1)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._leave_file()
        self._lock.close()

    def _leave_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    @property
    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise OSError("the journal is closed")
        return self._file

    def _read(self, content: bytes, age: int) -> None:
        for line in content.splitlines():
            with suppress(*UNREADABLE):  # the last one, if it was cut off: nothing was sent then
                entry = _decode(line)
                if isinstance(entry, Name):
                    self.name = entry.name
                elif isinstance(entry, Intent):
                    self.number, self.doubt = entry.number, entry
                else:
                    self._take(entry, age)

    def _take(self, end: End, age: int) -> None:
        if self.doubt is not None and self.doubt.number == end.number:
            if end.is_committed:
                self._committed[age] |= {token: self.doubt.refused.get(token, []) for token in self.doubt.segments}
            self.doubt = None

    def _begin(self, path: Path) -> None:
        """Append from here on, behind whole lines; say whose it is."""
        is_named = bool(self.name)
        self.name = self.name or secrets.token_hex(8)
        self._file = path.open("ab", buffering=0)
        if not is_named or not path.stat().st_size:
            self._write(Name(self.name))
            fsync_directory(self._directory)
        else:
            self._file.write(b"\n")  # behind a line that was cut off

    def _rotate(self) -> None:
        path = self._directory / _FILE
        if path.stat().st_size < _MOST_BYTES or self.doubt is not None:
            return
        self._leave_file()
        path.replace(self._directory / _OLDER)
        self._committed = [self._committed[1], {}]
        self._begin(path)

    def _write(self, entry: Name | Intent | End) -> None:
        self._opened.write(msgspec.json.encode(entry) + b"\n")
