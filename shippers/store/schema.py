"""A document → what the index holds of it: the schema of a day, and how one document is taken apart for it.

| field     | holds                                                       | serves                              |
|-----------|-------------------------------------------------------------|-------------------------------------|
| `_id`     | the id, whole                                               | "is it already there?"              |
| `text`    | every string and number inside `log`, in words              | a bare word or phrase               |
| `log`     | the strings and booleans by path (`log.a.b`), in words      | `level:error`                       |
| `numbers` | the numbers by path, as sortable and as plain text          | `status:>=500`, `status:500`        |
| `trusted` | the members beside `log`, whole                             | `stream:stderr`, `target:shop`      |
| `time`    | `@timestamp` in nanoseconds                                 | order, `since` and `until`          |
| `source`  | the document's bytes with `_id` as its first member, stored | the answer                          |

Numbers are text because a numeric range over JSON paths panics in tantivy 0.27 when its two bounds are of different
types; strings that begin with a digit get a space in front because tantivy would keep a date among them as a date,
which no word finds.
"""

import json
import math
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
import tantivy

from collector.errors import UNREADABLE
from collector.search import language

MAX_TIME = (1 << 64) - 1
"""The last nanosecond the index can name (in the year 2554)."""

SORTABLE = "n"
"""How the sortable text of a number begins; comes behind the mark of `exact`."""

MAX_WORD_BYTES = 255
"""Longer words are not indexed; tantivy's own analyser stops at 40, which a SHA-256 in hex is over."""

MAX_FIELDS = 1000
MAX_PATH = 1000
"""Leaves of one `log` and characters of one path that are found by field; what is beyond is found as text only."""

Leaf = str | int | float | bool


def schema() -> tantivy.Schema:
    """The schema of every day. A change makes existing days unreadable: they are set aside when opened."""
    build = tantivy.SchemaBuilder()
    build.add_text_field("_id", tokenizer_name="raw", index_option="basic")
    build.add_text_field("text", tokenizer_name="words")
    build.add_json_field("log", tokenizer_name="words", expand_dots_enabled=True)
    build.add_json_field("numbers", tokenizer_name="raw", index_option="basic", fast=True, expand_dots_enabled=True)
    build.add_json_field("trusted", tokenizer_name="raw", index_option="basic", expand_dots_enabled=True)
    build.add_unsigned_field("time", indexed=True, fast=True)
    build.add_bytes_field("source", stored=True)
    return build.build()


@lru_cache(1)
def analyser() -> tantivy.TextAnalyzer:
    """Text → words: runs of letters and digits, in lower case."""
    words = tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.simple())
    return words.filter(tantivy.Filter.remove_long(MAX_WORD_BYTES)).filter(tantivy.Filter.lowercase()).build()


def indexed(name: str, body: bytes) -> tantivy.Document:
    """Take the document `body` with the id `name` apart.

    Raises:
        ValueError: it is not a JSON object with a readable `@timestamp`.
        RecursionError: it is nested too deeply to be read.
    """
    members = members_of(body)
    log = members.pop("log", None)
    time = nanoseconds(str(members.pop("@timestamp", "")))
    document = tantivy.Document()
    document.add_text("_id", name)
    _add_log(document, log)
    trusted: dict[str, list[str]] = {}  # a list has a value for each of its elements
    for path, leaf in leaves(members):
        trusted.setdefault(path, []).append(exact(text_of(leaf)))
    document.add_json("trusted", trusted)
    document.add_unsigned("time", time)
    document.add_bytes("source", b'{"_id":%b,%b' % (orjson.dumps(name), body.lstrip()[1:]))
    return document


def nanoseconds(text: str) -> int:
    """An `@timestamp` in nanoseconds since 1970; what lies before 1970 or beyond 2554 is moved to that bound.

    Raises:
        ValueError: it is not a time.
    """
    return min(max(0, language.nanoseconds(text)), MAX_TIME)


def exact(value: str) -> str:
    """A whole value as it stands in the index: marked, so that a date or a number stays the text it is."""
    return "=" + value


def sortable(number: float) -> str:
    """A number as text of which the order is the order of the numbers."""
    bits: int = struct.unpack(">Q", struct.pack(">d", _float(number) + 0.0))[0]  # adding 0 makes -0.0 the other zero
    return f"{SORTABLE}{bits ^ MAX_TIME if bits >> 63 else bits | 1 << 63:016x}"


def equal(number: float) -> str:
    """A number as text that is the same for equal numbers: exact for integers, where `sortable` has 53 bits."""
    if abs(number) > MAX_TIME:
        number = _float(number)  # as the JSON parser reads such integers
    return exact(str(int(number) if type(number) is float and number.is_integer() else number))


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:  # an integer beyond 1.8e308
        return math.inf if number > 0 else -math.inf


def members_of(body: bytes) -> dict[str, Any]:
    """A document, decoded.

    Raises:
        ValueError: it is not a JSON object.
        RecursionError: it is nested too deeply to be read.
    """
    try:
        members = orjson.loads(body)
    except UNREADABLE:  # 1e999 and lone surrogates: JSON to other parsers
        text = json.dumps(json.loads(body), ensure_ascii=False)
        members = json.loads(text.encode("utf-8", "replace"))
    if not isinstance(members, dict):
        raise ValueError("the document is not an object")
    return members


def _add_log(document: tantivy.Document, log: object) -> None:
    words: dict[str, list[str]] = {}
    numbers: dict[str, list[str]] = {}
    for count, (path, leaf) in enumerate(leaves(log)):
        text = text_of(leaf)
        document.add_text("text", text)
        if count >= MAX_FIELDS or len(path) > MAX_PATH:
            continue
        if type(leaf) is int or type(leaf) is float:
            numbers.setdefault(path, []).extend((sortable(leaf), equal(leaf)))
        else:
            words.setdefault(path, []).append(" " + text if text[:1].isdigit() else text)
    document.add_json("log", words)
    if numbers:
        document.add_json("numbers", numbers)


def leaves(value: object) -> Iterator[tuple[str, Leaf]]:
    """Every string, number and boolean inside `value` with its path; elements of a list have the list's path."""
    below: list[tuple[str, Any]] = [("", value)]
    while below:
        path, item = below.pop()
        if type(item) is dict:
            below += [(f"{path}.{key}" if path else key, member) for key, member in item.items()]
        elif type(item) is list:
            below += [(path, element) for element in item]
        elif item is not None:
            yield path, item


def text_of(leaf: Leaf) -> str:
    """A leaf as text: what is searched for it."""
    if type(leaf) is str:
        return leaf
    return ("true" if leaf else "false") if type(leaf) is bool else str(leaf)
