"""Bytes that arrive piece by piece → the first whole MessagePack value in them.

Texts are bytes here: servers send nonces, which are no UTF-8, as texts. Ext values are bytes, too. msgspec reads whole
values alone and does not tell where one ends.
"""

import struct
from collections.abc import Mapping
from typing import Any

_MOST_DEPTH = 16
_SIZES = {1: ">B", 2: ">H", 4: ">I"}
_NUMBERS: Mapping[int, str] = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
    0xD3: ">q",
}  # fmt: skip
_BYTES = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}  # by how many bytes tell the length
_EXTS = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_ARRAYS = {0xDC: 2, 0xDD: 4}
_MAPS = {0xDE: 2, 0xDF: 4}
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}


def first_value(data: bytes | bytearray) -> tuple[Any, int] | None:
    """The first value, and how many bytes it has; None if it is not whole yet.

    Raises:
        ValueError: this is no MessagePack, or nested too deep.
    """
    reader = _Reader(data)
    try:
        return reader.value(_MOST_DEPTH), reader.at
    except _NotWhole:
        return None


class _NotWhole(Exception):
    """The end is missing."""


class _Reader:
    """Goes through the bytes once; `at` is the first that is not read yet."""

    def __init__(self, data: bytes | bytearray) -> None:
        self.at = 0
        self._data = data

    def value(self, depth: int) -> Any:
        """The next value, with `depth` levels in it at most."""
        if not depth:
            raise ValueError("nested too deep")
        head = self._take(1)[0]
        if head < 0x80 or head >= 0xE0:
            return head if head < 0x80 else head - 0x100
        if head in _CONSTANTS:
            return _CONSTANTS[head]
        if form := _NUMBERS.get(head):
            return struct.unpack(form, self._take(struct.calcsize(form)))[0]
        if head < 0xA0 or head in _ARRAYS or head in _MAPS:
            return self._container(head, depth - 1)
        return self._bytes(head)

    def _container(self, head: int, depth: int) -> Any:
        if head < 0x90 or head in _MAPS:
            count = head & 0x0F if head < 0x90 else self._size(_MAPS[head])
            found = {}
            for _ in range(count):
                key = self.value(depth)
                if isinstance(key, dict | list):
                    raise ValueError("a key is no plain value")
                found[key] = self.value(depth)
            return found
        return [self.value(depth) for _ in range(head & 0x0F if head < 0xA0 else self._size(_ARRAYS[head]))]

    def _bytes(self, head: int) -> bytes:
        if head < 0xC0:
            return self._take(head & 0x1F)
        if head in _BYTES:
            return self._take(self._size(_BYTES[head]))
        if head in _EXTS:
            return self._take(self._size(_EXTS[head]) + 1)[1:]
        if 0xD4 <= head <= 0xD8:
            return self._take((1 << head - 0xD4) + 1)[1:]
        raise ValueError("no MessagePack")

    def _size(self, count: int) -> int:
        return int(struct.unpack(_SIZES[count], self._take(count))[0])

    def _take(self, count: int) -> bytes:
        end = self.at + count
        if end > len(self._data):
            raise _NotWhole
        taken = bytes(self._data[self.at : end])
        self.at = end
        return taken
