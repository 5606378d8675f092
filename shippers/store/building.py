"""Rows → a block: they are gathered as they come, and written when there are enough of them, or somebody searches."""

from collections.abc import Sequence

import msgspec
import numpy as np

from .columns import Array, Columns, Numbers, Texts, gathered
from .head import (
    LENGTH_BYTES,
    MAGIC,
    Head,
    NumberColumn,
    Packed,
    Sections,
    TextColumn,
    filter_of,
    packed,
)
from .rows import Frame, Rows
from .words import worded

MAX_ROWS = 16_384
MAX_BYTES = 8 << 20
"""Rows of a block, and bytes of their texts, from which on it is written."""

PAGE_BYTES = 1024 << 10
"""Texts that are packed together: one of them costs unpacking all."""

SHORT_BYTES = 4096
"""Words of a column up to this stand in the head."""

VARIED = 512
"""A column with more words than this has a filter of them."""

MOST_KEPT_BYTES = 16_384
"""Texts whose words take no more than this are kept beside their words, where these differ."""


class Builder:
    """A block while it grows. Of ids it takes what they begin with and their numbers: see `ids`."""

    def __init__(self) -> None:
        self.count = 0
        self.frames: dict[Frame, int] = {}
        self._bytes = 0
        self._columns = Columns()
        self._prefixes: dict[str, int] = {}
        self._prefix_of: list[Array] = []
        self._numbers: list[Array] = []
        self._frame_of: list[int] = []
        self._times: list[Array] = []
        self._digits: list[int] = []
        self._pages: list[tuple[int, bytes]] = []
        self._page: list[bytes] = []
        self._page_bytes = 0
        self._paged = 0

    @property
    def is_full(self) -> bool:
        """Whether it is to be written."""
        return self.count >= MAX_ROWS or self._bytes >= MAX_BYTES

    def add(self, parts: Sequence[tuple[str, Array]], rows: Rows) -> None:
        """Take rows: `parts` are, one behind the other, what their ids begin with and the numbers of those that do."""
        for prefix, numbers in parts:
            code = self._prefixes.setdefault(prefix, len(self._prefixes))
            self._prefix_of.append(np.full(len(numbers), code, np.uint32))
            self._numbers.append(numbers)
        self._columns.add(self.count, rows.logs)
        self._frame_of += rows.frames
        self._times.append(rows.times)
        self._digits += rows.digits
        for text in rows.texts:
            self._page.append(text)
            self._page_bytes += len(text) + 1
            if self._page_bytes >= PAGE_BYTES:
                self._end_page()
        self.count += len(rows.texts)

    def holds(self, prefix: str, numbers: Array) -> Array:
        """Which of these ids are here."""
        if prefix not in self._prefixes:
            return np.zeros(len(numbers), bool)
        is_its = np.concatenate(self._prefix_of) == self._prefixes[prefix]
        return np.isin(numbers, np.concatenate(self._numbers)[is_its])

    def written(self) -> bytes:
        """The block with all rows so far; more may be added."""
        sections = Sections()
        pages = [(first, sections.add_packed(data)) for first, data in self._pages]
        if self._page:
            pages.append((self._paged, sections.add(b"\n".join(self._page))))
        times = np.concatenate(self._times)
        sets = _RowSets(sections, self.count)
        columns = self._columns
        texts = [_text_column(path, column, sections, sets) for path, column in columns.texts.items()]
        head = Head(
            count=self.count,
            first=int(times.min()),
            last=int(times.max()),
            frames=[(frame.stream, frame.tail) for frame in self.frames],
            prefixes=list(self._prefixes),
            frame_of=sections.array(np.array(self._frame_of, np.uint32)),
            prefix_of=sections.array(np.concatenate(self._prefix_of)),
            numbers=sections.array(np.concatenate(self._numbers), is_running=True),
            times=sections.array(times, is_running=True),
            digits=sections.array(np.array(self._digits, np.uint8)),
            pages=pages,
            texts=texts,
            integers=[_number_column(*each, sections, sets) for each in columns.integers.items()],
            floats=[_number_column(*each, sections, sets) for each in columns.floats.items()],
            row_sets=sets.packed,
        )
        front = packed(msgspec.msgpack.encode(head))
        return b"".join([MAGIC, len(front).to_bytes(LENGTH_BYTES, "little"), front, *sections.parts])

    def _end_page(self) -> None:
        self._pages.append((self._paged, packed(b"\n".join(self._page))))
        self._paged += len(self._page)
        self._bytes += self._page_bytes
        self._page, self._page_bytes = [], 0


class _RowSets:
    """Sets of rows, each once: the columns of one shape have the same."""

    def __init__(self, sections: Sections, count: int) -> None:
        self._sections = sections
        self._known = {np.arange(count, dtype=np.uint16).tobytes(): 0}
        self.packed = [Packed(count, "<u2", None)]

    def number(self, rows: Array) -> int:
        """The number of this set."""
        key = rows.tobytes()
        if key not in self._known:
            self._known[key] = len(self.packed)
            self.packed.append(self._sections.array(rows))
        return self._known[key]


def _text_column(path: str, column: Texts, sections: Sections, sets: _RowSets) -> TextColumn:
    rows, codes = gathered(column.rows, column.codes)
    texts = list(column.vocabulary)
    words, tokens = worded(texts)
    lines = b"\n%b\n" % b"\n".join(words)
    kept = [text.lower() for text in texts] if len(lines) + len(tokens) <= MOST_KEPT_BYTES else None
    is_words = kept is not None and _is_words(kept, words, tokens)
    return TextColumn(
        path=path,
        rows=sets.number(rows),
        codes=sections.array(codes.astype(np.uint16) if len(texts) <= 1 << 16 else codes),
        size=len(texts),
        words=lines if len(lines) <= SHORT_BYTES else sections.add(lines),
        tokens=None if _is_one_each(tokens, len(texts)) else sections.array(tokens),
        texts=None if is_words else kept,
        is_words=is_words,
        filter=sections.add(filter_of(words)) if len(words) > VARIED else None,
    )


def _is_words(texts: list[str], words: list[bytes], tokens: Array) -> bool:
    """Whether each text is its words with one blank between."""
    lines = b" ".join([b"\n", *words][number] if number else b"\n" for number in tokens.tolist())
    return lines == b" ".join([b"%b \n" % text.encode() for text in texts])


def _is_one_each(tokens: Array, count: int) -> bool:
    """Whether each of the texts is one word that no other has."""
    if len(tokens) != 2 * count:
        return False
    return not tokens[1::2].any() and np.array_equal(tokens[::2], np.arange(1, count + 1))


def _number_column(path: str, column: Numbers, sections: Sections, sets: _RowSets) -> NumberColumn:
    rows, values = gathered(column.rows, column.values)
    return NumberColumn(path=path, rows=sets.number(rows), values=sections.array(values))
