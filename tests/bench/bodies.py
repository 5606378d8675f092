"""What the endpoint received, kept as it came in a file without a name, and read again after the run.

A record is a header, `<length:u32><kind:u32><answered_ns:u64>`, and the body; `kind` says how it is packed.
"""

import os
import struct
from collections.abc import Iterator
from enum import IntFlag
from typing import NamedTuple

import zstandard
from isal import isal_zlib

_HEADER = struct.Struct("<IIQ")
_GZIP = 31  # zlib's number for a gzip stream of the largest window


class Kind(IntFlag):
    """How a body is packed, and whether an action line stands before each document."""

    PLAIN = 0
    GZIP = 1
    ZSTD = 2
    ACTIONS = 4


class Body(NamedTuple):
    """One request: `text` is unpacked, `answered_ns` when it was acknowledged, in nanoseconds since 1970."""

    text: bytes
    has_actions: bool
    answered_ns: int


def unpacked(body: bytes, kind: Kind) -> bytes:
    """The text of a body."""
    if kind & Kind.GZIP:
        return isal_zlib.decompress(body, _GZIP)
    if kind & Kind.ZSTD:
        return zstandard.ZstdDecompressor().decompressobj().decompress(body)
    return body


def keep(fd: int, body: bytes, kind: Kind, answered_ns: int) -> None:
    """Append a record. To be called by one thread at a time."""
    os.writev(fd, [_HEADER.pack(len(body), kind, answered_ns), body])


def read(fd: int) -> Iterator[Body]:
    """Every record, in the order of arrival."""
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        while header := file.read(_HEADER.size):
            length, number, answered_ns = _HEADER.unpack(header)
            kind = Kind(number)
            yield Body(unpacked(file.read(length), kind), bool(kind & Kind.ACTIONS), answered_ns)
