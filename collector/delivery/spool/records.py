"""Records of the spool ↔ bytes: a fixed header with checksums, then the documents as msgpack in gzip.

A file begins with `FILE_HEADER` (magic, version, a random mark, CRC-32); a record with `RECORD_HEADER` (documents,
bytes of the payload, CRC-32 of the payload, CRC-32 of the header before it). Numbers are little-endian. A whole header
tells where the next record begins, whatever became of the payload.
"""

import os
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

import msgspec
from msgspec import Struct

from collector.documents import recovered
from collector.errors import UNREADABLE
from collector.files import gzip
from collector.model import Segment

FILE_HEADER = struct.Struct("<8sI8sI")
RECORD_HEADER = struct.Struct("<IIII")
VERSION = 1

_MAGIC = b"pilotfsp"


class Record(Struct, frozen=True):
    """Documents that were spooled together; `texts` are the ids among them that were turned to plain text."""

    segments: tuple[Segment, ...]
    texts: frozenset[str]


class FileHead(NamedTuple):
    """What a file's header says; `mark` tells it from every other file."""

    version: int
    mark: bytes


class Head(NamedTuple):
    """What a record's header says."""

    documents: int
    length: int
    checksum: int


class _Kept(Struct, frozen=True, array_like=True):
    container_id: str
    container: str
    entry: str
    target: str
    day: str
    ids: list[str]
    documents: list[bytes]


class _Payload(Struct, frozen=True, array_like=True):
    segments: list[_Kept]
    texts: list[str]


def file_header(version: int, mark: bytes) -> bytes:
    """The header of a file; `mark` is 8 random bytes."""
    head = FILE_HEADER.pack(_MAGIC, version, mark, 0)
    return FILE_HEADER.pack(_MAGIC, version, mark, crc32(head))


def file_head_of(raw: bytes) -> FileHead | None:
    """What a file begins with; None if that is damaged."""
    if len(raw) < FILE_HEADER.size:
        return None
    magic, version, mark, _ = FILE_HEADER.unpack_from(raw)
    is_whole = magic == _MAGIC and file_header(version, mark) == raw[: FILE_HEADER.size]
    return FileHead(version, mark) if is_whole else None


def encode(segments: Sequence[Segment], texts: Iterable[str]) -> bytes:
    """One record, header and payload."""
    kept = [
        _Kept(
            container_id=segment.stream.container_id,
            container=segment.stream.container,
            entry=segment.stream.entry,
            target=segment.stream.target,
            day=segment.day,
            ids=list(segment.ids),
            documents=segment.documents,
        )
        for segment in segments
    ]
    plain = msgspec.msgpack.encode(_Payload(kept, sorted(texts)))
    payload = gzip.compress(plain)
    return _header(sum(segment.count for segment in segments), len(payload), crc32(payload)) + payload


def head_of(raw: bytes) -> Head | None:
    """What a record begins with; None if that is damaged."""
    if len(raw) < RECORD_HEADER.size:
        return None
    count, length, checksum, _ = RECORD_HEADER.unpack_from(raw)
    is_whole = _header(count, length, checksum) == raw[: RECORD_HEADER.size]
    return Head(count, length, checksum) if is_whole else None


def decode(head: Head, payload: bytes) -> Record | None:
    """The documents of a record; None if its payload is damaged."""
    if len(payload) != head.length or crc32(payload) != head.checksum:
        return None
    try:
        plain = gzip.decompress(payload)
        found = msgspec.msgpack.decode(plain, type=_Payload)
    except (gzip.GzipError, *UNREADABLE):
        return None
    return Record(tuple(map(_segment, found.segments)), frozenset(found.texts))


def _header(count: int, length: int, checksum: int) -> bytes:
    head = RECORD_HEADER.pack(count, length, checksum, 0)
    return RECORD_HEADER.pack(count, length, checksum, crc32(head))


def _segment(kept: _Kept) -> Segment:
    return recovered.segment(
        container_id=kept.container_id,
        container=kept.container,
        entry=kept.entry,
        target=kept.target,
        day=kept.day,
        ids=kept.ids,
        documents=kept.documents,
    )


def whole_end(descriptor: int, size: int) -> int:
    """Where the last whole record of the newest file ends; `size` if it is damaged elsewhere than at its tail."""
    offset = FILE_HEADER.size
    while offset < size:
        head = head_of(os.pread(descriptor, RECORD_HEADER.size, offset))
        if head is None:
            is_torn = size - offset < RECORD_HEADER.size or _is_blank(descriptor, offset, size)
            return offset if is_torn else size
        end = offset + RECORD_HEADER.size + head.length
        if end > size:
            return offset
        if end == size and crc32(os.pread(descriptor, head.length, end - head.length)) != head.checksum:
            return offset
        offset = end
    return size


def _is_blank(descriptor: int, offset: int, size: int) -> bool:
    """Whether only zeros stand there: blocks that were reserved and never written."""
    while offset < size:
        piece = os.pread(descriptor, 1 << 16, offset)
        if piece.strip(b"\0"):
            return False
        offset += len(piece) or size
    return True


def write_at(descriptor: int, body: bytes, offset: int) -> None:
    """Write all of it there."""
    view = memoryview(body)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
