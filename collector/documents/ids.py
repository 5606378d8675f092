"""Where a line stands → its document's `_id`: ADR 0001."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import overload

import orjson

from collector.model import FileId

ID_SCHEME = 1  # kept with the positions: another scheme would give another id to a line that was shipped already


def short_hash(parts: Sequence[str | int]) -> str:
    """72 bits in 12 characters."""
    return urlsafe_b64encode(blake2b(orjson.dumps(parts), digest_size=9).digest()).decode()


def digest(ids: Iterable[str]) -> bytes:
    """16 bytes that stand for these ids in this order: the name of a batch, equal whenever it is sent again."""
    return blake2b("\n".join(ids).encode(), digest_size=16).digest()


def id_prefix(file: FileId, entry: str) -> str:
    """What the `_id`s of one file's lines for one label entry begin with."""
    return short_hash([ID_SCHEME, file.container_id, file.head, file.ordinal, entry]) + "-"


def begin_of(name: str) -> tuple[str, int]:
    """What the ids of its file begin with, and the raw line that the document with this id begins with."""
    file, dash, digits = name.rpartition("-")
    if digits.isdigit():
        return f"{file}{dash}", int(digits)
    end = next((at for at, each in enumerate(digits) if not each.isdigit()), len(digits))
    return f"{file}{dash}", int(digits[:end] or 0)


class NumberedIds(Sequence[str]):
    """The `_id`s of lines that follow each other in one file, `<prefix><number>`: made when they are asked for."""

    __slots__ = ("numbers", "prefix")

    def __init__(self, prefix: str, numbers: range) -> None:
        self.prefix = prefix
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "NumberedIds": ...
    def __getitem__(self, index: int | slice) -> "str | NumberedIds":
        found = self.numbers[index]
        return NumberedIds(self.prefix, found) if isinstance(found, range) else f"{self.prefix}{found}"

    def __iter__(self) -> Iterator[str]:
        prefix = self.prefix
        return (f"{prefix}{number}" for number in self.numbers)

    def __contains__(self, name: object) -> bool:
        return self._number(name) in self.numbers

    def index(self, name: object, start: int = 0, stop: int | None = None) -> int:
        """Where it stands; without making all of them, as `in`."""
        number = self._number(name)
        if number is None:
            raise ValueError(f"{name!r} is not among them")
        return start + self.numbers[start:stop].index(number)

    def _number(self, name: object) -> int | None:
        if not isinstance(name, str):
            return None
        digits = name.removeprefix(self.prefix)
        number = int(digits) if digits.isascii() and digits.isdigit() else None
        return number if name == f"{self.prefix}{number}" else None
