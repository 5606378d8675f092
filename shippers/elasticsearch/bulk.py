"""Batch → body of a `_bulk` request: an action line and a source line per document, whatever their bytes.

This is the shipper's share of the hot path, 0.12 µs a document and 0.34 for its compression: the action lines of
lines that follow each other are made at one go, and all is joined once.
Invariant: every document is exactly one action and one source line, so none can pose as an action.
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from collector.documents.form import Form
from collector.documents.forms.pilotfish import FORM as KEPT
from collector.documents.ids import NumberedIds
from collector.documents.naming import Naming
from collector.files import gzip
from collector.model import Batch, Rejected, Segment, line_count

DEFAULT_INDEX = "{target}-%Y.%m.%d"
TARGET_BYTES = 200
INDICES = Naming("a-z0-9._-", not_first="._-", target_bytes=TARGET_BYTES, name_bytes=255)  # the servers' rules
index_name = INDICES.name
_COMPRESSED_BYTES = 64 << 10  # at once, at least
TYPED = '"_type":"_doc",'
DEEPEST = 500  # levels; a server with the JVM's usual stacks of 1 MiB dies of 1,100 (6.8) to 1,900 (7.17)
_LONG = 2 * DEEPEST  # bytes: a level is a letter and a dot, or two brackets, so a shorter document has not so many

_MOST_LEVELS = 1_000_000  # of all that is in a document: Elasticsearch 6.8 with 512 MiB dies of some 15,000,000
_TOO_DEEP = f"deeper than {DEEPEST} levels (each dot in a key is a level)"
_OPENING = b"{["
_NO_BRACKETS = bytes(set(range(256)).difference(b"{}[]"))
_ESCAPED_DOT = re.compile(rb"\\u002[eE]")


def encode(batch: Batch, pattern: str, *, typed: bool, form: Form = KEPT) -> bytes:
    """The whole body; `typed` adds the mapping type that servers before 7 ask for and those from 8 on refuse."""
    return b"".join(_bodies(batch, pattern, typed=typed, form=form))


def encode_compressed(batch: Batch, pattern: str, *, typed: bool, form: Form = KEPT) -> bytes:
    """The whole body in gzip; for a thread. A segment's part is compressed while it is in the processor's cache.

    Small ones go together: each call hands the interpreter to another thread and has to get it back.
    """
    codec = gzip.compressor()
    parts: list[bytes] = []
    small: list[bytes] = []
    small_bytes = 0
    for body in _bodies(batch, pattern, typed=typed, form=form):
        small.append(body)
        small_bytes += len(body)
        if small_bytes >= _COMPRESSED_BYTES:
            parts.append(codec.compress(small[0] if len(small) == 1 else b"".join(small)))
            small.clear()
            small_bytes = 0
    parts += [codec.compress(b"".join(small)), codec.flush()]
    return b"".join(parts)


def without_deep(batch: Batch) -> tuple[Batch, tuple[Rejected, ...]]:
    """The batch without documents of so many levels that a server may die of them, and those."""
    refused: list[Rejected] = []
    sane: list[Segment] = []
    for segment in batch.segments:
        deep = {id(one) for one in segment.documents if len(one) > _LONG and _is_deep(one)}
        away = [index for index, one in enumerate(segment.documents) if id(one) in deep] if deep else []
        refused += [Rejected(segment, index, "nesting_depth", _TOO_DEEP) for index in away]
        sane.append(segment.part(sorted(set(range(segment.count)).difference(away))) if away else segment)
    return (Batch(tuple(sane)), tuple(refused)) if refused else (batch, ())


def _bodies(batch: Batch, pattern: str, *, typed: bool, form: Form) -> Iterator[bytes]:
    for segment in batch.segments:
        if segment.documents:
            index = index_name(pattern, segment.stream.target, segment.day)
            head = f'{{"create":{{"_index":"{index}",{TYPED if typed else ""}"_id":"'
            yield _body(form.written(segment.documents), _actions(segment.ids, head.encode()))


def _body(documents: list[bytes], actions: list[bytes]) -> bytes:
    lines = [b""] * (2 * len(documents) + 1)
    lines[0:-1:2] = actions
    lines[1::2] = documents
    body = b"\n".join(lines)
    if line_count(body) != len(lines) - 1:  # in JSON a raw newline can only be white space between tokens
        lines[1::2] = [document.replace(b"\n", b" ") for document in documents]
        body = b"\n".join(lines)
    return body


def _actions(ids: Sequence[str], head: bytes) -> list[bytes]:
    """The action line of each. Numbers are encoded all at once: 0.05 µs each, where an f-string for each costs 0.09."""
    if isinstance(ids, NumberedIds):
        head += _json_text(ids.prefix)
        numbers = msgspec.json.encode(list(ids.numbers))[1:-1]
        return (head + numbers.replace(b",", b'"}}\n' + head) + b'"}}').split(b"\n")
    return [b'%b%b"}}' % (head, _json_text(name)) for name in ids]


def _json_text(text: str) -> bytes:
    """What stands between the quotes."""
    return msgspec.json.encode(text)[1:-1]


def _is_deep(document: bytes) -> bool:
    """Whether it has too many levels; most have not even so many brackets, dots and escaped dots in all."""
    rest = document.replace(b"{", b"").replace(b"[", b"").replace(b".", b"").replace(b"\\", b"")
    if len(document) - len(rest) <= DEEPEST:
        return False
    deepest, total = _levels(document)
    return deepest > DEEPEST or total > _MOST_LEVELS


def _levels(document: bytes) -> tuple[int, int]:
    """How deep it is, and how deep its objects, arrays and dots are one by one, added up: what a server makes of it.

    A server counts as a level an object or array in another, and each dot of a key. Of a member that is there twice
    both count, since a server looks into the first before it refuses it.
    """
    if b"\\" in document:
        document = _ESCAPED_DOT.sub(b".", document.replace(b"\\\\", b"")).replace(b'\\"', b"")
    deepest, total, opened, key = 0, 0, [0], b""
    for number, part in enumerate(document.split(b'"')):
        if number % 2:
            key = part
        elif (bare := part.strip()) != b",":
            level = opened[-1]
            if bare.startswith(b":") and (dots := key.count(b".")):
                total += dots * level + dots * (dots + 1) // 2
                level += dots
            for byte in bare.translate(None, _NO_BRACKETS):
                if byte in _OPENING:
                    opened.append(level := level + 1)
                    total += level
                elif len(opened) > 1:  # a letter may be of another hand
                    opened.pop()
                deepest, level = max(deepest, level), opened[-1]
            deepest = max(deepest, level)
    return deepest, total
