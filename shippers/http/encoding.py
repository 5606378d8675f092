"""Documents → JSON objects with their ids → the body of a request, compressed."""

from collections.abc import Sequence
from hashlib import blake2b
from importlib import import_module
from typing import Literal, Protocol

import msgspec

from collector.errors import ConfigurationError
from collector.files import gzip

Compression = Literal["none", "gzip", "zstd"]

_ZSTD_LEVEL = 1


def lines(documents: Sequence[bytes], ids: Sequence[str], id_field: str) -> list[bytes]:
    """The documents, each with its id as the first member `id_field`; without one if that is ""."""
    if not id_field:
        return [_on_one_line(body) for body in documents]
    head = b"{%b:" % msgspec.json.encode(id_field)
    return [b"%b%b,%b" % (head, msgspec.json.encode(name), _on_one_line(body)[1:])
            for name, body in zip(ids, documents, strict=True)]  # fmt: skip


def body_of(items: Sequence[bytes], *, is_array: bool) -> bytes:
    """One object a line, or an array of them."""
    return b"[%b]" % b",".join(items) if is_array else b"%b\n" % b"\n".join(items)


def key_of(ids: Sequence[str]) -> str:
    """A key that the same documents in the same order have, and no others."""
    return blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()


def compressed(body: bytes, compression: Compression) -> bytes:
    """The body as it is sent."""
    if compression == "gzip":
        return gzip.compress(body)
    return bytes(_zstd().compress(body, level=_ZSTD_LEVEL)) if compression == "zstd" else body


def check(compression: Compression, option: str) -> None:
    """See that there is what compresses.

    Raises:
        ConfigurationError: there is not.
    """
    if compression == "zstd":
        try:
            _zstd()
        except ImportError:
            raise ConfigurationError(
                f"{option}: zstd is not installed", "install pilotfish[kafka], or set gzip"
            ) from None


class _Zstd(Protocol):
    def compress(self, data: bytes, level: int) -> bytes: ...


def _zstd() -> _Zstd:
    found: _Zstd = import_module("cramjam").zstd
    return found


def _on_one_line(document: bytes) -> bytes:
    # in JSON a raw newline can only be white space between tokens
    return document.replace(b"\n", b" ") if b"\n" in document else document
