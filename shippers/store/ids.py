"""Ids → what they begin with and the number at their end, by which lines of a file are in order; and back.

A number has no zero before it and less than 19 digits. What ends otherwise is all beginning, with the number `NONE`.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from collector.documents.ids import NumberedIds

from .columns import Array

NONE = -1
_MOST_DIGITS = 18


class Part(NamedTuple):
    """Ids that begin alike: their numbers, and which of all ids they are."""

    prefix: str
    numbers: Array
    indexes: Array


def split(name: str) -> tuple[str, int]:
    """What an id begins with, and its number."""
    head, dash, digits = name.rpartition("-")
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= _MOST_DIGITS
    if not dash or not is_number or (digits[0] == "0" and digits != "0"):
        return name, NONE
    return f"{head}-", int(digits)


def joined(prefix: str, number: int) -> str:
    """The id."""
    return prefix if number == NONE else f"{prefix}{number}"


def parts(ids: Sequence[str]) -> Iterator[Part]:
    """Ids that follow each other and begin alike; each id once."""
    if not len(ids):
        return
    if isinstance(ids, NumberedIds):
        numbers = ids.numbers
        yield Part(ids.prefix, np.arange(numbers.start, numbers.stop, numbers.step), np.arange(len(ids)))
        return
    at = 0
    for prefix, group in groupby(map(split, ids), key=lambda each: each[0]):
        found = np.array([number for _, number in group], np.int64)
        unique, first = np.unique(found, return_index=True)
        if len(unique) == len(found):
            first = np.arange(len(found))
        first.sort()
        yield Part(prefix, found[first], first + at)
        at += len(found)


def order(name: str) -> tuple[str, int, str]:
    """By this the lines of a file are in order: their numbers have no zeros before them."""
    file, _, line = name.rpartition("-")
    return file, len(line) - len(line.lstrip("0123456789")), line
