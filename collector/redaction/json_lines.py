"""A line that is JSON: its strings and numbers are looked at one by one, and it stays the object or list that it is.

A string in which something is escaped is read before it is looked at, so that no escape hides a secret; JSON in a
string is looked at as JSON again. All other bytes stay as they are written.
"""

import json
import re
from collections.abc import Callable
from typing import NamedTuple

import msgspec
import orjson

from collector.documents.json_text import object_of, without_halves
from collector.errors import UNREADABLE

STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_TOKEN = re.compile(rb'"((?:[^"\\]|\\.)*+)"([ \t\r\n]*+:[ \t\r\n]*+)?', re.DOTALL)  # a string, and whether it is a name
_NUMBER = re.compile(rb"-?\d[\d.eE+\-]*")
# A string, also one with escaped quotes; what is escaped outside of one begins none, else each quote would be tried.
_BRACKET = re.compile(rb'\\"(?:[^"\\]|\\[^"])*+\\"|\\.|"(?:[^"\\]|\\.)*+"|[\[\]{}]', re.DOTALL)
_SCALAR = re.compile(rb"[^,\]}\s]*")

Change = Callable[[bytes], bytes]


def value_end(data: bytes, at: int) -> int:
    """Where the JSON value that begins there ends; the end of the text if it does not."""
    first = data[at : at + 1]
    if first == b'"':
        found = STRING.match(data, at)
        return found.end() if found is not None else len(data)
    if first not in (b"{", b"["):
        found = _SCALAR.match(data, at)
        return found.end() if found is not None else at
    depth = 0
    for bracket in _BRACKET.finditer(data, at):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(bracket[0], 0)
        if depth == 0:
            return bracket.end()
    return len(data)


_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


def json_of(text: str) -> str | None:
    """The JSON object or list that a text is; None if it is neither. An object is on one line then."""
    if text.lstrip(" \t\r\n")[:1] != "[":
        return object_of(text)
    try:
        whole = without_halves(text)
        _list(whole)
    except UNREADABLE:
        return None
    return whole


class Looks(NamedTuple):
    """What is done to the parts of an object; no text that is put in holds a quote or a backslash.

    `plain` is given each string and number, `escaped` the text of a string in which something is escaped. `is_secret`
    says so of the name of a member, and `named` gives what stands in place of its value, however that is written.
    """

    plain: Change
    escaped: Change
    is_secret: Callable[[bytes], bool]
    named: Change


def redacted(data: bytes, looks: Looks) -> bytes:
    """Valid JSON, with what is put in place of its parts."""
    made: list[bytes] = []
    at = 0
    for found in _TOKEN.finditer(data):
        start, end = found.span()
        if start < at:  # it is within a value that is gone
            continue
        made.append(_numbers(data[at:start], looks.plain) if start - at > 1 else data[at:start])
        content, colon = found.groups()
        at = end
        made.append(b'"%b"' % (_string(content, looks) if b"\\" in content else looks.plain(content)))
        if colon is not None:
            made.append(colon)
            if looks.is_secret(_decoded(content) if b"\\" in content else content):
                at = value_end(data, end)
                is_string = data[end : end + 1] == b'"'
                made.append(b'"%b"' % looks.named(data[end + 1 : at - 1] if is_string else data[end:at]))
    made.append(_numbers(data[at:], looks.plain))
    return b"".join(made)


def _numbers(gap: bytes, plain: Change) -> bytes:
    """What stands between strings; a number that is found becomes a string."""

    def change(found: re.Match[bytes]) -> bytes:
        number = found[0]
        made = plain(number)
        return number if made == number else b'"%b"' % made

    return _NUMBER.sub(change, gap) if len(gap) > 1 else gap


def _string(content: bytes, looks: Looks) -> bytes:
    text = _decoded(content)
    made = looks.escaped(text)
    return content if made == text else orjson.dumps(made.decode(errors="replace"))[1:-1]


def _decoded(content: bytes) -> bytes:
    text: str = json.loads(b'"%b"' % content, strict=False)
    return text.encode(errors="surrogatepass")
