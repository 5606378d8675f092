"""A place between documents ↔ the text that a client keeps of it and sends back; to a client it means nothing."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import TypeVar

import msgspec

from collector.errors import UNREADABLE, QueryError

_MOST_CHARACTERS = 4096
_Place = TypeVar("_Place")


def written(place: object) -> str:
    """The text of a place."""
    return urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def read(text: str, shape: type[_Place]) -> _Place:
    """The place that the text is of.

    Raises:
        QueryError: it is of none.
    """
    try:
        if len(text) > _MOST_CHARACTERS:
            raise ValueError("too long")
        return msgspec.json.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)), type=shape)
    except (*UNREADABLE, binascii.Error, ValueError):
        raise QueryError(f"`{text[:40]}` is no cursor", "take it from the answer to the same search") from None
