"""The few parts of protobuf's wire format that OTLP needs: protobuf.dev/programming-guides/encoding.

What comes back is read strictly: bytes that are no message are an error, so that a page or a word is not taken for one.
"""

from collections.abc import Iterator
from functools import lru_cache
from math import isfinite
from struct import pack
from typing import Any

_INT64 = 1 << 63
_UINT64 = (1 << 64) - 1
_MOST_SHIFT = 63
DEEPEST = 16  # levels of a value; parsers stop at 100 messages in each other, and a level is three


def varint(number: int) -> bytes:
    """A number that is not negative."""
    if number < 0x80:
        return _SMALL[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


_IS_LONG = 0x80  # a length of two bytes
_SMALL = [bytes((number,)) for number in range(0x80)]


def block(tag: bytes, content: bytes) -> bytes:
    """A field with content of any length."""
    return b"%b%b%b" % (tag, varint(len(content)), content)


@lru_cache(4096)
def _key(name: str) -> bytes:
    return block(b"\x0a", name.encode(errors="replace"))


def key_value(name: str, value: bytes) -> bytes:
    """The content of a KeyValue; `value` is that of an AnyValue."""
    return _key(name) + b"\x12" + varint(len(value)) + value


def text_value(text: bytes) -> bytes:
    """The content of an AnyValue that is a text."""
    return b"\x0a" + varint(len(text)) + text


def any_value(value: Any, depth: int = 0) -> bytes:
    """The content of an AnyValue for what JSON may hold.

    Raises:
        ValueError: it has no equal there: a number out of range, or too many levels.
    """
    kind = type(value)
    if kind is str:
        text: bytes = value.encode()
        size = len(text)
        return b"\x0a" + (_SMALL[size] if size < _IS_LONG else varint(size)) + text
    if kind is dict or kind is list:
        if depth == DEEPEST:
            raise ValueError("too deep")
        return _members(value, depth + 1) if kind is dict else _elements(value, depth + 1)
    if kind is bool:
        return b"\x10\x01" if value else b"\x10\x00"
    return b"" if value is None else _number_value(value)


def _number_value(value: float) -> bytes:
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise ValueError("a number out of range")
        return b"\x18" + varint(value & _UINT64)
    if not isfinite(value):
        raise ValueError("a number without end")
    return b"\x21" + pack("<d", value)


def _members(value: dict[str, Any], depth: int) -> bytes:
    parts: list[bytes] = []
    for name, each in value.items():
        inner = any_value(each, depth)
        key = _key(name)
        size = len(inner)
        whole = len(key) + 2 + size
        if whole < _IS_LONG:  # and so is each part of it: mostly
            parts += (b"\x0a", _SMALL[whole], key, b"\x12", _SMALL[size], inner)
        else:
            length = varint(size)
            parts += (b"\x0a", varint(whole - 1 + len(length)), key, b"\x12", length, inner)
    content = b"".join(parts)
    return b"\x32" + varint(len(content)) + content


def _elements(value: list[Any], depth: int) -> bytes:
    parts: list[bytes] = []
    for each in value:
        inner = any_value(each, depth)
        parts += (b"\x0a", varint(len(inner)), inner)
    content = b"".join(parts)
    return b"\x2a" + varint(len(content)) + content


def fields_of(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Each field of a message by its number: a number, or the bytes of a block.

    Raises:
        ValueError: it is no message.
    """
    at = 0
    while at < len(message):
        tag, at = _number(message, at)
        match tag & 7:
            case 0:
                value, at = _number(message, at)
                yield tag >> 3, value
            case 1 | 5 as kind:
                size = 8 if kind == 1 else 4
                yield tag >> 3, _piece(message, at, size)
                at += size
            case 2:
                size, at = _number(message, at)
                yield tag >> 3, _piece(message, at, size)
                at += size
            case _:
                raise ValueError("no message")


def _piece(message: bytes, at: int, size: int) -> bytes:
    if at + size > len(message):
        raise ValueError("a message that is cut off")
    return message[at : at + size]


def _number(message: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while at < len(message) and shift <= _MOST_SHIFT:
        byte = message[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7
    raise ValueError("a message that is cut off")
