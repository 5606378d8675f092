"""Documents → entries of the forward protocol: MessagePack of `[time, record]`, and messages of them.

The time is an EventTime with nanoseconds. The record has the members of the document, and its id as `_id`; `log` stays
an object. A document with what MessagePack or its readers do not have, such as a number of more than 64 bits, is told
by its place: as plain text it can be sent.
"""

import base64
import gzip
import hashlib
import json
import re
import struct
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from collector.documents.document import time
from collector.documents.form import Form
from collector.errors import UNREADABLE
from collector.model import Segment

MOST_DEPTH = 100  # Ruby's reader, which Fluentd uses, fails at 128 levels, and not before it has acknowledged
_HEAD = b"\x92\xd7\x00"  # an array of two; an ext of 8 bytes and type 0
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9:]{5})")
_MOST_SECONDS = (1 << 32) - 1
_LEVEL = 3  # of gzip
_NESTED = dict, list

_decode = msgspec.json.Decoder().decode
_encode = msgspec.msgpack.Encoder().encode
_numbers = struct.Struct(">II").pack


class Misfit(NamedTuple):
    """The document at `place` cannot be sent as it is, for the `reason`."""

    place: int
    reason: str


class _Misfit(Exception):
    """Why a document cannot be sent as it is."""


class Entries(NamedTuple):
    """The `data` of one segment, and what is not in it."""

    data: bytes
    misfits: Sequence[Misfit]


def entries_of(segment: Segment, form: Form) -> Entries:
    """The entries of a segment, in the order of its documents."""
    parts: list[bytes] = []
    misfits: list[Misfit] = []
    midnight = f"{segment.day}T00:00:00Z"
    written = form.written(segment.documents)
    for index, (name, document, body) in enumerate(zip(segment.ids, segment.documents, written, strict=True)):
        try:
            packed = _packed(b'{"_id":%b,%b' % (msgspec.json.encode(name), body[1:]))
        except _Misfit as error:
            misfits.append(Misfit(index, str(error)))
        else:
            parts += (_HEAD, event_time(time(document) or midnight), packed)
    return Entries(b"".join(parts), misfits)


def event_time(stamp: str) -> bytes:
    """Seconds since 1970 and nanoseconds, four bytes each, of a time as RFC 3339 writes it; 0 for what is none.

    Times beyond what four bytes hold become the first or the last of them.
    """
    found = _TIME.fullmatch(stamp)
    if found is None:
        return _numbers(0, 0)
    minute, second, fraction, zone = found.groups()
    seconds = _seconds(minute, zone) + int(second)
    if not 0 <= seconds <= _MOST_SECONDS:
        return _numbers(0 if seconds < 0 else _MOST_SECONDS, 0)
    return _numbers(seconds, int((fraction or "").ljust(9, "0")))


def message(tag: str, data: bytes, names: Iterable[Sequence[str]], *, count: int, compress: bool) -> tuple[str, bytes]:
    """The text that acknowledges a message, and the message; the text is made of the tag and the ids in it."""
    digest = hashlib.blake2b(tag.encode(), digest_size=16)
    for each in names:
        digest.update("\n".join(each).encode())
    chunk = base64.b64encode(digest.digest()).decode()
    options: dict[str, Any] = {"chunk": chunk, "size": count}
    if compress:
        options["compressed"] = "gzip"
        data = gzip.compress(data, _LEVEL, mtime=0)
    return chunk, _encode([tag, data, options])


@lru_cache(4096)
def _seconds(minute: str, zone: str) -> int:
    """Seconds since 1970 at the beginning of a minute; 0 for one that there is not."""
    try:
        return int(datetime.fromisoformat(minute + zone).timestamp())
    except ValueError:
        return 0


def _packed(body: bytes) -> bytes:
    """A JSON object as MessagePack.

    Raises:
        _Misfit: it has no such form that says the same.
    """
    try:
        record = _decode(body)
        members = _members(record, MOST_DEPTH)
        packed = _encode(record)
    except RecursionError:
        raise _Misfit(f"it is nested more than {MOST_DEPTH} levels deep") from None
    except (*UNREADABLE, OverflowError):
        raise _Misfit("it has a number that takes more than 64 bits") from None
    if not _has_single_keys(body, members) and _has_double_keys(body):
        raise _Misfit("it has one key twice in an object")
    return packed


def _members(value: dict[str, Any] | list[Any], depth: int) -> int:
    """How many members the objects in a value have together.

    Raises:
        RecursionError: it is nested deeper.
    """
    if not depth:
        raise RecursionError
    found, inner = (len(value), value.values()) if isinstance(value, dict) else (0, value)
    for each in inner:
        if isinstance(each, _NESTED):
            found += _members(each, depth - 1)
    return found


def _has_single_keys(body: bytes, members: int) -> bool:
    """Whether a look at the bytes shows that so many keys are written there; False where it takes more than that.

    A key is in quotes with a colon behind, and in a text a quote has a backslash before it.
    """
    written = body.count(b'":')
    if written != members and (written - body.count(b'\\":') != members or b'\\\\":' in body):
        return False
    return b'" ' not in body and b"\t" not in body and b"\r" not in body  # blanks before the colon


def _has_double_keys(body: bytes) -> bool:
    found: list[bool] = []
    json.loads(body, object_pairs_hook=lambda pairs: found.append(len(dict(pairs)) < len(pairs)))
    return any(found)
