"""A block on disk, or in memory → its columns: what is asked for is read and unpacked, and nothing else.

A block never changes. Its head is kept for a while, since each search asks it; all else is read again each time.
"""

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Lock

import msgspec
import numpy as np

from . import head, ids
from .columns import Array
from .head import DAMAGE, LENGTH_BYTES, MAGIC, Head, NumberColumn, Packed, Section, TextColumn
from .rows import Frame, document_of, log_of

_HEADS = 256  # that are kept
_PAGES = 8  # of a view
_MOST_HEAD_BYTES = 1 << 28


class DamagedBlockError(Exception):
    """What is in the block at `path` cannot be read."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name}: {reason}")
        self.path = path


class Block:
    """A block in a file, or `data`; `count` rows with times from `first` to `last`, in nanoseconds.

    Raises:
        DamagedBlockError: it cannot be read.
        OSError: the file cannot be read.
    """

    def __init__(self, path: Path, data: bytes | None = None) -> None:
        self.path = path
        self._data = data
        with self.opened() as view:
            self.count, self.first, self.last = view.head.count, view.head.first, view.head.last

    @contextmanager
    def opened(self) -> Iterator["BlockView"]:
        """Look into it."""
        if self._data is not None:
            yield BlockView(self, -1, self._data)
            return
        file = self._open()
        try:
            yield BlockView(self, file, None)
        finally:
            os.close(file)

    def rename(self, path: Path) -> None:
        """Give its file this name."""
        former, self.path = self.path, path
        former.rename(path)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:  # it is being given its name
            return os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)


class BlockView:
    """What a block holds. All of it may raise a DamagedBlockError, or an OSError."""

    def __init__(self, block: Block, file: int, data: bytes | None) -> None:
        self._block = block
        self._file = file
        self._data = data
        self.head, self._start = _HEADS_KEPT.get(block) or self._read_head()
        _HEADS_KEPT.put(block, (self.head, self._start))
        self._pages: dict[int, list[bytes]] = {}

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self.head.count

    @cached_property
    def times(self) -> Array:
        """The time of each row, in nanoseconds since 1970."""
        return self._array(self.head.times, is_running=True)

    @cached_property
    def frames(self) -> list[Frame]:
        """The frames that rows have."""
        return [Frame(*each) for each in self.head.frames]

    @cached_property
    def frame_of(self) -> Array:
        """The number of each row's frame."""
        return self._array(self.head.frame_of)

    @cached_property
    def prefix_of(self) -> Array:
        """The number of what each row's id begins with."""
        return self._array(self.head.prefix_of)

    @cached_property
    def numbers(self) -> Array:
        """The number at the end of each row's id."""
        return self._array(self.head.numbers, is_running=True)

    def rows_of(self, column: TextColumn | NumberColumn) -> Array | None:
        """The row of each value of a column; None: each row has one."""
        if column.rows == 0:
            return None
        packing = self.head.row_sets[column.rows]
        return self._array(packing)

    def words(self, column: TextColumn) -> bytes:
        """The words of its texts, each with a newline before and behind it."""
        return column.words if isinstance(column.words, bytes) else self._unpacked(column.words)

    def may_have(self, column: TextColumn, words: list[str], beginning: str) -> bool:
        """Whether these words, and one that begins so, may be among those of its texts."""
        if column.filter is None:
            return True
        filtered = self._unpacked(column.filter)
        return all(head.may_hold(filtered, word.encode()) for word in words) and head.may_begin(
            filtered, beginning.encode()
        )

    def tokens(self, column: TextColumn) -> Array | None:
        """The numbers of the words of one text after the other."""
        return None if column.tokens is None else self._array(column.tokens)

    def texts(self, column: TextColumn) -> list[str] | None:
        """Its texts in lower case; None if only documents tell."""
        if not column.is_words:
            return column.texts
        words = self.words(column)[1:-1].decode().split("\n")
        tokens = self.tokens(column)
        if tokens is None:
            return words
        numbered = ["\n", *words]
        return " ".join([numbered[number] for number in tokens.tolist()]).removesuffix(" \n").split(" \n ")

    def codes(self, column: TextColumn) -> Array:
        """For each value, which text it is."""
        return self._array(column.codes)

    def values(self, column: NumberColumn) -> Array:
        """The numbers."""
        return self._array(column.values)

    def ranges(self) -> list[tuple[str, int, int]]:
        """What ids begin with, and the least and the most of their numbers."""
        prefixes = self.head.prefixes
        least = np.full(len(prefixes), np.iinfo(np.int64).max)
        most = np.full(len(prefixes), np.iinfo(np.int64).min)
        np.minimum.at(least, self.prefix_of, self.numbers)
        np.maximum.at(most, self.prefix_of, self.numbers)
        return list(zip(prefixes, least.tolist(), most.tolist(), strict=True))

    def holds(self, prefix: str, numbers: Array) -> Array:
        """Which of these ids are here."""
        if prefix not in self.head.prefixes:
            return np.zeros(len(numbers), bool)
        return np.isin(numbers, self.numbers[self.prefix_of == self.head.prefixes.index(prefix)])

    def has_id(self, prefix: str, number: int) -> Array:
        """Which row has this id."""
        if prefix not in self.head.prefixes:
            return np.zeros(self.count, bool)
        found: Array = (self.numbers == number) & (self.prefix_of == self.head.prefixes.index(prefix))
        return found

    def name(self, row: int) -> str:
        """The id of a row."""
        return ids.joined(self.head.prefixes[self.prefix_of[row]], int(self.numbers[row]))

    def document(self, row: int) -> bytes:
        """The document of a row, with its `_id` first."""
        frame = self.frames[self.frame_of[row]]
        return document_of(self.name(row), frame, self._text(row), int(self.times[row]), int(self._digits[row]))

    def log(self, row: int) -> object:
        """The decoded `log` of a row."""
        return log_of(self.frames[self.frame_of[row]], self._text(row))

    @cached_property
    def _digits(self) -> Array:
        return self._array(self.head.digits)

    @cached_property
    def _page_starts(self) -> list[int]:
        return [first for first, _ in self.head.pages]

    def _text(self, row: int) -> bytes:
        page = int(np.searchsorted(self._page_starts, row, side="right")) - 1
        if page not in self._pages:
            if len(self._pages) == _PAGES:
                del self._pages[next(iter(self._pages))]
            self._pages[page] = self._unpacked(self.head.pages[page][1]).split(b"\n")
        return self._pages[page][row - self._page_starts[page]]

    def _array(self, packing: Packed, *, is_running: bool = False) -> Array:
        if packing.section is None:
            return np.arange(packing.count)
        data = self._unpacked(packing.section)
        try:
            return head.array_of(packing, data, is_running=is_running)
        except DAMAGE as error:
            raise self._damaged(error) from error

    def _unpacked(self, section: Section) -> bytes:
        try:
            return head.unpacked(self._read(self._start + section.start, section.length))
        except DAMAGE as error:
            raise self._damaged(error) from error

    def _damaged(self, error: BaseException) -> DamagedBlockError:
        return DamagedBlockError(self._block.path, str(error))

    def _read(self, start: int, length: int) -> bytes:
        if self._data is not None:
            return self._data[start : start + length]
        return os.pread(self._file, length, start)

    def _read_head(self) -> tuple[Head, int]:
        start = len(MAGIC) + LENGTH_BYTES
        front = self._read(0, start)
        length = int.from_bytes(front[len(MAGIC) :], "little")
        try:
            if len(front) < start or not front.startswith(MAGIC) or length > _MOST_HEAD_BYTES:
                raise ValueError("it does not begin as one")
            return msgspec.msgpack.decode(head.unpacked(self._read(start, length)), type=Head), start + length
        except DAMAGE as error:
            raise self._damaged(error) from error


class _Kept:
    """The heads that were asked last."""

    def __init__(self) -> None:
        self._heads: OrderedDict[Block, tuple[Head, int]] = OrderedDict()
        self._lock = Lock()

    def get(self, block: Block) -> tuple[Head, int] | None:
        with self._lock:
            return self._heads.get(block)

    def put(self, block: Block, found: tuple[Head, int]) -> None:
        with self._lock:
            self._heads[block] = found
            self._heads.move_to_end(block)
            while len(self._heads) > _HEADS:
                self._heads.popitem(last=False)


_HEADS_KEPT = _Kept()
