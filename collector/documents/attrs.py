"""`attrs` of a line (log-opts `labels`, `env`, `tag`) → the member `docker_attrs`, where `fields.attrs` asks for it.

A list of texts `key=value`: keys are chosen by whoever starts a container, and as fields of an index they would clash
with those of others, or fill it. The envelope's member: moby `daemon/logger/jsonfilelog/jsonlog`, `RawAttrs`.
"""

from collections.abc import Callable
from typing import Protocol

import msgspec
import orjson

from collector.documents.json_text import without_halves
from collector.errors import UNREADABLE
from collector.text.bounds import bounded

_MOST = 64  # entries of a line
_MORE = "…"


class HasAttrs(Protocol):
    """A line; `attrs` is JSON, b"" where it has none."""

    @property
    def attrs(self) -> bytes | msgspec.Raw:
        """As it stands in the file."""


class Attrs:
    """Renders them. All lines of a container have the same, so the last one is kept."""

    def __init__(self, redact: Callable[[str, str], str] = lambda key, value: value) -> None:
        """`redact` gives the value of a key as it may be seen."""
        self._redact = redact
        self._raw = b""
        self._member = b""

    def add(self, document: bytes, line: HasAttrs) -> bytes:
        """The document of a line with its member; as it is where the line has none."""
        attrs = bytes(line.attrs)
        if attrs != self._raw:
            self._raw, self._member = attrs, _member(attrs, self._redact)
        return document[:-1] + self._member + b"}" if self._member else document


def _member(attrs: bytes, redact: Callable[[str, str], str]) -> bytes:
    try:
        found = orjson.loads(without_halves(attrs.decode(errors="replace"))) if attrs else None
    except UNREADABLE:
        return b""
    pairs = sorted(found.items()) if isinstance(found, dict) else []
    entries = [bounded(f"{key}={redact(key, value)}") for key, value in pairs if isinstance(value, str)]
    if not entries:
        return b""
    return b',"docker_attrs":' + orjson.dumps(entries[:_MOST] + [_MORE] * (len(entries) > _MOST))
