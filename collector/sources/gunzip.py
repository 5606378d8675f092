"""A gzip file → its content, read forward in small steps: what stands before a tear is given, a bomb stays small.

Format: RFC 1952; members may follow each other.
"""

import os

from collector.files import gzip
from collector.sources.fingerprint import LAST_LINE_BYTES

_STEP_BYTES = 4 << 10  # of the file: what is lost at a damaged place
_OUTPUT_BYTES = 256 << 10  # of content in one step
_KEPT_BYTES = 2 * LAST_LINE_BYTES  # behind the reader, for a look at the line before
_TRAILER_BYTES = 8


class Gunzip:
    """The content of the gzip file behind `descriptor`, which stays the caller's. Going back begins anew."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._begin()

    @property
    def is_torn(self) -> bool:
        """Whether it ends, as far as it was read, where no gzip file ends."""
        return self._is_over and not self._was_whole

    def read(self, offset: int, size: int) -> bytes:
        """Up to `size` bytes from `offset`; fewer only at the end, or where the file is torn."""
        if offset < self._start:
            self._begin()
        while not self._is_over and self._start + len(self._window) < offset + size:
            self._step()
            if (passed := min(offset - self._start, len(self._window)) - _KEPT_BYTES) > _OUTPUT_BYTES:
                del self._window[:passed]
                self._start += passed
        return bytes(self._window[offset - self._start : offset - self._start + size])

    def _begin(self) -> None:
        self._codec = gzip.decompressor()
        self._raw = b""
        self._raw_offset = 0
        self._window = bytearray()
        self._start = 0
        self._is_over = False
        self._was_whole = False

    def _step(self) -> None:
        if not self._raw:
            self._raw = os.pread(self._descriptor, _STEP_BYTES, self._raw_offset)
            self._raw_offset += len(self._raw)
            if not self._raw:
                self._is_over = True
                return
        try:
            if self._was_whole:
                self._next_member()
            self._window += self._codec.decompress(self._raw, _OUTPUT_BYTES)
        except gzip.GzipError:
            self._is_over, self._was_whole = True, False
            return
        self._was_whole = self._codec.eof
        self._raw = self._codec.unused_data if self._codec.eof else self._codec.unconsumed_tail

    def _next_member(self) -> None:
        self._codec = gzip.decompressor()
        self._was_whole = False


def trailer(descriptor: int) -> tuple[int, int]:
    """CRC-32 and length (modulo 2^32) of a gzip file's content, as its last member tells them."""
    size = os.fstat(descriptor).st_size
    end = os.pread(descriptor, _TRAILER_BYTES, max(0, size - _TRAILER_BYTES))
    return int.from_bytes(end[:4], "little"), int.from_bytes(end[4:], "little")


def crc_of(descriptor: int) -> int:
    """CRC-32 of a plain file's content."""
    crc = offset = 0
    while block := os.pread(descriptor, 1 << 20, offset):
        crc = gzip.crc32(block, crc)
        offset += len(block)
    return crc
