"""A block's first part: what is in it and where, and how numbers and bytes are packed.

    "PFS1" | length of the head, 4 bytes | head | sections, one behind the other

The head and each section are zstd frames with a checksum, so that no byte that was changed is read as what it was not.
"""

import zlib
from collections.abc import Collection
from typing import Any, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct

from .columns import Array
from .zstandard import zstd

MAGIC = b"PFS1"
LENGTH_BYTES = 4
_PACKED: dict[int, int] = {zstd.CompressionParameter.compression_level: 3, zstd.CompressionParameter.checksum_flag: 1}
_BITS_PER_WORD = 10
_BEGINNING_BYTES = 3
_SALTS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93], np.uint64)
_MOST_BYTES = 1 << 28  # of a section, unpacked
_UNSHUFFLED = 2  # bytes of a number up to which it gains little

DAMAGE = (zstd.ZstdError, msgspec.MsgspecError, ValueError, IndexError, OverflowError, MemoryError, TypeError)
"""What reading a damaged block may raise."""


class Section(NamedTuple):
    """Where a section begins behind the head, and its bytes."""

    start: int
    length: int


class Packed(Struct, array_like=True):
    """An array in a section; `kind` is its numpy type. Without a section it counts from 0 on."""

    count: int
    kind: str
    section: Section | None


class TextColumn(Struct, array_like=True):
    """Texts at `path`: `rows` is the number of its set of rows; of `size` different texts, `codes` tell which it is.

    `words` are the words of the texts, each with a newline before and behind it: here where they are short.
    `tokens` are the numbers of the words of one text after the other; None: each text is one word, another for each.
    `texts` are the texts in lower case, None where they are long or many, or are what the words tell: `is_words`.
    `filter` holds the words, if they are many.
    """

    path: str
    rows: int
    codes: Packed
    size: int
    words: bytes | Section
    tokens: Packed | None
    texts: list[str] | None
    is_words: bool
    filter: Section | None


class NumberColumn(Struct, array_like=True):
    """Numbers at `path`."""

    path: str
    rows: int
    values: Packed


class Head(Struct, array_like=True):
    """What a block has: `count` rows of times from `first` to `last`, in nanoseconds.

    `prefixes` are what ids begin with, `numbers` what follows (-1: nothing). `pages` are the texts of rows, each with
    its first row; `row_sets` are sets of rows, of which the first is all of them.
    """

    count: int
    first: int
    last: int
    frames: list[tuple[str, bytes]]
    prefixes: list[str]
    frame_of: Packed
    prefix_of: Packed
    numbers: Packed
    times: Packed
    digits: Packed
    pages: list[tuple[int, Section]]
    row_sets: list[Packed]
    texts: list[TextColumn]
    integers: list[NumberColumn]
    floats: list[NumberColumn]


class Sections:
    """Sections while a block is written."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self._size = 0

    def add(self, data: bytes) -> Section:
        """Bytes that are not packed yet."""
        return self.add_packed(packed(data))

    def add_packed(self, data: bytes) -> Section:
        """Bytes as `packed` gives them."""
        section = Section(self._size, len(data))
        self.parts.append(data)
        self._size += len(data)
        return section

    def array(self, values: Array, *, is_running: bool = False) -> Packed:
        """An array of integers or floats; of one `is_running` the differences are kept."""
        if is_running:
            values = np.diff(values, prepend=0)
        if values.dtype.kind in "iu":
            values = _small(values)
        if values.dtype == np.uint16 and len(values) and np.array_equal(values, np.arange(len(values))):
            return Packed(len(values), values.dtype.str, None)
        return Packed(len(values), values.dtype.str, self.add(_shuffled(values)))


def packed(data: bytes) -> bytes:
    """A zstd frame."""
    return zstd.compress(data, options=_PACKED)


def unpacked(data: bytes) -> bytes:
    """What is in a frame.

    Raises:
        ZstdError: it is damaged.
        ValueError: it says that it is larger than any.
    """
    size = zstd.get_frame_info(data).decompressed_size
    if size is None or size > _MOST_BYTES:
        raise ValueError("the size of a section is wrong")
    return zstd.decompress(data)


def array_of(packing: Packed, data: bytes, *, is_running: bool = False) -> Array:
    """The array again.

    Raises:
        ValueError: the bytes are not its.
    """
    kind = np.dtype(packing.kind)
    if kind.itemsize <= _UNSHUFFLED:
        values = np.frombuffer(data, kind)
    else:
        values = np.empty(packing.count, kind)
        into, planes = values.view(np.uint8).reshape(-1, kind.itemsize), len(data) // kind.itemsize
        for place in range(kind.itemsize):
            into[:, place] = np.frombuffer(data, np.uint8, planes, place * planes)
    if len(values) != packing.count:
        raise ValueError("an array is too short")
    return np.cumsum(values, dtype=np.int64) if is_running else values


def _shuffled(values: Array) -> bytes:
    """All first bytes, then all second ones, and so on: of numbers that are alike these compress better."""
    if values.dtype.itemsize <= _UNSHUFFLED:
        return values.tobytes()
    return values.view(np.uint8).reshape(len(values), -1).T.tobytes()


def filter_of(words: Collection[bytes]) -> bytes:
    """A Bloom filter of words, and of what they begin with: of 100 others it is said to hold two."""
    entries = {*words, *[_beginning(word) for word in words]}
    hashes = np.fromiter(map(zlib.crc32, entries), np.uint64, len(entries))
    bits = np.zeros(max(64, len(hashes) * _BITS_PER_WORD // 8 * 8), np.uint8)
    bits[_places(hashes, len(bits))] = 1
    return np.packbits(bits).tobytes()


def may_begin(filtered: bytes, beginning: bytes) -> bool:
    """Whether a word that begins so may be among those of the filter."""
    return len(beginning) < _BEGINNING_BYTES or may_hold(filtered, _beginning(beginning))


def _beginning(word: bytes) -> bytes:
    """No word has a star in it."""
    return word[:_BEGINNING_BYTES] + b"*"


def may_hold(filtered: bytes, word: bytes) -> bool:
    """Whether the word may be among those of the filter."""
    places = _places(np.array([zlib.crc32(word)], np.uint64), len(filtered) * 8).reshape(-1)
    return all(filtered[place >> 3] >> (7 - (place & 7)) & 1 for place in places.tolist())


def _places(hashes: Array, size: int) -> Any:
    mixed = (hashes[:, None] + np.uint64(1)) * _SALTS
    return ((mixed >> np.uint64(32)) * np.uint64(size)) >> np.uint64(32)


def _small(values: Array) -> Array:
    """In the smallest type that holds them."""
    if not len(values):
        return values.astype(np.uint8)
    least, most = int(values.min()), int(values.max())
    kinds = (np.uint8, np.uint16, np.uint32) if least >= 0 else (np.int8, np.int16, np.int32)
    for kind in kinds:
        if np.iinfo(kind).min <= least and most <= np.iinfo(kind).max:
            return values.astype(kind)
    return values.astype(np.int64)
