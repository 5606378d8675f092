"""What a document holds, as searches see it: its members, the leaves below them, and the words of a text.

An output that searches by itself, and who asks queries of single documents, mean the same by these.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from collector.errors import UNREADABLE

Leaf = str | int | float | bool

MAX_WORD_BYTES = 255
"""Longer words are not searched for: they are no words that anybody types."""

GAP = re.compile(r"[\W_]+")
"""What stands between words."""


def decoded(text: bytes) -> object:
    """JSON, also with what not every parser reads.

    Raises:
        ValueError: it is none.
        RecursionError: it is nested too deeply to be read.
    """
    try:
        return orjson.loads(text)
    except UNREADABLE:  # 1e999 and lone surrogates: JSON to other parsers
        clean = json.dumps(json.loads(text), ensure_ascii=False)
        return json.loads(clean.encode("utf-8", "replace"))


def members_of(document: bytes) -> dict[str, Any]:
    """A document, decoded.

    Raises:
        ValueError: it is not a JSON object.
        RecursionError: it is nested too deeply to be read.
    """
    members = decoded(document)
    if not isinstance(members, dict):
        raise ValueError("the document is not an object")
    return members


def leaves(value: object, path: str = "") -> Iterator[tuple[str, Leaf]]:
    """Every string, number and boolean inside `value` with its path; elements of a list have the list's path."""
    below: list[tuple[str, Any]] = [(path, value)]
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


def words(text: str) -> list[str]:
    """The words of a text: runs of letters and digits in lower case."""
    return [word for word in GAP.sub(" ", text).lower().split(" ") if word and len(word.encode()) <= MAX_WORD_BYTES]
