"""Decoded logs → columns: for each path the values that rows have there, gathered shape by shape.

Rows of one application have the same members in the same order: their values are turned into columns by `zip`, and a
text that many rows have is looked at once. A row may have several values at a path, or none.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from msgspec import Struct, field

from collector.search.leaves import leaves, text_of

Array = np.ndarray[Any, np.dtype[Any]]

MAX_COLUMNS = 1000
MAX_PATH = 1000
"""Paths of a block, and characters of one, that are found by field; what is beyond is found as text only."""

_MOST_DEPTH = 50

BEYOND = "\n"
"""The path of what is beyond: no query can name it."""


def _vocabulary() -> "defaultdict[str, int]":
    return defaultdict(count().__next__)


class Texts(Struct):
    """Texts at one path: `codes` are the places of the rows' texts among the keys of `vocabulary`."""

    vocabulary: "defaultdict[str, int]" = field(default_factory=_vocabulary)
    rows: list[Array] = field(default_factory=list)
    codes: list[Array] = field(default_factory=list)

    def add(self, rows: Array, values: Sequence[str]) -> None:
        """These rows have these values."""
        self.rows.append(rows)
        self.codes.append(np.fromiter(map(self.vocabulary.__getitem__, values), np.uint32, len(values)))


class Numbers(Struct):
    """Numbers at one path."""

    rows: list[Array] = field(default_factory=list)
    values: list[Array] = field(default_factory=list)

    def add(self, rows: Array, values: Array) -> None:
        """These rows have these values."""
        self.rows.append(rows)
        self.values.append(values)


class Gathered(NamedTuple):
    """A column in the order of its rows."""

    rows: Array
    values: Array


class Columns:
    """The columns of a block while it is made."""

    def __init__(self) -> None:
        self.texts: dict[str, Texts] = {}
        self.integers: dict[str, Numbers] = {}
        self.floats: dict[str, Numbers] = {}

    def add(self, first: int, logs: Sequence[Any]) -> None:
        """Take the logs of the rows from `first` on."""
        self._add_values("", np.arange(first, first + len(logs), dtype=np.uint16), logs)

    def _add_objects(self, path: str, rows: Array, objects: Sequence[dict[str, Any]]) -> None:
        shapes: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for number, each in enumerate(objects):
            shapes[tuple(each)].append(number)
        for names, numbers in shapes.items():
            if len(shapes) > 1:
                chosen, mine = rows[numbers], [objects[number].values() for number in numbers]
            else:
                chosen, mine = rows, [each.values() for each in objects]
            for name, values in zip(names, zip(*mine, strict=True), strict=True):
                self._add_values(f"{path}.{name}" if path else name, chosen, values)

    def _add_values(self, path: str, rows: Array, values: Sequence[Any]) -> None:
        """The values of these rows at a path, of whatever types."""
        types = set(map(type, values))
        if len(types) > 1:
            parts: defaultdict[type, list[int]] = defaultdict(list)
            for number, value in enumerate(values):
                parts[type(value)].append(number)
            for numbers in parts.values():
                self._add_values(path, rows[numbers], [values[number] for number in numbers])
        elif types == {dict} and path.count(".") < _MOST_DEPTH:
            self._add_objects(path, rows, values)
        elif types <= {list, dict}:
            self._add_nested(path, rows, values)
        elif types and types != {type(None)}:
            self._add_leaves(path, rows, values, next(iter(types)))

    def _add_nested(self, path: str, rows: Array, values: Iterable[Any]) -> None:
        """What is in lists, or too deep for a step each, leaf by leaf."""
        found: defaultdict[str, tuple[list[Any], list[Any]]] = defaultdict(lambda: ([], []))
        for row, each in zip(rows, values, strict=True):
            for at, leaf in leaves(each, path):
                found[at][0].append(row)
                found[at][1].append(leaf)
        for at, (its_rows, its_values) in found.items():
            self._add_values(at, np.array(its_rows, np.uint16), its_values)

    def _add_leaves(self, path: str, rows: Array, values: Sequence[Any], kind: type) -> None:
        if self._is_beyond(path):
            self._texts(BEYOND).add(rows, list(map(text_of, values)))
        elif kind is str:
            self._texts(path).add(rows, values)
        elif kind is bool:
            self._texts(path).add(rows, list(map(text_of, values)))
        else:
            self._add_numbers(path, rows, values, kind)

    def _add_numbers(self, path: str, rows: Array, values: Sequence[Any], kind: type) -> None:
        if kind is float:
            self.floats.setdefault(path, Numbers()).add(rows, np.array(values))
            return
        try:
            integers = np.array(values, np.int64)
        except OverflowError:  # one is beyond 64 bits: a number as JSON parsers read it, and its own digits
            self.floats.setdefault(path, Numbers()).add(rows, np.array(list(map(_float, values))))
            self._texts(BEYOND).add(rows, list(map(str, values)))
        else:
            self.integers.setdefault(path, Numbers()).add(rows, integers)

    def _is_beyond(self, path: str) -> bool:
        if path in self.texts or path in self.integers or path in self.floats:
            return False
        return len(path) > MAX_PATH or len(self.texts) + len(self.integers) + len(self.floats) >= MAX_COLUMNS

    def _texts(self, path: str) -> Texts:
        return self.texts.setdefault(path, Texts())


def gathered(rows: Sequence[Array], values: Sequence[Array]) -> Gathered:
    """A column in the order of its rows, each value of a row once."""
    if not rows:
        return Gathered(np.zeros(0, np.uint16), np.zeros(0))
    all_rows, all_values = np.concatenate(rows), np.concatenate(values)
    steps = np.diff(all_rows.astype(np.int32))
    if np.all(steps > 0):
        return Gathered(all_rows, all_values)
    order = np.argsort(all_rows, kind="stable")
    all_rows, all_values = all_rows[order], all_values[order]
    if np.all(np.diff(all_rows.astype(np.int32)) > 0):
        return Gathered(all_rows, all_values)
    order = np.lexsort((all_values, all_rows))
    all_rows, all_values = all_rows[order], all_values[order]
    is_new = np.ones(len(all_rows), bool)
    is_new[1:] = (all_rows[1:] != all_rows[:-1]) | (all_values[1:] != all_values[:-1])
    return Gathered(all_rows[is_new], all_values[is_new])


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
