"""An application's line → the JSON object that stands for it: what every module means by "the line is JSON"."""

import re

import msgspec
import orjson
from msgspec import Struct

from collector.errors import UNREADABLE

# An escaped backslash, a whole pair of surrogates, or half of one.
_ESCAPES = re.compile(r"\\\\|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[dD][89a-fA-F][\da-fA-F]{2}")
_HALF = len(r"\ud83d")


class _Object(Struct, gc=False):
    """Any JSON object: decoding into it validates the text and keeps nothing."""


validate = msgspec.json.Decoder(_Object).decode


def log_of(text: str) -> str:
    """The JSON object that stands for a line's text: itself if it is one, else `{"message": text}`."""
    return object_of(text) or message(text)


def object_of(text: str) -> str | None:
    """The JSON object that a text is, on one line; None if it is none.

    It is kept as it is written, but for halves of surrogate pairs, and for newlines between its tokens, which would
    end the document and become spaces.
    """
    if text.lstrip(" \t\r\n")[:1] != "{":
        return None
    try:
        return _on_one_line(text)
    except UNREADABLE:
        pass
    whole = without_halves(text)
    try:
        return None if whole == text else _on_one_line(whole)
    except UNREADABLE:
        return None


def text_of(written: str) -> str:
    """A line as the application wrote it, without what ended it."""
    return written[:-1].removesuffix("\r") if written.endswith("\n") else written


def message(text: str) -> str:
    """`{"message": text}`."""
    return f'{{"message":{orjson.dumps(text).decode()}}}'


def without_halves(json: str) -> str:
    """JSON in which each half of a surrogate pair, as of an emoji that was cut in two, is U+FFFD.

    JavaScript and Python write halves, and Elasticsearch takes them; but they are no text, and strict parsers refuse
    the whole that they stand in.
    """
    if "\\ud" not in json and "\\uD" not in json:
        return json
    return _ESCAPES.sub(lambda found: r"\ufffd" if len(found[0]) == _HALF else found[0], json)


def _on_one_line(text: str) -> str:
    validate(text)
    return text.replace("\n", " ")  # JSON holds newlines between its tokens only
