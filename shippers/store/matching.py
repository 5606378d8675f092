"""What is asked for (`collector.search.language`) → which rows of a block match."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np

from collector.errors import QueryError
from collector.search import language
from collector.search.language import AllOf, AnyOf, Asked, Everything, Numbers, Times, Whole, Words
from collector.search.leaves import text_of, words

from . import ids
from .block import BlockView
from .columns import Array
from .head import NumberColumn, TextColumn
from .words import numbers_of, texts_with, worded

Match = Callable[[BlockView], Array]
"""Gives a boolean for each row."""

_NONE = np.zeros(0, np.int64)
_DIGITS = frozenset("0123456789e")  # of which the words of numbers are
_WORDS_OF_A_NUMBER = 3  # before the point, behind it, and the exponent
_EXACT_DIGITS = 12  # that a float shifted by so many digits still tells
_LEAST_EXPONENT, _MOST_SMALL = 1e15, 1e-3  # what is larger or smaller may be written with an exponent


def compiled(text: str) -> Match:
    """The meaning of `text`; an empty one means every document.

    Raises:
        QueryError: it cannot be read, or asks for what the store does not hold.
    """
    try:
        return match_of(language.parsed(text))
    except RecursionError as error:
        raise language.nested_too_deeply() from error


def match_of(asked: Asked) -> Match:
    """What finds the rows that are asked for.

    Raises:
        QueryError: the store cannot answer it.
    """
    match asked:
        case Words():
            return _in_line(asked)
        case Whole(name, text, is_prefix):
            return lambda view: _by_frame(view, name, text, is_prefix=is_prefix)
        case Numbers():
            return lambda view: _in_numbers(view, asked.path, lambda values: _within(values, asked))
        case Times(since, until):
            return lambda view: between(view, since, until)
        case AnyOf(some):
            return _any_of([match_of(each) for each in some])
        case AllOf(all_, unwanted):
            return all_of([match_of(each) for each in all_], [match_of(each) for each in unwanted])
        case Everything():
            return everything


def everything(view: BlockView) -> Array:
    """All rows."""
    return np.ones(view.count, bool)


def target_is(target: str) -> Match:
    """Rows of exactly this `@target`.

    Raises:
        QueryError: none can have it.
    """
    whole = language.whole(target)
    return lambda view: _by_frame(view, "@target", whole, is_prefix=False)


def id_is(names: Sequence[str]) -> Match:
    """Rows with one of these ids."""
    asked = [ids.split(language.whole(name)) for name in names]

    def match(view: BlockView) -> Array:
        found = np.zeros(view.count, bool)
        for prefix, number in asked:
            found |= view.has_id(prefix, number)
        return found

    return match


def between(view: BlockView, since: int | None, until: int | None) -> Array:
    """Rows from `since` on and before `until`, in nanoseconds."""
    head = view.head
    if (since is not None and since > head.last) or (until is not None and until <= head.first):
        return np.zeros(view.count, bool)
    found = everything(view)
    if since is not None and since > head.first:
        found &= view.times >= since
    if until is not None and until <= head.last:
        found &= view.times < until
    return found


def all_of(wanted: Sequence[Match], unwanted: Sequence[Match] = ()) -> Match:
    """Rows that match every one of `wanted` and none of `unwanted`."""

    def match(view: BlockView) -> Array:
        found = everything(view)
        for each in wanted:
            found &= each(view)
            if not found.any():
                return found
        for each in unwanted:
            found &= ~each(view)
        return found

    return match


def _any_of(some: Sequence[Match]) -> Match:
    return lambda view: reduce(np.logical_or, (each(view) for each in some), np.zeros(view.count, bool))


def _by_frame(view: BlockView, name: str, text: str, *, is_prefix: bool) -> Array:
    """Rows of which a trusted member is this text, or begins so."""
    fits = [
        any(path == name and (value.startswith(text) if is_prefix else value == text) for path, value in members)
        for members in (frame.members() for frame in view.frames)
    ]
    if all(fits) or not any(fits):
        return np.full(view.count, fits[0])
    return np.array(fits)[view.frame_of]


class _Wanted(NamedTuple):
    """Words that are looked for, in this order; `path` is "" for all paths."""

    path: str
    words: list[str]
    slop: int
    is_prefix: bool  # the last of them is the beginning of a word

    def texts(self, view: BlockView, column: TextColumn) -> Array:
        """Which texts of a column have them, by their numbers."""
        whole, beginning = (self.words[:-1], self.words[-1]) if self.is_prefix else (self.words, "")
        if not view.may_have(column, whole, beginning):
            return _NONE
        lines = view.words(column)
        numbers = [numbers_of(word, lines, is_prefix=False) for word in whole]
        if self.is_prefix:
            numbers.append(numbers_of(beginning, lines, is_prefix=True))
        if not all(map(len, numbers)):
            return _NONE
        tokens = view.tokens(column)
        if tokens is None:
            return numbers[0] - 1 if len(numbers) == 1 else _NONE
        return texts_with(tokens, numbers, self.slop)

    def fits(self, text: str) -> bool:
        """Whether a text has them."""
        mine, tokens = worded([text])
        lines = b"\n%b\n" % b"\n".join(mine)
        last = len(self.words) - 1
        numbers = [
            numbers_of(word, lines, is_prefix=self.is_prefix and at == last) for at, word in enumerate(self.words)
        ]
        return all(map(len, numbers)) and len(texts_with(tokens, numbers, self.slop)) > 0


def _in_line(asked: Words) -> Match:
    found = words(asked.text)
    if not found:
        raise language.no_word(asked.text)
    if asked.is_prefix and len(found) > 1 and asked.path:
        raise QueryError(f"`{asked.text}*` is several words inside a field", "search for one word of it with a star")
    wanted = _Wanted(asked.path, found, asked.slop, asked.is_prefix)
    number = language.number_of(asked.text) if asked.path else None

    def begins(text: str) -> bool:
        return text.startswith(asked.text)

    def match(view: BlockView) -> Array:
        rows = _in_texts(view, wanted)
        if not asked.path:
            if len(found) <= _WORDS_OF_A_NUMBER and set("".join(found)) <= _DIGITS:
                rows |= _in_numbers(view, "", lambda values: _with_words(values, wanted))
        elif asked.is_prefix:
            rows |= _in_numbers(view, asked.path, lambda values: _by_text(values, begins))
        elif number is not None:
            rows |= _in_numbers(view, asked.path, lambda values: _equal(values, number))
        return rows

    return match


def _in_texts(view: BlockView, wanted: _Wanted) -> Array:
    rows = np.zeros(view.count, bool)
    for column in view.head.texts:
        if not wanted.path or column.path == wanted.path:
            texts = wanted.texts(view, column)
            if len(texts):
                _mark(rows, view, column, _chosen(view.codes(column), texts, column.size))
    return rows


def _chosen(codes: Array, texts: Array, size: int) -> Array:
    if len(texts) == size:
        return np.ones(len(codes), bool)
    fits = np.zeros(size, bool)
    fits[texts] = True
    return fits[codes]


def _in_numbers(view: BlockView, path: str, fits: Callable[[Array], Array]) -> Array:
    """Rows with a number at the path (anywhere if that is "") that fits."""
    rows = np.zeros(view.count, bool)
    for column in [*view.head.integers, *view.head.floats]:
        if not path or column.path == path:
            _mark(rows, view, column, fits(view.values(column)))
    return rows


def _mark(rows: Array, view: BlockView, column: TextColumn | NumberColumn, fits: Array) -> None:
    """Note the rows of the values of a column that fit."""
    its_rows = view.rows_of(column)
    if its_rows is None:
        rows |= fits
    else:
        rows[its_rows[fits]] = True


def _within(values: Array, asked: Numbers) -> Array:
    found = np.ones(len(values), bool)
    if asked.low is not None:
        found &= (values >= _bound(asked.low)) if asked.has_low else (values > _bound(asked.low))
    if asked.high is not None:
        found &= (values <= _bound(asked.high)) if asked.has_high else (values < _bound(asked.high))
    return found


def _bound(number: float) -> float:
    """As numpy can compare it."""
    try:
        return number if abs(number) < 1 << 63 else float(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _equal(values: Array, number: float) -> Array:
    if values.dtype.kind == "f" or abs(number) >= 1 << 63:
        return np.asarray(values.astype(float) == float(_bound(number)))
    return np.asarray(values == (int(number) if float(number).is_integer() else number))


def _with_words(values: Array, wanted: _Wanted) -> Array:
    """Numbers of which the text has these words: those that may have them are looked at one by one."""
    may = _may_have_word(values, wanted.words[0]) if len(wanted.words) == 1 and not wanted.is_prefix else None
    if may is None:
        return _by_text(values, wanted.fits)
    found = np.zeros(len(values), bool)
    if may.any():
        found[may] = _by_text(values[may], wanted.fits)
    return found


def _may_have_word(values: Array, word: str) -> Array | None:
    """Numbers that may have this word: before the point, behind it, or since they have an exponent; None: any may."""
    if not word.isdigit() or len(word) > _EXACT_DIGITS:
        return None
    size = np.abs(values.astype(float))
    found: Array = (np.floor(size) == int(word)) | (size >= _LEAST_EXPONENT)
    if values.dtype.kind == "f":
        shifted = size * 10.0 ** len(word)
        found |= np.abs(np.round(shifted) % 10.0 ** len(word) - int(word)) < 1
        found |= (size < _MOST_SMALL) & (size > 0)
    return found


def _by_text(values: Array, fits: Callable[[str], bool]) -> Array:
    unique, which = np.unique(values, return_inverse=True)
    return np.array([fits(text_of(value)) for value in unique.tolist()], bool)[which]
