"""Content ↔ gzip (RFC 1952) by ISA-L, at several times zlib's speed."""

from typing import cast

from isal import isal_zlib

_WBITS = 31  # zlib's number for a gzip stream of the largest window
_LEVEL = 1

GzipError = cast(type[Exception], isal_zlib.error)  # its stub gives an object for the class
"""What is to be unpacked is no gzip stream, or damaged."""
Compressor = isal_zlib.Compress
Decompressor = isal_zlib.Decompress


def compress(content: bytes) -> bytes:
    """The whole stream."""
    return isal_zlib.compress(content, level=_LEVEL, wbits=_WBITS)


def compressor() -> Compressor:
    """Begin a stream, to be made piece by piece."""
    return isal_zlib.compressobj(_LEVEL, isal_zlib.DEFLATED, _WBITS)


def decompress(stream: bytes) -> bytes:
    """The content of a whole stream.

    Raises:
        GzipError: as named.
    """
    return isal_zlib.decompress(stream, wbits=_WBITS)


def decompressor() -> Decompressor:
    """Begin with a stream that is read piece by piece; `decompress` raises as the function does."""
    return isal_zlib.decompressobj(_WBITS)


def crc32(content: bytes, before: int = 0) -> int:
    """The checksum that stands at a stream's end, of content that goes on from one with `before`."""
    return isal_zlib.crc32(content, before)
